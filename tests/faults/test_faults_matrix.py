"""Every operation under every fault: what comes of it is what the table says, and no promise is broken."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.faults.matrix import FAULTS, MEMBERS, OPERATIONS, TABLE, Case, cases, expectations, table
from tests.faults.service import URL, Service
from tests.faults.trial import carry_out

EXPECTED = expectations()


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


GROUPS: dict[str, list[Case]] = {}
for _case in cases():
    GROUPS.setdefault(
        f"{_case.operation}-{_case.route}-{'settling' if '+' in _case.fault else _case.often}", []
    ).append(_case)


@pytest.mark.parametrize("group", GROUPS)
def test_outcomes(service: Service, group: str) -> None:
    """What fails is a bug, or a change to be read row by row: python -m tests.faults.matrix --write."""
    wrong = {}
    for case in GROUPS[group]:
        trial = carry_out(service, case)
        if trial.broken or [trial.outcome] != EXPECTED.get(case):
            wrong[case.id] = (trial.broken, trial.outcome, EXPECTED.get(case))
    assert wrong == {}


def test_the_table_has_every_case_and_no_other() -> None:
    """The comparison above does not see a row whose case is gone."""
    assert set(EXPECTED) == set(cases())


def test_every_fault_and_every_route_is_in_the_matrix() -> None:
    """A rule that leaves combinations out must not leave out all of one thing."""
    tried = cases()
    assert {case.fault.partition("+")[0] for case in tried} == set(FAULTS)
    assert {(case.operation, case.route) for case in tried} == {
        (operation.id, route) for operation in OPERATIONS.values() for route in operation.routes
    }


def test_the_members_are_those_of_the_answers(service: Service) -> None:
    """Else a member that the API has would never be missing."""
    tenant = service.tenant()
    service.store.connect(tenant.name, "stripe", {"apiKey": "sk_made_up_0123456789"})
    key = {"Authorization": f"Bearer {tenant.api_key}"}
    provider = {"provider": "stripe"}
    with httpx.Client(transport=service.transport, base_url=URL, headers=key) as http:
        answers = {
            "list": http.get("/api/integrations"),
            "sync_status": http.get("/api/integrations/sync-status", params=provider),
            "connect": http.post("/api/integrations/connect", json={**provider, "config": {"apiKey": "sk_made_up"}}),
            "disconnect": http.post("/api/integrations/disconnect", json=provider),
            "validate_key": http.post("/api/validate-api-key"),
        }
    assert {route: members(answer.json()) for route, answer in answers.items()} == {
        route: set(names) for route, names in MEMBERS.items()
    }


def members(value: object) -> set[str]:
    """The names of all members, at any depth."""
    if isinstance(value, dict):
        return set(value).union(*map(members, value.values()))
    return set().union(*map(members, value)) if isinstance(value, list) else set()


def test_the_table_is_written_as_it_is_checked_in() -> None:
    """So that rewriting it shows no difference but what changed."""
    assert TABLE.read_text(encoding="utf-8") == table({case: EXPECTED[case][0] for case in cases()})
