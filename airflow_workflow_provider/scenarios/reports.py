"""The results of scenarios as JUnit XML, which CI systems show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from airflow_workflow_provider.model.plain import visible

if TYPE_CHECKING:
    from airflow_workflow_provider.scenarios.coverage import Coverage
    from airflow_workflow_provider.scenarios.running import Result

_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(results: Sequence[Result], covered: Iterable[Coverage]) -> str:
    """Return a JUnit report: a suite for each file, a case for each scenario, the coverage as properties.

    :param results: sorted by file
    """
    root = ET.Element("testsuites", _counts(results))
    properties = {
        f"coverage.{each.definition.workflow_id}@{each.definition.version}.{name}": f"{taken}/{of}"
        for each in covered
        for name, (taken, of) in each.counts().items()
    }
    for file, group in groupby(results, key=lambda each: each.file):
        cases = list(group)
        suite = ET.SubElement(root, "testsuite", {"name": _text(file), **_counts(cases)})
        if properties:
            _add_properties(suite, properties)
            properties = {}
        for each in cases:
            case = ET.SubElement(suite, "testcase", {"classname": _text(each.workflow), "name": _text(each.name)})
            if each.error is not None:
                ET.SubElement(case, "error", {"message": _text(each.error)})
            elif each.failures:
                failure = ET.SubElement(case, "failure", {"message": _text(each.failures[0])})
                failure.text = _text("\n".join(each.failures))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_properties(suite: ET.Element, properties: dict[str, str]) -> None:
    listed = ET.SubElement(suite, "properties")
    for name, value in properties.items():
        ET.SubElement(listed, "property", {"name": _text(name), "value": value})


def _counts(results: Sequence[Result]) -> dict[str, str]:
    return {
        "tests": str(len(results)),
        "failures": str(sum(bool(each.failures) and each.error is None for each in results)),
        "errors": str(sum(each.error is not None for each in results)),
    }


def _text(text: str) -> str:
    """Return a text without what XML has no way to write."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", visible(text))
