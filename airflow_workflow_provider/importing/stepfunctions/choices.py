"""Choice states: rules become CEL conditions, JSONata conditions are computed by the step."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.importing.jsonpath import (
    NotTranslatable,
    Path,
    as_cel,
    cel_literal,
    cel_member,
    parse_path,
)

if TYPE_CHECKING:
    from airflow_workflow_provider.importing.stepfunctions.scope import Here

_SIGNS: Final = {"Equals": "==", "LessThanEquals": "<=", "GreaterThanEquals": ">=", "LessThan": "<", "GreaterThan": ">"}
_OPERATOR: Final = re.compile(
    "^(String|Numeric|Boolean|Timestamp)(LessThanEquals|GreaterThanEquals|Equals|LessThan|GreaterThan)(Path)?$"
)
_KINDS: Final = {"String": "== string", "Numeric": "in [int, double]", "Boolean": "== bool", "Timestamp": "== string"}
_RFC3339: Final = (
    "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?"
    "(Z|[+-][0-9]{2}:[0-9]{2})$"
)
_TIMESTAMP: Final = f"(type({{}}) == string && {{}}.matches({cel_literal(_RFC3339)}))"
_TESTS: Final = {
    "IsNull": "{} == null",
    "IsString": "type({}) == string",
    "IsNumeric": "type({}) in [int, double]",
    "IsBoolean": "type({}) == bool",
    "IsTimestamp": _TIMESTAMP,
}
_DEEPEST: Final = 20


def condition(here: Here, rule: dict[str, Any], depth: int = 0) -> str:
    """Return a choice rule as a CEL condition.

    :raises NotTranslatable: it has no counterpart
    """
    if depth > _DEEPEST:
        message = f"rules nested deeper than {_DEEPEST}"
        raise NotTranslatable(message)
    for name, sign in (("And", " && "), ("Or", " || ")):
        if name in rule:
            parts = [condition(here, part, depth + 1) for part in rule[name]]
            return parts[0] if len(parts) == 1 else f"({sign.join(parts)})"
    if "Not" in rule:
        return f"!({condition(here, rule['Not'], depth + 1)})"
    path = parse_path(str(rule.get("Variable")))
    operators = [key for key in rule if key not in {"Variable", "Next", "Comment", "Assign", "Output"}]
    if len(operators) != 1:
        message = f"a rule with the comparisons {operators}"
        raise NotTranslatable(message)
    return _comparison(here, path, operators[0], rule[operators[0]])


def _comparison(here: Here, path: Path, operator: str, value: Any) -> str:
    if operator == "IsPresent":
        present = _present(here, path)
        return present if value else f"!({present})"
    variable = _cel(here, path)
    if operator in _TESTS:
        test = _TESTS[operator].replace("{}", variable)
        return test if value else f"!({test})"
    if operator == "StringMatches":
        return f"(type({variable}) == string && {variable}.matches({cel_literal(_wildcards(str(value)))}))"
    found = _OPERATOR.match(operator)
    if found is None:
        message = f"the comparison {operator!r} is unknown"
        raise NotTranslatable(message)
    kind, sign = found[1], _SIGNS[found[2]]
    if found[3]:
        other = _cel(here, parse_path(str(value)))
        kinds = f"type({variable}) {_KINDS[kind]} && type({other}) {_KINDS[kind]}"
    else:
        other = cel_literal(value)
        kinds = "" if sign == "==" and kind != "Timestamp" else f"type({variable}) {_KINDS[kind]}"
    if kind == "Timestamp":
        kinds = " && ".join(_TIMESTAMP.replace("{}", each) for each in (variable, *([other] if found[3] else [])))
        variable, other = f"timestamp({variable})", f"timestamp({other})"
    compared = f"{variable} {sign} {other}"
    return f"({kinds} && {compared})" if kinds else compared


def _cel(here: Here, path: Path) -> str:
    base, path = _root(here, path)
    return as_cel(path, base)


def _root(here: Here, path: Path) -> tuple[str, Path]:
    if path.root == "$$":
        base, path = here.context(path)
        return base.replace("`", ""), path
    return ((here.asked or here.scope.data) if path.root == "$" else f"variables.{path.root[1:]}"), path


def _present(here: Here, path: Path) -> str:
    base, path = _root(here, path)
    if path.root not in {"$", "$$"}:
        base, path = "variables", Path("$", (path.root[1:], *path.parts), path.text)
    tests = []
    for number, part in enumerate(path.parts):
        selected = base + cel_member(part)
        if number or isinstance(part, int):
            tests.append(f"type({base}) == {'list' if isinstance(part, int) else 'map'}")
        if isinstance(part, int):
            tests.append(f"size({base}) > {part}")
        else:
            key = cel_literal(str(part))
            tests.append(f"has({selected})" if selected.endswith(f".{part}") else f"{key} in {base}")
        base = selected
    return tests[0] if len(tests) == 1 else f"({' && '.join(tests)})" if tests else "true"


def _wildcards(text: str) -> str:
    parts = re.findall(r"\\.|\*|[^*\\]+|\\", text, re.DOTALL)
    return (
        "(?s)^"
        + "".join(".*" if part == "*" else re.escape(part[-1] if part[0] == "\\" else part) for part in parts)
        + "$"
    )
