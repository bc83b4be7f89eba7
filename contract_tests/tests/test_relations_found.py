"""Bugs that only several exchanges show, planted before the fake: found in a run, however the wording varies."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from contract_tests.run.outcome import Outcome, RunReport
from contract_tests.run.run import Options, run
from contract_tests.tests.planted import DONE, Bug, Planted, Reply
from fake_server import FakeServer

Spoil = Callable[[dict[str, Any], dict[str, Any]], None]
"""Changes a dict, or a chunk, of the request that is given first."""


def each(spoil: Spoil, *, dicts: bool = True, streams: bool = True) -> Bug:
    """A bug in every dict, or every chunk, of a successful reply."""

    def bug(reply: Reply) -> None:
        if reply.status != 200 or "model" not in reply.asked:
            return
        if reply.streamed and streams:
            events = reply.events
            for value in events:
                if value != DONE:
                    spoil(reply.asked, value)
            reply.events = events
        elif not reply.streamed and dicts:
            value = reply.value
            spoil(reply.asked, value)
            reply.value = value

    return bug


def in_other_letters(share: float, seed: int) -> Bug:
    """A model that begins this share of its answers with the other letter, small or capital."""
    chance = random.Random(seed)

    def spoil(asked: dict[str, Any], value: dict[str, Any]) -> None:
        for choice in value.get("choices", ()):
            said = choice.get("message") or choice.get("delta") or choice
            for call in said.get("tool_calls") or ():
                call["function"]["arguments"] = call["function"]["arguments"].replace("Oslo", "oslo")
            for name in ("content", "text"):
                if said.get(name) and value.pop("other letters", False):
                    said[name] = said[name][:1].swapcase() + said[name][1:]

    def bug(reply: Reply) -> None:
        asked = reply.asked
        worded = ("messages" in asked or "prompt" in asked) and "logprobs" not in asked
        if worded and reply.status == 200 and chance.random() < share:
            left = [True]

            def once(asked: dict[str, Any], value: dict[str, Any]) -> None:
                value["other letters"] = left[0]
                spoil(asked, value)
                left[0] = value.pop("other letters", False)

            each(once)(reply)

    return bug


def both(*bugs: Bug) -> Bug:
    def bug(reply: Reply) -> None:
        for each_bug in bugs:
            each_bug(reply)

    return bug


def one_call(reply: Reply) -> None:
    """A stream holds the first of several calls alone."""
    if reply.streamed and reply.status == 200:
        reply.events = [event for event in reply.events if event == DONE or not any(_later_calls(event))]


def _later_calls(chunk: dict[str, Any]) -> Iterator[bool]:
    for choice in chunk["choices"]:
        yield any(call["index"] for call in choice.get("delta", {}).get("tool_calls") or ())


def other_model(asked: dict[str, Any], chunk: dict[str, Any]) -> None:
    chunk["model"] = f"{asked['model']}-preview"


def second_stops(asked: dict[str, Any], chunk: dict[str, Any]) -> None:
    """The second choice of a stream always ends by itself."""
    for choice in chunk["choices"]:
        if choice["index"] == 1 and choice["finish_reason"]:
            choice["finish_reason"] = "stop"


def always_stops(asked: dict[str, Any], value: dict[str, Any]) -> None:
    for choice in value.get("choices", ()):
        if choice["finish_reason"] == "length":
            choice["finish_reason"] = "stop"


def usage_without_tools(asked: dict[str, Any], chunk: dict[str, Any]) -> None:
    """A stream's usage does not count the tools that were sent."""
    if chunk.get("usage") and "tools" in asked:
        chunk["usage"]["prompt_tokens"] -= 20
        chunk["usage"]["total_tokens"] -= 20


def prompt_for_each(asked: dict[str, Any], value: dict[str, Any]) -> None:
    """The prompt is counted for every choice."""
    more = (asked.get("n", 1) - 1) * value["usage"]["prompt_tokens"] if value.get("usage") else 0
    if more:
        value["usage"]["prompt_tokens"] += more
        value["usage"]["total_tokens"] += more


def stops_late(reply: Reply) -> None:
    """A stop sequence of several tokens is recognized at its last one: the first ones are there."""
    if "stop" not in reply.asked or reply.status != 200:
        return
    values = reply.events if reply.streamed else [reply.value]
    said = [
        (part, name)
        for value in values
        for choice in (value["choices"] if value != DONE else ())
        for part in (choice.get("message") or choice.get("delta") or choice,)
        for name in ("content", "text")
        if part.get(name)
    ]
    part, name = said[-1]
    part[name] = f"{part[name].rstrip()} four"
    if reply.streamed:
        reply.events = values
    else:
        reply.value = values[0]


