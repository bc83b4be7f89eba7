"""The committed corpus: every conforming fixture, and what the fake answers to the cases."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from unittest import mock

from contract_tests.cases import CASES, Case
from contract_tests.lab.mutation.corpora.live import Planted, PlantingSession
from contract_tests.lab.mutation.mutant import Mutant
from contract_tests.lab.mutation.reply import Reply, read_reply
from contract_tests.lab.tools.checkout import FIXTURES
from contract_tests.recordings.reading import read
from contract_tests.rules.engine.answers import answer_texts, answers
from contract_tests.rules.engine.view import View
from contract_tests.run.find import prepare, split_target
from contract_tests.target.ask import Ask
from contract_tests.target.options import Options
from contract_tests.target.session import Session
from fake_server.wire.exchange import Exchange

CONFORMING = FIXTURES / "conforming"

VISIBLE: dict[str, tuple[str, ...]] = {
    "n": (),
    "stop": (),
    "max_tokens": (),
    "max_completion_tokens": (),
    "logprobs": ("top_logprobs",),
    "top_logprobs": (),
    "response_format": (),
    "tools": ("tool_choice", "parallel_tool_calls"),
    "tool_choice": (),
    "parallel_tool_calls": (),
    "stream": ("stream_options",),
    "stream_options": (),
    "encoding_format": (),
    "dimensions": (),
    "echo": (),
}
"""Parameters whose effect one reply shows, with those that make no sense without them."""

_SECTIONS = {
    "response_format": "formats",
    "tools": "tools",
    "tool_choice": "tools",
    "parallel_tool_calls": "tools",
    "logprobs": "logprobs",
    "top_logprobs": "logprobs",
    "stream_options": "usage",
}


@dataclass(frozen=True)
class Corpus:
    """The replies to mutate, the mutants that answer another request, and those planted live."""

    replies: tuple[Reply, ...]
    unasked: tuple[Mutant, ...]
    planted: tuple[Planted, ...]


def collect(seed: int, draws: int) -> Corpus:
    """Read the fixtures, ask the fake of this seed every case, and every request again with less in it.

    `draws` is how often each defect in text is planted in each case.
    """
    from fake_server import FakeServer

    # What a rule makes an exception for, in the folder below, has too little in it that a rule could notice.
    fixtures = (recording.exchange for path in sorted(CONFORMING.glob("*.yaml")) for recording in read(path))
    committed = [exchange.but(label=f"fixture {exchange.label}") for exchange in fixtures]
    with FakeServer(seed=seed) as fake:
        return asyncio.run(_collect(fake.base_url, committed, seed, draws))


async def _collect(target: str, committed: list[Exchange], seed: int, draws: int) -> Corpus:
    options = Options(target, max_requests=1_000_000)
    root, prefixes = split_target(target)
    session = PlantingSession(options, root)
    # Each case sends words that were never sent before; here they are the same words in every run.
    with mock.patch.object(Ask, "nonce", side_effect=(f"k{word:08x}" for word in itertools.count(1))):
        async with session:
            await prepare(session, prefixes)
            answered = [exchange for case in _cases() for exchange in await session.exchanges_of(case)]
            exchanges = [*committed, *_labelled(answered)]
            unasked = [mutant for exchange in exchanges async for mutant in _unasked(session, exchange)]
            planted = [defect for case in _cases() async for defect in session.plant(case, seed, draws)]
    return Corpus(tuple(map(read_reply, exchanges)), tuple(unasked), tuple(planted))


def _cases() -> Iterator[Case]:
    """All cases but those in which another program sends the requests."""
    yield from (case for case in CASES.values() if case.section != "client")


def _labelled(exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
    """The exchanges in an order that does not depend on time, each with a label of its own."""
    seen: Counter[str] = Counter()
    for exchange in sorted(exchanges, key=lambda exchange: exchange.label):
        seen[exchange.label] += 1
        number = f" #{seen[exchange.label]}" if seen[exchange.label] > 1 else ""
        yield exchange.but(label=f"fake {exchange.label}{number}")


async def _unasked(session: Session, exchange: Exchange) -> AsyncIterator[Mutant]:
    """The reply to a request that lost a parameter on the way, where that makes another reply."""
    request, view = exchange.request, View(exchange)
    body = request.json()
    if not isinstance(body, dict) or not view.ok:
        return
    path = request.target.removeprefix("/v1")
    whole = View(await session.exchange("whole", request.method, path, request.body))
    reply = read_reply(exchange)
    for name, companions in VISIBLE.items():
        if name not in body or (name == "tools" and body.get("tool_choice") == "none"):
            continue  # what is not to be called is not missed
        fewer = {key: value for key, value in body.items() if key not in (name, *companions)}
        answer = await session.exchange("less", request.method, path, json.dumps(fewer).encode())
        if not View(answer).ok or _effect(name, View(answer)) == _effect(name, whole):
            continue
        paired = read_reply(answer.but(request=request, label=exchange.label)).exchange
        yield Mutant(
            _SECTIONS.get(name, reply.section),
            "parameter-dropped",
            f"{reply.section}:{name}",
            f"request, {name}",
            reply.exchange,
            partial(replace, paired),
            json.dumps(body[name])[:60],
            "(not sent on)",
        )


def _effect(name: str, view: View) -> Any:
    """What of a reply a parameter bears on; where that is the same without it, it had no effect."""
    choices = list(answers(view))
    match name:
        case "tools" | "tool_choice":
            return [sorted(name for name, _ in answer.calls) for answer in choices]
        case "parallel_tool_calls":
            return [len(answer.calls) > 1 for answer in choices]
        case "logprobs" | "top_logprobs":
            tokens = [token for answer in choices for node in answer.logprobs for token in node["content"]]
            return [len(list(token["top_logprobs"])) for token in tokens]
        case "stream":
            return view.form
        case "stream_options":
            return any(chunk["usage"] for chunk in view.chunks)
        case "encoding_format" | "dimensions":
            vectors = [entry["embedding"] for entry in view.root["data"]]
            return [(vector.kind, len(list(vector))) for vector in vectors]
    return answer_texts(view)
