"""Every example is a valid definition, says what it shows, and does in memory what its page says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.cli.main import main

FOLDER = Path(__file__).parents[2] / "examples"
NAMES = sorted(file.stem for file in FOLDER.glob("*.json") if "." not in file.stem)
REAL_LIFE = {"order-approval", "employee-onboarding", "nightly-report", "payment", "webhook-enrichment"}
FORMAT = {"complete", "transitions", "error-handling", "ui-components", "execution-log"}
SELECTED = {"shipment"}
"""Examples whose tasks are selected, which is an extension of the published schema."""
WARNED = {"format-transitions": ["WF205"]}

STEPS_SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "stepId": {"type": "string"},
            "taskId": {"type": "string"},
            "name": {"type": "string"},
            "description": {"type": "string"},
            "next": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"nextStepId": {"type": "string"}, "condition": {"type": "string"}},
                    "required": ["nextStepId"],
                },
            },
            "parallelBranches": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"branchId": {"type": "string"}, "steps": {"type": "array"}},
                },
            },
            "retryPolicy": {
                "type": "object",
                "properties": {
                    "maxAttempts": {"type": "number"},
                    "delay": {"type": "string"},
                    "strategy": {"type": "string"},
                },
            },
            "timeout": {"type": "string"},
            "onFailure": {
                "type": "object",
                "properties": {
                    "action": {"type": "string"},
                    "nextStepId": {"type": "string"},
                    "errorHandler": {"type": "object"},
                },
            },
        },
        "required": ["stepId", "taskId"],
    },
}

OUTCOMES: dict[str, tuple[str, str]] = {
    "order-approval.input": ("completed", "register autoApprove notify"),
    "order-approval.manager.input": ("completed", "register managerApproval notify"),
    "order-approval.board.input": ("completed", "register boardApproval notify"),
    "order-approval.refused.input": ("failed", ""),
    "employee-onboarding.input": (
        "completed",
        "openFile prepare createAccount orderLaptop needsDesk grantAccess awaitDelivery assignDesk mailbox chooseTools "
        "developerTools setUpLaptop welcome",
    ),
    "nightly-report.input": ("completed", "countByStatus busiest compose"),
    "payment.input": ("completed", "charge charge charge receipt"),
    "webhook-enrichment.input": ("completed", "enrich lookUpCustomer lookUpCompany deliver"),
    "invoice.input": ("completed", "send awaitPayment settled"),
    "purchase-request.input": ("completed", "findSupplier approve order"),
    "shipment.input": ("completed", "ship notify"),
    "shipment.heavy.input": ("completed", "ship notify"),
    "format-complete.input": ("completed", "checkRequest runChecks checkCredit checkFraud finish"),
    "format-transitions.input": ("completed", "checkAmount approveRequest"),
    "format-transitions.small.input": ("completed", "checkAmount autoApprove"),
    "format-error-handling.input": ("completed", "validate validateRetry save"),
    "format-error-handling.valid.input": ("completed", "validate save"),
    "format-ui-components.input": ("completed", "work"),
    "format-execution-log.input": ("completed", "greet leave"),
}


def read(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def test_the_examples_are_those_that_are_promised() -> None:
    assert {name for name in NAMES if not name.startswith("format-")} >= REAL_LIFE
    assert {name for name in NAMES if name.startswith("format-")} == {f"format-{part}" for part in FORMAT}


@pytest.mark.parametrize("name", NAMES)
def test_every_example_has_a_page_an_input_and_its_name_as_id(name: str) -> None:
    assert read(name)["workflowId"] == name
    assert (FOLDER / f"{name}.md").read_text(encoding="utf-8").startswith("# ")
    assert (FOLDER / f"{name}.input.json").exists()
    assert f"({name}.md)" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_every_example_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(FOLDER / f"{name}.json") for name in NAMES] + [str(file) for file in FOLDER.glob("tasks/*.json")]

    code = main(["validate", *files, "--output", "json"])

    results = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = {Path(result["file"]).stem: [each["code"] for each in result["diagnostics"]] for result in results}
    assert code == 0
    assert len(results) == len(files)
    assert {name: codes for name, codes in found.items() if codes} == WARNED


@pytest.mark.parametrize("name", sorted(set(NAMES) - SELECTED))
def test_d1_the_steps_of_every_example_fit_the_published_schema_of_the_steps_column(name: str) -> None:
    import jsonschema

    jsonschema.Draft202012Validator(STEPS_SCHEMA).validate(read(name)["steps"])


@pytest.mark.parametrize("file", sorted(file.name for file in FOLDER.glob("*.input.json")))
def test_x6_every_input_fits_its_schema_but_the_refused_one(file: str) -> None:
    import jsonschema

    name = file.partition(".")[0]
    validator = jsonschema.Draft202012Validator(
        read(name).get("inputSchema", {}), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    document = json.loads((FOLDER / file).read_text(encoding="utf-8"))

    assert validator.is_valid(document) is (".refused." not in file)


@pytest.mark.parametrize("case", OUTCOMES)
def test_every_example_runs_in_memory_as_its_page_says(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = case.partition(".")[0]
    arguments = ["simulate", str(FOLDER / f"{name}.json"), "--input", f"@{FOLDER / case}.json", "--output", "json"]
    mocks = FOLDER / f"{name}.mocks.json"
    if mocks.exists():
        arguments += ["--mocks", str(mocks)]

    main(arguments)

    result = json.loads(capsys.readouterr().out)
    status, path = OUTCOMES[case]
    assert (result["status"], " ".join(line["stepId"] for line in result["path"])) == (status, path), result["error"]


def test_d1_the_documented_transition_example_is_there_word_for_word() -> None:
    assert read("format-transitions")["steps"][0]["next"] == [
        {"nextStepId": "approveRequest", "condition": "data.amount > 1000"},
        {"nextStepId": "autoApprove", "condition": "data.amount <= 1000"},
    ]


def test_d1_the_documented_error_handler_is_there_word_for_word() -> None:
    assert read("format-error-handling")["steps"][0]["onFailure"] == {
        "action": "continue",
        "errorHandler": {
            "conditions": [
                {"errorType": "ValidationError", "nextStepId": "validateRetry"},
                {"errorType": "TimeoutError", "nextStepId": "timeoutHandler"},
            ]
        },
    }