def loses_text(reply: Reply) -> None:
    """What is held back while a stop sequence may begin is lost when it does."""
    if "stop" in reply.asked and reply.status == 200 and reply.streamed:
        said = [event for event in reply.events if event != DONE and "three" in json.dumps(event)]
        reply.events = [event for event in reply.events if event not in said[-1:]]


def counts_the_first(asked: dict[str, Any], value: dict[str, Any]) -> None:
    """The usage of a batch of embeddings is that of a part of it."""
    if isinstance(asked.get("input"), list) and len(asked["input"]) > 1:
        value["usage"] = {"prompt_tokens": 7, "total_tokens": 7}


def cuts_alone(asked: dict[str, Any], value: dict[str, Any]) -> None:
    """A vector is cut and not made longer again."""
    if "dimensions" in asked:
        for entry in value["data"]:
            entry["embedding"] = [number * 0.6 for number in entry["embedding"]]


def in_local_time(asked: dict[str, Any], value: dict[str, Any]) -> None:
    value["created"] += 2 * 3600


def begins_again(asked: dict[str, Any], chunk: dict[str, Any]) -> None:
    """The offsets of each chunk begin with 0."""
    for choice in chunk["choices"]:
        offsets = (choice.get("logprobs") or {}).get("text_offset") or ()
        if offsets:
            choice["logprobs"]["text_offset"] = [at - offsets[0] for at in offsets]


def elsewhere(asked: dict[str, Any], value: dict[str, Any]) -> None:
    """The offsets begin neither at the prompt nor behind it."""
    for choice in value["choices"] if value["choices"][0].get("logprobs") else ():
        choice["logprobs"]["text_offset"] = [at + 3 for at in choice["logprobs"]["text_offset"]]


BUGS: list[tuple[str, Bug, str]] = [
    ("relations.same-calls", one_call, "relations.parallel"),
    ("relations.same-model", each(other_model, dicts=False), "relations.n"),
    ("relations.same-finish", each(second_stops, dicts=False), "relations.n"),
    ("relations.cut-said", each(always_stops), "relations.length"),
    ("relations.same-usage", each(usage_without_tools, dicts=False), "relations.parallel"),
    ("relations.prompt-once", each(prompt_for_each), "relations.n"),
    ("relations.batch-counted", each(counts_the_first), "embeddings.batch"),
    ("relations.cut-vector", each(cuts_alone), "embeddings.dimensions"),
    ("relations.created-now", each(in_local_time), "relations.echo"),
    ("completions.logprobs-tell-the-text", each(begins_again, dicts=False), "completions.stream.logprobs"),
    ("completions.logprobs-tell-the-text", each(elsewhere), "completions.logprobs"),
    ("relations.stop-there", stops_late, "chat.stop"),
    ("relations.stop-there", stops_late, "chat.stream.stop"),
    ("relations.stop-there", stops_late, "completions.stop"),
    ("relations.stop-there", stops_late, "completions.stream.stop"),
    ("relations.stop-there", loses_text, "completions.stream.stop"),
]


def run_through(bug: Bug, *select: str, seed: int = 1) -> RunReport:
    with FakeServer(seed=seed) as fake, Planted(fake.base_url, bug) as proxy:
        return asyncio.run(run(Options(proxy.base_url, select=select)))


@pytest.mark.slow
@pytest.mark.parametrize(("share", "seed"), [(0.0, 1), (0.05, 2), (0.5, 3), (0.3, 4)])
@pytest.mark.parametrize(("rule", "bug", "case"), BUGS, ids=[f"{rule} {case}" for rule, _, case in BUGS])
def test_a_bug_is_named_however_the_wording_varies(rule: str, bug: Bug, case: str, share: float, seed: int) -> None:
    report = run_through(both(bug, in_other_letters(share, seed)), case, seed=seed)
    named = {finding.rule.id for finding in report.findings}
    assert rule in named
    assert named <= {rule, "chat.length-said", "chat.stream.length-said", "embeddings.unit-length"}


WORDED = ("relations", "completions.stop", "completions.same-text", "completions.stream", "chat.stop", "chat.stream")


@pytest.mark.parametrize(("share", "seed"), [(0.02, 1), (0.2, 2), (0.5, 3)])
def test_wording_alone_is_no_finding(share: float, seed: int) -> None:
    report = run_through(in_other_letters(share, seed), *WORDED, seed=seed)
    assert not list(report.findings)
    assert {result.outcome for result in report.results} == {Outcome.PASS}
