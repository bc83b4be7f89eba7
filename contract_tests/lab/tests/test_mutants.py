"""Mutants change one thing, the same thing for the same seed, and know which section ought to see it."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from typing import Any

import pytest

from contract_tests.cases import CASES
from contract_tests.lab.mutation.committed.corpus import CONFORMING
from contract_tests.lab.mutation.committed.events import of_events, of_whole
from contract_tests.lab.mutation.committed.generate import OPERATORS, draw, mutants_of
from contract_tests.lab.mutation.committed.inner import of_inner
from contract_tests.lab.mutation.committed.live import TEXT_OPERATORS, Planted, Spoiling
from contract_tests.lab.mutation.committed.members import changed, of_members
from contract_tests.lab.mutation.committed.message import of_message
from contract_tests.lab.mutation.committed.mutant import Mutant, Source, source_of
from contract_tests.lab.mutation.committed.score import JUDGED, Score
from contract_tests.recordings.reading import read
from contract_tests.rules import judge
from contract_tests.rules.engine.judge import NOTE
from contract_tests.run.find import prepare, split_target
from contract_tests.target.options import Options
from fake_server import FakeServer
from fake_server.wire.exchange import Ending, Exchange, Request, Write

SEED = 1


@pytest.fixture(scope="module")
def sources() -> dict[str, Source]:
    return {one.exchange.label: source_of(one.exchange) for one in read(CONFORMING)}


def source(name: str) -> Source:
    (found,) = (one.exchange for one in read(CONFORMING / f"{name}.yaml"))
    return source_of(found)


def document(mutant: Mutant) -> Any:
    return json.loads(mutant.exchange.payload)


def one(mutants: Any, operator: str, where: str) -> Mutant:
    (found,) = [mutant for mutant in mutants if (mutant.operator, mutant.where) == (operator, where)]
    return found  # type: ignore[no-any-return]


# -- what they are made from


def test_written_plainly_a_conforming_exchange_still_conforms(sources: dict[str, Source]) -> None:
    found = {
        name: [finding.rule.id for finding in judge(one.exchange).findings if finding.rule.level is not NOTE]
        for name, one in sources.items()
    }
    assert {name: ids for name, ids in found.items() if ids} == {}


def test_every_path_of_every_document_is_changed() -> None:
    found = list(of_members(source("poem-dict"), SEED))
    paths = {mutant.where for mutant in found}
    assert {"(document)", "id", "choices", "choices[0]", "choices[0].message.content"} <= paths
    assert {"usage.completion_tokens_details.reasoning_tokens", "system_fingerprint"} <= paths
    names = Counter(mutant.operator for mutant in found if mutant.where == "created")
    assert set(names) == {
        *(f"retype-{kind}" for kind in ("boolean", "fraction", "string", "array", "object")),
        *("null", "drop", "rename", "duplicate-member"),
    }


def test_a_member_twice_stands_twice_in_the_bytes() -> None:
    mutant = one(of_members(source("poem-dict"), SEED), "duplicate-member", "created")
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
    assert changed(before, path, operator, random.Random(SEED)) == after
    assert before == {"a": "x", "b": [1, 2]}


def test_events_that_only_carry_text_are_left_to_the_live_part() -> None:
    found = list(of_events(source("poem-stream"), SEED))
    assert {mutant.where for mutant in found if mutant.operator == "drop-event"} == {
        "event 0",
        "event 10",
        "event 11",
    }
    assert all(mutant.exchange.payload != mutant.original.payload for mutant in found)


def test_choices_go_on_side_by_side() -> None:
    both = source("two-choices-stream")
    for seed in range(20):
        for mutant in of_events(both, seed):
            if mutant.operator == "move-event":
                assert judge(mutant.exchange).findings, (seed, mutant.where, mutant.after)


def test_operators_of_seeded_defects_are_drawn_for_each_reply() -> None:
    names = {mutant.operator for mutant in of_whole(source("calls-stream"), SEED)}
    assert {"single-newlines", "json-split", "cut-broken", "tool-index", "arguments-broken"} <= names
    sections = {mutant.operator: mutant.section for mutant in of_whole(source("calls-stream"), SEED)}
    assert (sections["json-split"], sections["cut-broken"], sections["tool-index"]) == (
        "sse",
        "http",
        "tools",
    )


def test_messages_are_broken_as_bytes_and_read_again() -> None:
    found = {
        (mutant.operator, mutant.where, mutant.after): mutant for mutant in of_message(source("poem-dict"), 1)
    }
    longer = found["header-retype", "content-length", "more"].exchange
    assert longer.ending is Ending.CUT
    assert found["header-drop", "content-type", "(absent)"].exchange.media_type is None
    assert found["status", "status 200", "503"].exchange.status == 503
    stream = {mutant.after: mutant for mutant in of_message(source("poem-stream"), 1)}
    assert stream["no last chunk"].exchange.ending is Ending.CUT
    assert stream["a size that is no number"].exchange.ending is Ending.MALFORMED


def test_text_that_has_to_fit_a_schema_is_changed_until_it_does_not() -> None:
    found = list(of_inner(source("schema-stream"), SEED))
    assert found
    assert {mutant.section for mutant in found} == {"formats"}
    assert [
        mutant.where for mutant in found if "formats.schema-kept" not in judge(mutant.exchange).ids()
    ] == [mutant.where for mutant in found if "formats.json-text" in judge(mutant.exchange).ids()]


# -- sections and samples


def test_a_member_that_is_named_like_a_section_belongs_to_it() -> None:
    sections = {mutant.where: mutant.section for mutant in of_members(source("calls-dict"), SEED)}
    assert sections["usage.total_tokens"] == "usage"
    assert sections["choices[0].message.tool_calls[0].id"] == "tools"
    assert sections["choices[0].message.content"] == "chat"
    assert {mutant.section for mutant in of_members(source("unknown-model"), SEED)} == {"errors"}


def test_an_endpoint_nobody_knew_is_a_section_of_its_own() -> None:
    asked = Request("POST", "/v1/embeddings", body=b'{"model": "m", "input": "x"}')
    reply = Exchange(asked, 200, (("content-type", "application/json"),), (Write(b'{"data": []}'),))
    assert {mutant.section for mutant in of_members(source_of(reply), SEED)} == {"embeddings"}


def test_mutants_are_the_same_for_the_same_seed(sources: dict[str, Source]) -> None:
    some = [sources[name] for name in sources if name.startswith(("calls", "models", "text"))]
    first, again = (draw(some, SEED, 5) for _ in range(2))
    assert [mutant.key for mutant in first] == [mutant.key for mutant in again]
    assert [mutant.exchange for mutant in first] == [mutant.exchange for mutant in again]
    other = draw(some, SEED + 1, 5)
    assert [mutant.key for mutant in other] != [mutant.key for mutant in first]
    assert max(Counter(mutant.section for mutant in first).values()) <= 5 * len(OPERATORS)


def test_committed_exchanges_give_mutants_of_every_section(sources: dict[str, Source]) -> None:
    found = (mutant for kind in OPERATORS for mutant in mutants_of(sources.values(), SEED, kind))
    sections = {mutant.section for mutant in found}
    assert set(JUDGED) - sections == {"relations"}
    assert sections - set(JUDGED) == set()


def test_the_judge_never_fails_and_sees_most_of_a_small_sample(sources: dict[str, Source]) -> None:
    score = Score()
    score.judge(draw(list(sources.values()), SEED, 10))
    assert score.crashes == []
    assert score.total.adjusted > 0.85
    assert score.total.made == sum(tally.made for tally in score.sections.values())


# -- live


def test_text_that_is_spoilt_in_the_stream_alone_is_noticed() -> None:
    async def plant(target: str) -> list[Planted]:
        session = Spoiling(Options(target), split_target(target)[0])
        async with session:
            await prepare(session, ("/v1", ""))
            return [found async for found in session.planted(CASES["relations.text"], SEED, 1)]

    with FakeServer(seed=SEED) as fake:
        found = asyncio.run(plant(fake.base_url))
    assert len(found) > len(TEXT_OPERATORS) / 2
    assert [one for one in found if not one.noticed] == []


def test_a_case_without_a_dict_to_compare_is_left_alone() -> None:
    async def plant(target: str) -> list[Planted]:
        session = Spoiling(Options(target), split_target(target)[0])
        async with session:
            await prepare(session, ("/v1", ""))
            return [found async for found in session.planted(CASES["chat.stream.short"], SEED, 1)]

    with FakeServer(seed=SEED) as fake:
        assert asyncio.run(plant(fake.base_url)) == []
