"""Keys that are missing or wrong, connections that are kept, callers that leave: against the fake."""

from __future__ import annotations

import asyncio

import pytest

from contract_tests.run.outcome import Outcome, RunReport
from contract_tests.run.run import Options, run
from fake_server import FakeServer

KEY = "sk-the-right-key-0123456789"
KEYS = "errors.keys"


def asked(fake: FakeServer, *select: str, key: str | None = None) -> RunReport:
    return asyncio.run(run(Options(fake.base_url, select=select, api_key=key)))


def test_a_target_that_wants_a_key_refuses_without_it_and_with_another() -> None:
    with FakeServer(api_key=KEY) as fake:
        report = asked(fake, KEYS, key=KEY)
        bearers = [dict(one.headers).get("authorization", "") for one in fake.requests]
    assert [one.outcome for one in report.results] == [Outcome.PASS]
    assert report.applied["relations.key-refused"] == 1
    assert "" in bearers
    assert not any(KEY in str(exchange) for result in report.results for exchange in result.exchanges)


def test_a_target_that_wants_no_key_is_not_accused() -> None:
    with FakeServer() as fake:
        report = asked(fake, KEYS, key=KEY)
    assert [one.outcome for one in report.results] == [Outcome.PASS]
    assert not report.applied["relations.key-refused"]


def test_without_a_key_nothing_is_said_of_keys() -> None:
    with FakeServer() as fake:
        report = asked(fake, KEYS)
    assert [one.outcome for one in report.results] == [Outcome.NOT_REACHED]


@pytest.mark.parametrize(
    "case", ["http.keep-alive", "relations.leaves", "http.head", "http.page", "http.chunked-request"]
)
def test_the_fake_keeps_connections_and_outlives_callers(case: str) -> None:
    with FakeServer() as fake:
        report = asked(fake, case)
    assert [one.outcome for one in report.results] == [Outcome.PASS]
    assert "relations.accepted" in report.applied or case == "http.head"
