"""Mutants change one thing, the same thing for the same seed, and know which section ought to see it."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from typing import Any

import pytest

from contract_tests.cases import CASES
from contract_tests.lab.mutation.corpora.committed import CONFORMING
from contract_tests.lab.mutation.corpora.draw import draw, mutants_of
from contract_tests.lab.mutation.corpora.live import Planted, PlantingSession
from contract_tests.lab.mutation.mutant import Mutant
from contract_tests.lab.mutation.operators.catalogue import KINDS
from contract_tests.lab.mutation.operators.events import EVENTS
from contract_tests.lab.mutation.operators.inner import INNER
from contract_tests.lab.mutation.operators.kind import Kind
from contract_tests.lab.mutation.operators.members import MEMBERS, change
from contract_tests.lab.mutation.operators.message import MESSAGE
from contract_tests.lab.mutation.operators.text import TEXT_OPERATORS
from contract_tests.lab.mutation.operators.whole import WHOLE
from contract_tests.lab.mutation.reply import Reply, read_reply
from contract_tests.lab.mutation.score import JUDGED, Score
from contract_tests.recordings.reading import read
from contract_tests.rules import judge
from contract_tests.rules.engine.judge import NOTE
from contract_tests.run.find import prepare, split_target
from contract_tests.target.options import Options
from fake_server import FakeServer
from fake_server.wire.exchange import Ending, Exchange, Request, Write

SEED = 1


@pytest.fixture(scope="module")
def replies() -> dict[str, Reply]:
    return {recording.exchange.label: read_reply(recording.exchange) for recording in read(CONFORMING)}


def reply(name: str) -> Reply:
    (exchange,) = (recording.exchange for recording in read(CONFORMING / f"{name}.yaml"))
    return read_reply(exchange)


def mutants(kind: Kind, reply: Reply, seed: int = SEED) -> list[Mutant]:
    return list(mutants_of([reply], seed, kind))


def document(mutant: Mutant) -> Any:
    return json.loads(mutant.exchange.payload)


def only(mutants: list[Mutant], operator: str, where: str) -> Mutant:
    (match,) = [mutant for mutant in mutants if (mutant.operator, mutant.where) == (operator, where)]
    return match


# -- what they are made from


def test_written_plainly_a_conforming_exchange_still_conforms(replies: dict[str, Reply]) -> None:
    found = {
        name: [finding.rule.id for finding in judge(reply.exchange).findings if finding.rule.level is not NOTE]
        for name, reply in replies.items()
    }
    assert {name: ids for name, ids in found.items() if ids} == {}


def test_every_path_of_every_document_is_changed() -> None:
    found = mutants(MEMBERS, reply("poem-dict"), SEED)
    paths = {mutant.where for mutant in found}
    assert {"(document)", "id", "choices", "choices[0]", "choices[0].message.content"} <= paths
    assert {"usage.completion_tokens_details.reasoning_tokens", "system_fingerprint"} <= paths
    names = Counter(mutant.operator for mutant in found if mutant.where == "created")
    assert set(names) == {
        *(f"retype-{kind}" for kind in ("boolean", "fraction", "string", "array", "object")),
        *("null", "drop", "rename", "duplicate-member"),
    }


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_operator_of_a_kind_is_applied(replies: dict[str, Reply], kind: Kind) -> None:
    made = {mutant.operator for mutant in mutants_of(replies.values(), SEED, kind)}
    # No schema that a fixture sends says how many items a list has.
    without_a_fixture = {"text-drop-item", "text-duplicate-item", "text-reorder"}
    assert made == set(kind.operators) - without_a_fixture


def test_a_member_twice_stands_twice_in_the_bytes() -> None:
    mutant = only(mutants(MEMBERS, reply("poem-dict"), SEED), "duplicate-member", "created")
    assert mutant.exchange.payload.count(b'"created":') == 2
    assert judge(mutant.exchange).ids() == {"http.json-unique-names"}


@pytest.mark.parametrize(
    ("operator", "path", "after"),
    [
        ("drop", ("a",), {"b": [1, 2]}),
        ("null", ("a",), {"a": None, "b": [1, 2]}),
        ("retype-array", ("a",), {"a": ["x"], "b": [1, 2]}),
        ("drop-item", ("b", 0), {"a": "x", "b": [2]}),
        ("duplicate-item", ("b", 1), {"a": "x", "b": [1, 2, 2]}),
        ("reorder", ("b",), {"a": "x", "b": [2, 1]}),
    ],
)
def test_an_operator_changes_one_place(operator: str, path: tuple[str | int, ...], after: Any) -> None:
    before = {"a": "x", "b": [1, 2]}
    assert change(before, path, operator, random.Random(SEED)) == after
    assert before == {"a": "x", "b": [1, 2]}


def test_events_that_only_carry_text_are_left_to_the_live_part() -> None:
    found = mutants(EVENTS, reply("poem-stream"), SEED)
    assert {mutant.where for mutant in found if mutant.operator == "drop-event"} == {
        "event 0",
        "event 10",
        "event 11",
    }
    assert all(mutant.exchange.payload != mutant.original.payload for mutant in found)


def test_choices_go_on_side_by_side() -> None:
    both = reply("two-choices-stream")
    for seed in range(20):
        for mutant in mutants(EVENTS, both, seed):
            if mutant.operator == "move-event":
                assert judge(mutant.exchange).findings, (seed, mutant.where, mutant.after)


def test_operators_of_seeded_defects_are_drawn_for_each_reply() -> None:
    names = {mutant.operator for mutant in mutants(WHOLE, reply("calls-stream"))}
    assert {"single-newlines", "json-split", "cut-broken", "tool-index", "arguments-broken"} <= names
    sections = {mutant.operator: mutant.section for mutant in mutants(WHOLE, reply("calls-stream"))}
    assert (sections["json-split"], sections["cut-broken"], sections["tool-index"]) == (
        "sse",
        "http",
        "tools",
    )


def test_messages_are_broken_as_bytes_and_read_again() -> None:
    found = {
        (mutant.operator, mutant.where, mutant.after): mutant for mutant in mutants(MESSAGE, reply("poem-dict"), 1)
    }
    longer = found["header-retype", "content-length", "more"].exchange
    assert longer.ending is Ending.CUT
    assert found["header-drop", "content-type", "(absent)"].exchange.media_type is None
    assert found["status", "status 200", "503"].exchange.status == 503
    stream = {mutant.after: mutant for mutant in mutants(MESSAGE, reply("poem-stream"), 1)}
    assert stream["no last chunk"].exchange.ending is Ending.CUT
    assert stream["a size that is no number"].exchange.ending is Ending.MALFORMED


def test_text_that_has_to_fit_a_schema_is_changed_until_it_does_not() -> None:
    found = mutants(INNER, reply("schema-stream"), SEED)
    assert found
    assert {mutant.section for mutant in found} == {"formats"}
    assert [mutant.where for mutant in found if "formats.schema-kept" not in judge(mutant.exchange).ids()] == [
        mutant.where for mutant in found if "formats.json-text" in judge(mutant.exchange).ids()
    ]


# -- sections and samples


def test_a_member_that_is_named_like_a_section_belongs_to_it() -> None:
    sections = {mutant.where: mutant.section for mutant in mutants(MEMBERS, reply("calls-dict"))}
    assert sections["usage.total_tokens"] == "usage"
    assert sections["choices[0].message.tool_calls[0].id"] == "tools"
    assert sections["choices[0].message.content"] == "chat"
    assert {mutant.section for mutant in mutants(MEMBERS, reply("unknown-model"))} == {"errors"}


def test_an_endpoint_nobody_knew_is_a_section_of_its_own() -> None:
    asked = Request("POST", "/v1/embeddings", body=b'{"model": "m", "input": "x"}')
    exchange = Exchange(asked, 200, (("content-type", "application/json"),), (Write(b'{"data": []}'),))
    assert {mutant.section for mutant in mutants(MEMBERS, read_reply(exchange))} == {"embeddings"}


def test_mutants_are_the_same_for_the_same_seed(replies: dict[str, Reply]) -> None:
    some = [replies[name] for name in replies if name.startswith(("calls", "models", "text"))]
    first, again = (draw(some, SEED, 5) for _ in range(2))
    assert [mutant.key for mutant in first] == [mutant.key for mutant in again]
    assert [mutant.exchange for mutant in first] == [mutant.exchange for mutant in again]
    other = draw(some, SEED + 1, 5)
    assert [mutant.key for mutant in other] != [mutant.key for mutant in first]
    assert max(Counter(mutant.section for mutant in first).values()) <= 5 * len(KINDS)


def test_committed_exchanges_give_mutants_of_every_section(replies: dict[str, Reply]) -> None:
    found = (mutant for kind in KINDS for mutant in mutants_of(replies.values(), SEED, kind))
    sections = {mutant.section for mutant in found}
    assert set(JUDGED) - sections == {"relations"}
    assert sections - set(JUDGED) == set()


def test_the_judge_never_fails_and_sees_most_of_a_small_sample(replies: dict[str, Reply]) -> None:
    score = Score()
    score.judge(draw(list(replies.values()), SEED, 10))
    assert score.crashes == []
    assert score.total.adjusted > 0.85
    assert score.total.made == sum(tally.made for tally in score.sections.values())


# -- live


def test_text_that_is_spoilt_in_the_stream_alone_is_noticed() -> None:
    async def plant(target: str) -> list[Planted]:
        session = PlantingSession(Options(target), split_target(target)[0])
        async with session:
            await prepare(session, ("/v1", ""))
            return [found async for found in session.plant(CASES["relations.text"], SEED, 1)]

    with FakeServer(seed=SEED) as fake:
        found = asyncio.run(plant(fake.base_url))
    assert len(found) > len(TEXT_OPERATORS) / 2
    assert [defect for defect in found if not defect.noticed] == []


def test_a_case_without_a_dict_to_compare_is_left_alone() -> None:
    async def plant(target: str) -> list[Planted]:
        session = PlantingSession(Options(target), split_target(target)[0])
        async with session:
            await prepare(session, ("/v1", ""))
            return [found async for found in session.plant(CASES["chat.stream.short"], SEED, 1)]

    with FakeServer(seed=SEED) as fake:
        assert asyncio.run(plant(fake.base_url)) == []
