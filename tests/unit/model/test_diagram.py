from __future__ import annotations

from typing import Any

from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.model.diagram import mermaid, outline
from tests.support.documents import step


def definition(*steps: dict[str, Any], **more: Any) -> WorkflowDefinition:
    document = {"workflowId": "w", "name": "W", "version": "1.0.0", "steps": list(steps), **more}
    return WorkflowDefinition.model_validate(document)


CHOICE = definition(
    step("check", next=[{"nextStepId": "a", "condition": 'data.x < 1 && data.s == "q"'}, {"nextStepId": "fail"}]),
    step("a", onFailure={"action": "continue", "nextStepId": "end"}),
)
PARALLEL = definition(
    step(
        "par",
        parallelBranches=[
            {"branchId": "one", "steps": [step("x"), step("y", next=[])]},
            {"branchId": "none", "steps": []},
        ],
    ),
    step("each", forEach={"items": {"type": "jmespath", "expression": "data.list"}, "steps": [step("z")]}),
    onFailure={"nextStepId": "undo", "action": "stop"},
)


def test_a_choice_as_mermaid() -> None:
    assert mermaid(CHOICE) == "\n".join(
        (
            "flowchart TD",
            "  start([start]) --> s1",
            '  s1["check<br/><small>noop</small>"]',
            '  s1 -->|"data.x #lt; 1 #amp;#amp; data.s == #quot;q#quot;"| s2',
            '  s1 -->|"otherwise"| failed',
            '  s2["a<br/><small>noop</small>"]',
            "  s2 --> done",
            '  s2 -. "any error" .-> done',
            "  failed([fail])",
            "  done([end])",
        )
    )


def test_a_choice_as_an_outline() -> None:
    assert outline(CHOICE) == "\n".join(
        (
            "w 1.0.0: W",
            "  check (noop)",
            '    -> a  data.x < 1 && data.s == "q"',
            "    -> fail  otherwise",
            "  a (noop)",
            "    -> end",
            "    !> end  any error",
        )
    )


def test_branches_and_items_are_subgraphs_that_meet_in_a_join() -> None:
    steps = [*PARALLEL.model_dump(by_alias=True, exclude_unset=True)["steps"], step("undo")]
    lines = mermaid(definition(*steps, onFailure={"nextStepId": "undo"})).splitlines()

    assert '  subgraph s1_b1["one"]' in lines
    assert "  s3 --> s1_join" in lines
    assert '  s1 -->|"none"| s1_join' in lines
    assert '  subgraph s4_b1["each item"]' in lines
    assert "  s1_join --> s4" in lines
    assert '  onFailure -. "any error" .-> s6' in lines


def test_the_same_definition_gives_the_same_picture() -> None:
    assert mermaid(CHOICE) == mermaid(CHOICE.model_copy())
