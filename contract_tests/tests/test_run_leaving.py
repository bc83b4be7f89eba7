"""Work that goes on after its caller left: timed with nobody else about, for streams and for dicts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from contract_tests.rules.engine.view import View
from contract_tests.run.outcome import Outcome, RunReport
from contract_tests.tests.small_target import Answerer, Asked, of, report_of, sensible
from contract_tests.tests.test_run_connections import asked
from fake_server import FakeServer
from fake_server.wire.bounds import Bounds
from fake_server.wire.exchange import Ending

LEAVES = "relations.leaves"
BESIDE = ("chat.poem", "chat.short", "chat.stream.n")
RULE = "relations.leaver-not-served"


def complaints(report: RunReport) -> list[str]:
    return [finding.actual for finding in of(report, LEAVES).findings if finding.rule.id == RULE]


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ({"fault": "one-slot", "each": 0.004}, True),
        ({"fault": "slots", "slots": 4, "each": 0.004, "abandoned": True}, True),
        ({"fault": "slots", "slots": 1, "each": 0.004}, False),
        ({"fault": "slots", "slots": 4, "each": 0.004}, False),
    ],
)
def test_work_for_who_left_is_found_beside_other_cases(fault: dict[str, Any], found: bool) -> None:
    with FakeServer(seed=1, plain=True) as fake:
        fake.fault(**fault)
        report = asked(fake, *BESIDE, LEAVES)
    assert bool(complaints(report)) is found, complaints(report)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6, 9))
def test_the_known_bug_is_found_whatever_the_seed(seed: int) -> None:
    with FakeServer(seed=seed, bugs=["llamacpp-no-cancel-on-disconnect"]) as fake:
        assert complaints(asked(fake, LEAVES))


def one_after_the_other(goes_on: bool, each: float = 0.004) -> Answerer:
    """A target that makes one dict after the other; a caller that left is answered to the end as well."""
    slot = asyncio.Lock()

    async def answer(asked: Asked) -> bytes | None:
        if "max_tokens" in asked.json and not asked.json.get("stream") and goes_on:
            async with slot:
                await asyncio.sleep(each * asked.json["max_tokens"])
        elif "max_tokens" in asked.json and not asked.json.get("stream"):
            await asyncio.sleep(each * asked.json["max_tokens"])
        return sensible(asked)

    return answer


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_dict_is_left_too(goes_on: bool) -> None:
    report, _ = report_of(one_after_the_other(goes_on), LEAVES, bounds=Bounds(grace=0.05), run_seconds=60.0)
    assert [text.partition("twice")[0].partition("behind ")[2] for text in complaints(report)] == (
        ["callers that left dicts, "] if goes_on else []
    )
    left = [exchange for exchange in of(report, LEAVES).exchanges if exchange.ending is Ending.CLIENT_LEFT]
    assert left
    assert all(View(exchange).request["max_tokens"].value >= 256 for exchange in left)


def test_nobody_else_is_asked_while_answers_are_timed() -> None:
    open_now: set[int] = set()
    beside: list[int] = []

    async def answer(asked: Asked) -> bytes | None:
        open_now.add(id(asked))
        if asked.json.get("max_tokens") == 8:
            beside.append(len(open_now))
        await asyncio.sleep(0.02)
        open_now.discard(id(asked))
        return sensible(asked)

    report, _ = report_of(answer, "chat.short", LEAVES, "chat.stream", "http")
    assert beside
    assert set(beside) == {1}
    assert of(report, LEAVES).outcome is not Outcome.FAIL
