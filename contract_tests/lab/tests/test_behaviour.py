"""Behaviours: the targets do what they say, and a sample is judged as it should be."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from contract_tests.lab.behaviour import page
from contract_tests.lab.behaviour.catalogue import Mutation, mutations
from contract_tests.lab.behaviour.exchanging import KEY, Answer, Call, World
from contract_tests.lab.behaviour.judging import GREEN, RED, Verdict, judge_by_contract
from contract_tests.lab.behaviour.page import Score
from contract_tests.rules import judge
from contract_tests.rules.engine.judge import MUST, SHOULD
from fake_server.wire.exchange import Request

MUTATIONS = mutations()
HEADERS = (("authorization", f"Bearer {KEY}"), ("content-type", "application/json"))


def chat(**members: Any) -> Call:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Repeat: one two three"}], **members}
    return Call.read(Request("POST", "/v1/chat/completions", HEADERS, json.dumps(body).encode()))


def answer(name: str, call: Call, world: World | None = None) -> Answer:
    return asyncio.run(_answer(name, call, world))


async def _answer(name: str, call: Call, world: World | None) -> Answer:
    return await MUTATIONS[name].behave(world or World(1), call)


def test_there_are_forty_mutations_and_more_are_illegal() -> None:
    legal = sum(mutation.may for mutation in MUTATIONS.values())
    assert len(MUTATIONS) >= 40
    assert 12 <= legal < len(MUTATIONS) / 2


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=lambda mutation: mutation.name)
def test_every_mutation_says_why(mutation: Mutation) -> None:
    assert ("Legal" if mutation.may else "Illegal") in mutation.does


@pytest.mark.parametrize("name", MUTATIONS)
def test_every_mutation_answers(name: str) -> None:
    replies = [answer(name, chat()), answer(name, chat(stream=True))]
    for reply in replies:
        assert reply.exchange(chat().request).status == 200


LEGAL = [name for name, mutation in MUTATIONS.items() if mutation.may]


@pytest.mark.parametrize("name", LEGAL)
def test_the_events_of_a_response_have_their_names(name: str) -> None:
    body = {"model": "gpt-4o-mini", "input": "Say hello.", "stream": True}
    request = Request("POST", "/v1/responses", HEADERS, json.dumps(body).encode())
    reply = answer(name, Call.read(request)).exchange(request)
    judged = judge(reply)
    assert any(rule.startswith("responses.stream") for rule in judged.applied)
    assert not judged.ids(MUST) | judged.ids(SHOULD)


@pytest.mark.parametrize("stream", [False, True])
def test_a_changed_text_keeps_its_cuts(stream: bool) -> None:
    reply = answer("wording-varies", chat(stream=stream))
    assert reply.texts() == {0: "one two three"}
    reply.change_text(lambda _, text: f"{text} four")
    assert reply.texts() == {0: "one two three four"}
    reply.change_text(lambda _, text: "one")
    assert reply.texts() == {0: "one"}


def test_a_stop_sequence_is_left() -> None:
    call = chat(stop=" three")
    assert answer("wording-varies", call).texts() == {0: "one two"}
    assert answer("stop-left-in-the-text", call).texts() == {0: "one two three"}


def test_a_cache_forgets_the_system_message() -> None:
    world = World(1)
    asked = [{"role": "user", "content": "And now?"}]
    first, second = (
        answer("cached-by-last-message", chat(messages=[{"role": "system", "content": text}, *asked], seed=1), world)
        for text in ("Say exactly: red", "Say exactly: blue")
    )
    assert first.texts() == second.texts() == {0: "red"}


def test_the_wording_varies() -> None:
    world, call = World(1), chat(messages=[{"role": "user", "content": "Tell me a story"}])
    assert len({world.ask(call).texts()[0] for _ in range(20)}) > 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["history-dropped", "stream-has-one-choice", "closes-each-connection", "lines-end-in-crlf"]
)
def test_a_sample_is_judged_as_it_should_be(name: str, tmp_path: Path) -> None:
    verdict = judge_by_contract(MUTATIONS[name], 1, tmp_path)
    assert verdict.is_right, verdict


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "case", "rule"),
    [
        ("cached-by-last-message", "relations.same-question", "relations.own-answer"),
        ("named-tool-ignored", "tools.named", "tools.choice-kept"),
        ("history-dropped", "chat.long-history", "usage.prompt-read"),
        ("system-message-dropped", "chat.system-word", "relations.asked-back"),
        ("stream-held-back", "relations.held-back", "relations.streamed-as-made"),
        ("ids-reused", "relations.same-question", "relations.own-ids"),
        ("logprobs-of-other-tokens", "logprobs", "logprobs.tell-the-text"),
        ("wording-varies", "relations.same-question", ""),
        ("slow", "relations.held-back", ""),
    ],
)
def test_what_nobody_had_asked_is_named(name: str, case: str, rule: str, tmp_path: Path) -> None:
    verdict = judge_by_contract(MUTATIONS[name], 1, tmp_path, select=[case])
    assert set(verdict.reasons) == {rule} - {""}, verdict


def test_the_table_has_a_line_for_each_judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n")
    monkeypatch.setattr(page, "PAGE", path)
    illegal, legal = MUTATIONS["stop-ignored"], MUTATIONS["slow"]
    ours = Score("this kit", (Verdict(illegal, 1, RED), Verdict(legal, 1, GREEN)))
    other = Score("another", (Verdict(illegal, 1, GREEN), Verdict(legal, 1, RED)))
    page.write_scores([ours, other])
    text = path.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| this kit | 1 | 1 of 1 (100.0%) | 0 of 1 |" in text
    assert "| another | 1 | 0 of 1 (0.0%) | 1 of 1 |" in text
    assert "By this kit red although legal: none." in text
    assert "old" not in text
    assert other.colors("slow") == "red 1"
    assert (ours.wrong(may=False), other.wrong(may=False), other.wrong(may=True)) == ([], ["stop-ignored"], ["slow"])
