"""``run``: start an instance through the API of workflows, and wait for it."""

from __future__ import annotations

import os
import time
from argparse import Namespace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID, uuid4

from airflow_workflow_provider.cli.console import note, print_json, print_line, progress
from airflow_workflow_provider.cli.documents import read_json_argument
from airflow_workflow_provider.cli.main import FAILED, FINE
from airflow_workflow_provider.cli.standalone import running_environment
from airflow_workflow_provider.errors import Misuse, NotFound, WorkflowsError
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.local.client import AirflowClient
    from airflow_workflow_provider.store.instances import Instance, Instances

USER_VARIABLE = "AIRFLOW_WORKFLOWS_API_USER"
PASSWORD_VARIABLE = "AIRFLOW_WORKFLOWS_API_PASSWORD"  # noqa: S105 - the name of a variable

ENDED = frozenset({"completed", "failed"})
LOADING = 60.0
"""Seconds that Airflow may take to load a version that was published just now."""
SETTLING = 15.0
"""Seconds that an instance may lag behind its DAG run."""
POLL = 0.5


def api_client() -> AirflowClient:
    """Return a client of the Airflow that the environment names, else of the one that runs on this machine.

    :raises Misuse: neither is there
    """
    from airflow_workflow_provider.local.client import TOKEN_VARIABLE, URL_VARIABLE, AirflowClient

    address = os.environ.get(URL_VARIABLE)
    if address:
        return AirflowClient(
            address,
            os.environ.get(USER_VARIABLE, ""),
            os.environ.get(PASSWORD_VARIABLE, ""),
            token=os.environ.get(TOKEN_VARIABLE) or None,
        )
    local = running_environment()
    if local is not None:
        return local.client()
    message = "No Airflow with a REST API is configured"
    raise Misuse(
        message,
        code=ProblemCode.NO_AIRFLOW,
        suggestion=f"Set {URL_VARIABLE} and {TOKEN_VARIABLE}, or {USER_VARIABLE} and {PASSWORD_VARIABLE}, or start one "
        "here with 'airflow-workflows standalone up'",
    )


def run(options: Namespace) -> int:
    """Start an instance and print its id; with ``--wait`` exit 0 only when it completed."""
    from airflow_workflow_provider.store.instances import instance_id

    document = read_json_argument(options.input, what="--input")
    if not isinstance(document, dict):
        message = f"An input is a JSON object, not {type(document).__name__}"
        raise Misuse(message, code=ProblemCode.BAD_INPUT, pointer="--input")
    with api_client() as client:
        run_id = _start(client, options, document)
        found = {
            "instanceId": str(instance_id(options.workflow_id, run_id)),
            "workflowId": options.workflow_id,
            "runId": run_id,
        }
        if options.output == "table":
            print_line(found["instanceId"])
        if not options.wait:
            if options.output == "json":
                print_json(found)
            return FINE
        ended = _wait(client, found, options.timeout)
    return _report(found, ended, options.output)


def _start(client: AirflowClient, options: Namespace, document: dict[str, Any]) -> str:
    """Start an instance by the API of workflows, which notes in the log that it came from here; return its run's id.

    A version that Airflow has not loaded yet is waited for: it was published just now.
    """
    workflow_id: str = options.workflow_id
    path = f"/definitions/{quote(workflow_id, safe='')}/instances"
    headers = {"Idempotency-Key": uuid4().hex}
    if options.version is not None:
        headers["If-Version"] = options.version
    until = time.monotonic() + (LOADING if options.timeout is None else min(options.timeout, LOADING))
    try:
        while True:
            try:
                return str(client.workflows("POST", path, json={"input": document}, headers=headers)["runId"])
            except WorkflowsError as error:
                if error.code != ProblemCode.WORKFLOW_NOT_LOADED or time.monotonic() + POLL > until:
                    raise
            time.sleep(POLL)
    except NotFound as error:
        message = f"Airflow at {client.address} has no workflow {workflow_id!r}"
        suggestion = "'airflow-workflows list' shows what is stored"
        raise NotFound(message, code=ProblemCode.WORKFLOW_NOT_FOUND, suggestion=suggestion) from error
    except Misuse as error:
        # The command is correct; the workflow does not accept this input.
        refused = WorkflowsError(error.message, code=ProblemCode.INPUT_REFUSED, pointer="--input")
        refused.findings = error.findings
        raise refused from error


def _wait(client: AirflowClient, found: dict[str, str], seconds: float | None) -> Instance:
    from airflow_workflow_provider.cli.access import open_database
    from airflow_workflow_provider.store.instances import Instances

    began = time.monotonic()
    over_since: float | None = None
    with open_database() as database, progress(f"Running {found['workflowId']}", None) as advance:
        while True:
            instance = _look(Instances(database), found["instanceId"])
            if instance is not None:
                if instance.status in ENDED:
                    return instance
                advance(f"{found['workflowId']}: {instance.status}, step {instance.current_step_id or '-'}")
            now = time.monotonic()
            if over_since is None and client.run(found["workflowId"], found["runId"])["state"] in ("success", "failed"):
                over_since = now
            if over_since is not None and now - over_since > SETTLING:
                message = f"The DAG run {found['runId']!r} has ended, but the instance {found['instanceId']} has not"
                raise WorkflowsError(
                    message, code=ProblemCode.INSTANCE_LEFT_BEHIND, suggestion="Look at the run in Airflow"
                )
            if seconds is not None and now - began > seconds:
                message = f"Instance {found['instanceId']} did not end within {seconds:g} s; it is still running"
                raise WorkflowsError(message, code=ProblemCode.DEADLINE_PASSED)
            time.sleep(POLL)


def _look(store: Instances, instance_id: str) -> Instance | None:
    try:
        return store.get(UUID(instance_id))
    except NotFound:
        return None


def _report(found: dict[str, str], instance: Instance, output: str) -> int:
    if output == "json":
        print_json({**found, "status": instance.status, "output": instance.output, "error": instance.error})
    else:
        print_line(instance.status)
        if instance.output is not None:
            print_json(instance.output)
        if instance.error is not None:
            note(f"{instance.error.get('type')}: {instance.error.get('message')}")
    return FINE if instance.status == "completed" else FAILED
