"""How workflows have been doing, over HTTP."""

from __future__ import annotations

import pytest

from tests.support.api import Api
from tests.support.documents import step, workflow

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

ORDER = workflow(step("check"), workflowId="order")


def test_it_reports_counts_recent_instances_and_permissions(api: Api) -> None:
    api.publish(ORDER)
    admin = api.as_role("admin")
    started = admin.post("definitions/order/instances", json={}).json()
    (found,) = admin.get("overviews", params={"workflowId": ["order", "unknown"]}).json()["items"]
    assert found["counts"] == {"running": 1, "completed": 0, "failed": 0, "suspended": 0}
    assert [each["id"] for each in found["recent"]] == [started["id"]]
    assert found["permissions"] == ["edit", "start", "operate"]


def test_permissions_are_those_of_the_caller(api: Api) -> None:
    api.publish(ORDER)
    permissions = {
        role: api.as_role(role).get("overviews", params={"workflowId": "order"}).json()["items"][0]["permissions"]
        for role in ("viewer", "user")
    }
    assert permissions == {"viewer": [], "user": ["edit", "start", "operate"]}


@pytest.mark.parametrize("query", [{}, {"workflowId": "a b"}, {"workflowId": "order", "days": 0}])
def test_a_bad_question_is_refused(api: Api, query: dict[str, str]) -> None:
    answer = api.as_role("viewer").get("overviews", params=query)
    assert answer.status_code == 422
    assert answer.json()["code"] == "bad-request"
