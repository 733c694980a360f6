"""Whole api-servers on one database, with either auth manager: who gets what from each route."""

from __future__ import annotations

import pytest

from tests.fixtures.api import problem
from tests.fixtures.api_servers import ApiServers, administrator_of
from tests.fixtures.business_roles import SIMPLE, cells, walked
from tests.integration.api.test_security import OPERATIONS, fill, send, succeeded

pytestmark = [
    pytest.mark.daemons,
    pytest.mark.xdist_group("airflow-api-servers"),
    pytest.mark.postgres,
    pytest.mark.airflow,
]


@pytest.mark.parametrize("role", SIMPLE)
@pytest.mark.parametrize("manager", ["simple", "fab"])
def test_each_route_lets_in_whom_it_is_for(api_servers: ApiServers, manager: str, role: str) -> None:
    server = getattr(api_servers, manager)
    server.wait()
    with administrator_of(server) as administrator, server.client(role) as client:
        named = fill(api_servers.database, administrator)
        found = walked(OPERATIONS, lambda method, path: send(client, method, path, named), succeeded)
    assert found == cells(role, fab=manager == "fab")


@pytest.mark.parametrize("manager", ["simple", "fab"])
def test_nobody_gets_anything_without_a_token_of_this_server(api_servers: ApiServers, manager: str) -> None:
    server = getattr(api_servers, manager)
    server.wait()
    with administrator_of(server) as administrator:
        named = fill(api_servers.database, administrator)
        for forged in (None, "Bearer not-a-token", f"Basic {named['instance_id']}"):
            administrator.headers.pop("Authorization", None)
            if forged is not None:
                administrator.headers["Authorization"] = forged
            for method, path in OPERATIONS:
                problem(send(administrator, method, path, named), 401, "not-authenticated")
