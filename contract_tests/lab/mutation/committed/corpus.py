"""What mutants are made from: every committed conforming exchange, and what the fake answers to the cases."""

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
from contract_tests.lab.mutation.committed.live import Planted, Spoiling
from contract_tests.lab.mutation.committed.mutant import Mutant, Source, source_of
from contract_tests.lab.tools.checkout import FIXTURES
from contract_tests.recordings.reading import read
from contract_tests.rules.engine.answers import answer_texts, answers
from contract_tests.rules.engine.view import View
from contract_tests.run.find import prepare, split_target
from contract_tests.target.ask import Ask
from contract_tests.target.options import Options
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
    """The sources of mutants, the mutants that are replies to another request, and those planted live."""

    sources: tuple[Source, ...]
    unasked: tuple[Mutant, ...]
    planted: tuple[Planted, ...]


def collect(seed: int, draws: int) -> Corpus:
    """Read the fixtures, ask the fake of this seed every case and every request again with less in it.

    `draws` is how often each defect in text is planted in each case.
    """
    from fake_server import FakeServer

    committed = [one.exchange.but(label=f"fixture {one.exchange.label}") for one in read(CONFORMING)]
    with FakeServer(seed=seed) as fake:
        return asyncio.run(_collect(fake.base_url, committed, seed, draws))


async def _collect(target: str, committed: list[Exchange], seed: int, draws: int) -> Corpus:
    options = Options(target, max_requests=1_000_000)
    root, prefixes = split_target(target)
    session = Spoiling(options, root)
    # The cases say words nobody said before; here they are the same ones in every run.
    with mock.patch.object(Ask, "nonce", side_effect=(f"k{word:08x}" for word in itertools.count(1))):
        async with session:
            await prepare(session, prefixes)
            replies = [one for case in _cases() for one in await session.exchanges_of(case)]
            everything = [*committed, *_labelled(replies)]
            unasked = [one for exchange in everything async for one in _unasked(session, exchange)]
            planted = [one for case in _cases() async for one in session.planted(case, seed, draws)]
    return Corpus(tuple(source_of(one) for one in everything), tuple(unasked), tuple(planted))


def _cases() -> Iterator[Case]:
    """All cases but those in which another program asks."""
    yield from (case for case in CASES.values() if case.section != "client")


def _labelled(exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
    """The exchanges in an order that does not depend on time, each with a label of its own."""
    seen: Counter[str] = Counter()
    for exchange in sorted(exchanges, key=lambda one: one.label):
        seen[exchange.label] += 1
        number = f" #{seen[exchange.label]}" if seen[exchange.label] > 1 else ""
        yield exchange.but(label=f"fake {exchange.label}{number}")


async def _unasked(session: Spoiling, exchange: Exchange) -> AsyncIterator[Mutant]:
    """The reply to a request that lost a parameter on the way, where that makes another reply."""
    request, view = exchange.request, View(exchange)
    asked = request.json()
    if not isinstance(asked, dict) or not view.ok:
        return
    path = request.target.removeprefix("/v1")
    whole = await session.exchange("whole", request.method, path, request.body)
    for name, companions in VISIBLE.items():
        if name not in asked or (name == "tools" and asked.get("tool_choice") == "none"):
            continue  # what is not to be called is not missed
        left = {key: value for key, value in asked.items() if key not in (name, *companions)}
        reply = await session.exchange("less", request.method, path, json.dumps(left).encode())
        if not View(reply).ok or _effect(name, View(reply)) == _effect(name, View(whole)):
            continue
        paired = source_of(reply.but(request=request, label=exchange.label)).exchange
        source = source_of(exchange)
        yield Mutant(
            _SECTIONS.get(name, source.section),
            "parameter-dropped",
            f"{source.section}:{name}",
            f"request, {name}",
            source.exchange,
            partial(replace, paired),
            json.dumps(asked[name])[:60],
            "(not sent on)",
        )


def _effect(name: str, view: View) -> Any:
    """What of a reply a parameter bears on; where that is the same without it, it had no effect."""
    found = list(answers(view))
    match name:
        case "tools" | "tool_choice":
            return [sorted(called for called, _ in one.calls) for one in found]
        case "parallel_tool_calls":
            return [len(one.calls) > 1 for one in found]
        case "logprobs" | "top_logprobs":
            tokens = [token for one in found for node in one.logprobs for token in node["content"]]
            return [len(list(token["top_logprobs"])) for token in tokens]
        case "stream":
            return view.form
        case "stream_options":
            return any(chunk["usage"] for chunk in view.chunks)
        case "encoding_format" | "dimensions":
            vectors = [entry["embedding"] for entry in view.root["data"]]
            return [(one.kind, len(list(one))) for one in vectors]
    return answer_texts(view)
