"""The fake asked in process: the request of a recording, or the cases that a live target was asked."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from contract_tests.diffing.difference import Role, Side
from contract_tests.diffing.sources import GENUINE_HOST, Pairs, pair
from contract_tests.rules.engine.view import View
from contract_tests.run.find import session_for
from contract_tests.run.outcome import RunReport
from contract_tests.run.run import Options, run
from contract_tests.target.session import Session
from fake_server import FakeServer
from fake_server.api.render.style import Style
from fake_server.wire.exchange import Aspect, Exchange

_PATHS = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "embeddings": "/v1/embeddings",
    "models": "/v1/models",
}
_DEPLOYMENT = re.compile(r"/openai/deployments/([^/]+)/")
_STATES = (401, 403, 408, 409, 429)


def compare_with_fake(sides: Iterable[Side]) -> Pairs:
    """Each recording beside what the fake answers to its request."""
    return asyncio.run(_against_fake(list(sides)))


async def _against_fake(sides: list[Side]) -> Pairs:
    both: dict[int, tuple[Side, Side]] = {}
    not_asked = {number: why for number, side in enumerate(sides) if (why := _reason_not_to_ask(side.view))}
    for obfuscation in (False, True):
        asked = [
            number
            for number, side in enumerate(sides)
            if number not in not_asked and (b'"obfuscation"' in side.view.body) is obfuscation
        ]
        if asked:
            with FakeServer(style=_style(obfuscation), seed=1) as fake:
                options = Options(fake.url, max_requests=len(asked), run_seconds=3600.0)
                async with session_for(options)[0] as session:
                    for number in asked:
                        both[number] = sides[number], await _ask_fake(session, sides[number].view)
    return Pairs(
        tuple(both[number] for number in sorted(both)),
        not_asked=tuple(f"{sides[number].label}: {why}" for number, why in not_asked.items()),
    )


def _style(obfuscation: bool) -> Style:
    """The fake's plainest way, with the padding of chunks that api.openai.com sends by time and request."""
    return replace(Style.PLAIN, obfuscation=obfuscation)


def _reason_not_to_ask(view: View) -> str:
    """Why the fake cannot be asked the same, '' where it can."""
    if not view.knows(Aspect.REQUEST) and view.exchange.request.method == "POST":
        return "its request was not kept whole"
    if view.status in _STATES or view.status >= 500:
        return f"status {view.status} tells of the server's state, not of the request"
    if view.root["error"]["code"].value == "model_not_found":
        return "the fake has every model that it is asked for"
    if not view.endpoint:
        return f"the fake does not serve {view.exchange.request.path}"
    return ""


async def _ask_fake(session: Session, view: View) -> Side:
    request = view.exchange.request
    name = request.path.rstrip("/").rpartition("/models/")[2]
    path = _PATHS.get(view.endpoint, f"/v1/models/{name}")
    answer = await session.exchange(view.exchange.label, request.method, path, _body(view))
    return fake_side(answer)


def _body(view: View) -> bytes:
    """The body, with the model that Azure's paths name where it names none."""
    request, deployment = view.exchange.request, _DEPLOYMENT.search(view.exchange.request.path)
    if deployment is None or not view.request.value or view.request["model"].there:
        return request.body
    return json.dumps({"model": deployment.group(1), **view.request.value}).encode()


def fake_side(exchange: Exchange) -> Side:
    """An answer of the fake; its times mean nothing."""
    return Side(View(exchange.but(unknown=exchange.unknown | {Aspect.TIMING})), Role.FAKE)


def ask_both(options: Options) -> tuple[Pairs, RunReport]:
    """What the fake and the live target answer to the same cases; the report is the target's.

    Raises what `contract_tests.run.run` raises. A case that could not be asked is told in `not_asked`.
    """
    live = asyncio.run(run(options))
    with FakeServer(style=_style(obfuscation=True), seed=1) as fake:
        own = replace(
            options, target=fake.base_url, model=live.model, headers=(), query=(), api_key=None, ca_file=None
        )
        of_fake = asyncio.run(run(own))
    host = urlsplit(live.target).hostname or ""
    role = Role.GENUINE if host == GENUINE_HOST else Role.OTHER
    pairs = pair(
        [Side(View(one), role) for one in _unique_labels(live)], map(fake_side, _unique_labels(of_fake))
    )
    missed = [f"{one.case_id}: {one.outcome.value}, {one.reason}" for one in live.results if one.reason]
    return replace(pairs, not_asked=tuple(missed)), live


def _unique_labels(report: RunReport) -> list[Exchange]:
    """The exchanges of all cases, each under a name of its own."""
    found, seen = [], Counter[str]()
    for one in (exchange for result in report.results for exchange in result.exchanges):
        seen[one.label] += 1
        label = one.label if seen[one.label] == 1 else f"{one.label} {seen[one.label]}"
        found.append(one.but(label=label))
    return found
