"""Sends the fake what others were sent: the requests of recordings, or the cases of a live target."""

from __future__ import annotations

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
from fake_server.ending import run_loop
from fake_server.wire.exchange import Aspect, Exchange

_PATHS = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "embeddings": "/v1/embeddings",
    "moderations": "/v1/moderations",
    "models": "/v1/models",
    "responses": "/v1/responses",
    "response tokens": "/v1/responses/input_tokens",
    "response compacted": "/v1/responses/compact",
    "conversations": "/v1/conversations",
}
_EARLIER = ("previous_response_id", "conversation")
"""Members of a request for a Response that name what was stored before."""
_DEPLOYMENT = re.compile(r"/openai/deployments/([^/]+)/")
_STATES = (401, 403, 408, 409, 429)


def compare_with_fake(sides: Iterable[Side]) -> Pairs:
    """Each recording paired with the fake's reply to its request."""
    return run_loop(_against_fake(list(sides)))


async def _against_fake(sides: list[Side]) -> Pairs:
    both: dict[int, tuple[Side, Side]] = {}
    not_asked = {number: why for number, side in enumerate(sides) if (why := _reason_not_to_ask(side.view))}
    for obfuscation in (False, True):
        numbers = [
            number
            for number, side in enumerate(sides)
            if number not in not_asked and (b'"obfuscation"' in side.view.body) is obfuscation
        ]
        if numbers:
            with FakeServer(style=_style(obfuscation), seed=1) as fake:
                options = Options(fake.url, max_requests=len(numbers), run_seconds=3600.0)
                async with session_for(options)[0] as session:
                    for number in numbers:
                        both[number] = sides[number], await _ask_fake(session, sides[number].view)
    return Pairs(
        tuple(both[number] for number in sorted(both)),
        not_asked=tuple(f"{sides[number].label}: {why}" for number, why in not_asked.items()),
    )


def _style(obfuscation: bool) -> Style:
    """The fake's plain style, with or without the `obfuscation` padding that OpenAI sometimes sends."""
    return replace(Style.PLAIN, obfuscation=obfuscation)


def _reason_not_to_ask(view: View) -> str:
    """Why the fake cannot be sent the same request; '' if it can."""
    if not view.knows(Aspect.REQUEST) and view.exchange.request.method == "POST":
        return "its request was not recorded completely"
    if view.status in _STATES or view.status >= 500:
        return f"status {view.status} depends on the server's state, not on the request"
    if view.root["error"]["code"].value == "model_not_found":
        return "the fake has every model"
    if view.endpoint.startswith("stored") or (view.is_of_responses and view.endpoint not in _PATHS):
        return "what is stored there is not stored in the fake"
    if view.ok and any(view.request[name] for name in _EARLIER):
        return "it goes on from what is not stored in the fake"
    if view.endpoint == "moderations" and not view.request["model"]:
        return "it names no model, and which one moderates then has changed over the years"
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
    """The body; if it names no model, with the one in Azure's path."""
    request, deployment = view.exchange.request, _DEPLOYMENT.search(view.exchange.request.path)
    if deployment is None or not view.request.value or view.request["model"].there:
        return request.body
    return json.dumps({"model": deployment.group(1), **view.request.value}).encode()


def fake_side(exchange: Exchange) -> Side:
    """A reply of the fake, without its times, which mean nothing."""
    return Side(View(exchange.but(unknown=exchange.unknown | {Aspect.TIMING})), Role.FAKE)


def ask_both(options: Options) -> tuple[Pairs, RunReport]:
    """The replies of the live target and of the fake to the same cases, and the target's report.

    Raises what `contract_tests.run.run` raises. Cases that could not be run are listed in `not_asked`.
    """
    live = run_loop(run(options))
    with FakeServer(style=_style(obfuscation=True), seed=1) as fake:
        own = replace(options, target=fake.base_url, model=live.model, headers=(), query=(), api_key=None, ca_file=None)
        of_fake = run_loop(run(own))
    host = urlsplit(live.target).hostname or ""
    role = Role.GENUINE if host == GENUINE_HOST else Role.OTHER
    pairs = pair(
        [Side(View(exchange), role) for exchange in _unique_labels(live)],
        map(fake_side, _unique_labels(of_fake)),
    )
    missed = [f"{result.case_id}: {result.outcome.value}, {result.reason}" for result in live.results if result.reason]
    missed += [f"{result.case_id}: its replies are too large to be kept" for result in live.results if result.emptied]
    return replace(pairs, not_asked=tuple(missed)), live


def _unique_labels(report: RunReport) -> list[Exchange]:
    """The exchanges of all cases, each with a unique label."""
    exchanges, seen = [], Counter[str]()
    for exchange in (exchange for result in report.results if not result.emptied for exchange in result.exchanges):
        seen[exchange.label] += 1
        label = exchange.label if seen[exchange.label] == 1 else f"{exchange.label} {seen[exchange.label]}"
        exchanges.append(exchange.but(label=label))
    return exchanges
