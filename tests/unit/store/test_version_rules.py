"""Rule D4's order of versions: the precedence of semver 2.0.0."""

from __future__ import annotations

from itertools import pairwise

import pytest

from airflow_workflow_provider.errors import Conflict
from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.store.definitions import check_version

# Section 11 of semver 2.0.0, and numbers that a comparison of texts gets wrong.
ASCENDING = [
    "0.9.10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
    "1.0.0-rc.1", "1.0.0", "1.0.9", "1.0.10", "1.9.0", "1.10.0", "2.0.0", "10.0.0",
]  # fmt: skip


def definition(version: str) -> WorkflowDefinition:
    document = {"workflowId": "w", "name": "W", "version": version, "steps": [{"stepId": "a", "taskId": "noop"}]}
    return WorkflowDefinition.model_validate(document)


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(ASCENDING)))
def test_d4_a_lower_version_is_refused_unless_forced(lower: str, higher: str) -> None:
    check_version(definition(higher), "digest", lower, None, force=False)
    with pytest.raises(Conflict, match=f"Version {lower} of workflow 'w' is lower than the current {higher}") as caught:
        check_version(definition(lower), "digest", higher, None, force=False)
    assert (caught.value.code, caught.value.pointer) == ("version-lower", "/version")
    check_version(definition(lower), "digest", higher, None, force=True)


def test_d4_build_metadata_has_no_precedence() -> None:
    check_version(definition("1.0.0+a"), "digest", "1.0.0+b", None, force=False)
    check_version(definition("1.0.0+b"), "digest", "1.0.0+a", None, force=False)


@pytest.mark.parametrize("force", [False, True])
def test_d4_a_published_version_never_changes(force: bool) -> None:
    with pytest.raises(Conflict, match="published with other content") as caught:
        check_version(definition("1.0.0"), "new", "1.0.0", "old", force=force)
    assert caught.value.code == "version-reused"
