"""No secret is readable in the log, in any answer of the API or in a notification, whatever its shape (rule L4)."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from sqlalchemy import text

from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.masking import Masker, filled_in
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.store.instances import Instances, Record
from airflow_workflow_provider.store.journal import entries, metadata_of
from tests.support.api import Api
from tests.support.documents import step, workflow

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

HIDDEN = {"writeOnly": True}
PLANTED: dict[str, tuple[dict[str, Any], Any]] = {
    "plain": (HIDDEN, "marker-01-hunter"),
    "password": ({"format": "password"}, "marker-02-hunter"),
    "single quote": (HIDDEN, "marker-03 it's"),
    "both quotes": (HIDDEN, 'marker-04 it\'s "so"'),
    "backslash": (HIDDEN, "marker-05\\n\\x"),
    "tab": (HIDDEN, "marker-06\tb"),
    "lines": (HIDDEN, "marker-07 first\nmarker-07 second"),
    "lines of Windows": (HIDDEN, "marker-08 first\r\nmarker-08 second"),
    "letters": (HIDDEN, "marker-09 größe"),
    "emoji": (HIDDEN, "marker-10 📦"),
    "markup": (HIDDEN, "marker-11 <a&b>"),
    "url": (HIDDEN, "marker-12 a+b/c?d=e%f"),
    "map": ({"additionalProperties": HIDDEN}, {"db": "marker-13-hunter"}),
    "pattern": ({"patternProperties": {r"^\p{L}+$": HIDDEN}}, {"größe": "marker-14-hunter"}),
    "tuple": ({"prefixItems": [True, HIDDEN]}, ["main", "marker-15-hunter"]),
    "list": ({"items": HIDDEN}, ["marker-16-hunter", "marker-16-other"]),
    "anchor": ({"$ref": "#hidden"}, "marker-17-hunter"),
    "pointer": ({"$ref": "#/$defs/a%20b~1c"}, "marker-18-hunter"),
    "alternative": ({"anyOf": [{"type": "null"}, {"allOf": [HIDDEN]}]}, "marker-19-hunter"),
    "recursion": ({"$ref": "#/$defs/tree"}, {"next": {"next": {"pw": "marker-20-hunter"}}}),
    "condition": (
        {"if": {"required": ["a"]}, "then": {"properties": {"pw": HIDDEN}}},
        {"a": 1, "pw": "marker-21-hunter"},
    ),
    "dependent": ({"dependentSchemas": {"a": {"properties": {"pw": HIDDEN}}}}, {"a": 1, "pw": "marker-22-hunter"}),
    "unevaluated": ({"properties": {"a": True}, "unevaluatedProperties": HIDDEN}, {"a": 1, "b": "marker-23-hunter"}),
    "object": ({**HIDDEN, "type": "object"}, {"deep": [{"er": "marker-24-hunter"}]}),
    "number": (HIDDEN, 2525252525252525),
    "redacted": ({}, {"any": {"pin": "marker-26-hunter"}}),
}
TRACES = [f"marker-{number:02}" for number in range(1, 27)] + ["2525252525252525"]
SCHEMA = {
    "type": "object",
    "$defs": {
        "hidden": {"$anchor": "hidden", **HIDDEN},
        "a b/c": HIDDEN,
        "tree": {"properties": {"pw": HIDDEN, "next": {"$ref": "#/$defs/tree"}}},
    },
    "properties": {f"p {name}": schema for name, (schema, _) in PLANTED.items()},
}
GIVEN = {f"p {name}": value for name, (_, value) in PLANTED.items()}
DOCUMENT = workflow(
    step("copy", output={"type": "jsonata", "expression": "{'all': input, 'text': $string(input)}"}),
    step("break", onFailure={"action": "continue", "nextStepId": "end-it"}),
    step("end-it"),
    workflowId="planted",
    inputSchema=SCHEMA,
    executionLog={
        "level": "debug",
        "redact": ['"p redacted".*.pin'],
        "metadata": ['["p plain"]', '["p map"].db', '["p redacted"].any.pin'],
    },
    uiComponents=[
        {
            "componentId": "x",
            "condition": "true",
            "context": {
                "title": "X",
                "items": [{"label": "all", "value": {"type": "jsonata", "expression": "$string(input)"}}],
            },
        }
    ],
)


def written() -> str:
    """Return a message with everything in it, in many ways to write it."""
    leaves = [value for value in GIVEN.values() if isinstance(value, str)]
    return "\n".join(
        [
            repr(GIVEN),
            json.dumps(GIVEN),
            json.dumps(GIVEN, ensure_ascii=False),
            json.dumps(json.dumps(GIVEN)),
            *leaves,
            *map(repr, leaves),
            *(quote(each, safe="") for each in leaves),
            *(base64.b64encode(each.encode()).decode() for each in leaves),
            *(" ".join(each.split()) for each in leaves),
        ]
    )


def readable_in(found: str) -> list[str]:
    encoded = [base64.b64encode(value.encode()).decode()[:-4] for value in GIVEN.values() if isinstance(value, str)]
    return [trace for trace in (*TRACES, *encoded) if trace in found]


def test_l4_no_planted_secret_is_readable_anywhere(api: Api) -> None:
    api.publish(DOCUMENT)
    graph = Graph.of(parse_definition(DOCUMENT))
    started = api.as_role("user").post("definitions/planted/instances", json={"input": GIVEN})
    assert started.status_code == 201, started.text
    instance = started.json()["id"]
    names = DOCUMENT["executionLog"]["metadata"]

    def run(record: Record) -> None:
        machine = Machine(graph, record.state)
        now = datetime.now(UTC)
        machine.begin("", "copy", "r", now)
        machine.prepare("", now)
        machine.succeed("", "copy", "r", {"echo": GIVEN}, now)
        machine.begin("", "break", "r", now)
        failure = Failure.named("Refused", written()[:3900])
        machine.fail("", "break", "r", failure, now)
        record.status, record.error = machine.status, machine.state.error
        masker = Masker(graph.definition, machine.state.input, filled=filled_in(machine.state))
        record.log(entries(machine.drain_events(), masker, metadata_of(names, machine.state.input)))
        masked = masker.mask({"message": written()})
        assert readable_in(masked["message"]) == []
        record.save()

    Instances(api.database).update(UUID(instance), run)

    client = api.as_role("op")
    places = [
        "instances", "instances?workflowId=planted", f"instances/{instance}", f"instances/{instance}/view",
        f"instances/{instance}/steps/copy", f"instances/{instance}/steps/break", f"instances/{instance}/log",
        "overviews?workflowId=planted", "questions", "definitions/planted", "definitions/planted/graph", "deliveries",
        "waits", "events",
    ]  # fmt: skip
    for place in places:
        answer = client.get(place)
        assert answer.status_code == 200, (place, answer.text)
        assert (place, readable_in(answer.text), readable_in(json.dumps(answer.json(), ensure_ascii=False))) == (
            place,
            [],
            [],
        )
    with api.database.begin() as connection:
        rows = connection.execute(text("SELECT to_jsonb(l)::text FROM workflow_execution_logs l")).scalars().all()
    assert len(rows) >= 4
    assert [readable_in(row) for row in rows if readable_in(row)] == []
    assert any('"***"' in row for row in rows)
