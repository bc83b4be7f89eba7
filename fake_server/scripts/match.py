"""Which script answers a request and with which reply, or which came nearest and why each missed.

The first script whose every condition holds answers; conditions are tried in a fixed order, so the first one
that fails names the miss.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fake_server.api import chat_request
from fake_server.api.request import ApiRequest
from fake_server.api.sensible import chance
from fake_server.scripts.book import ScriptBook, ScriptState
from fake_server.scripts.conditions import conditions, short
from fake_server.scripts.model import Response, Script

_OPENING = (chat_request.SYSTEM_ROLES, ("user",))


@dataclass(frozen=True)
class Miss:
    """A script that did not answer: the first condition it failed, and how many held before that."""

    script: Script
    reason: str
    held: int


@dataclass(frozen=True)
class Found:
    """The script that answers, and which of its replies; `reply` is None where a callable gives it."""

    script: Script
    reply: Response | None


def find(asking: ApiRequest, book: ScriptBook, state: ScriptState, *, seed: int = 0) -> Found | None:
    """The first script that matches and may still answer; its use is counted. None: no script.

    Those after it that wait for their n-th call count this one too. Scripts whose replies are no answers of
    the endpoint asked are passed over.
    """
    answering: Found | None = None
    for script in book.candidates(asking):
        if answering is not None and script.when.call is None:
            continue
        if asking.endpoint not in script.endpoints:
            continue
        if any(conditions(script.when, asking)):
            continue
        scope = scope_of(script, asking)
        if script.when.call is not None and state.meet(script, scope) != script.when.call:
            continue
        if answering is None and (use := state.take(script, scope)):
            answering = Found(script, None if script.called else chosen(script, use, seed))
            if not book.counts_calls:
                break
    return answering


def chosen(script: Script, use: int, seed: int) -> Response:
    """The reply that a script gives when it is used for the `use`th time."""
    if script.choose:
        place = chance.fraction("choose", seed, script.name, use) * sum(one.weight for one in script.choose)
        for one in script.choose:
            place -= one.weight
            if place < 0:
                return one.reply
        return script.choose[-1].reply
    return script.every_reply[min(use, len(script.every_reply)) - 1]


def scope_of(script: Script, asking: ApiRequest) -> str:
    """What the script's counts are for: everything, the API key, or the conversation."""
    if script.per == "test":
        return ""
    if script.per == "key":
        return asking.key or ""
    said = asking.messages
    begins = [next((one.text for one in said if one.role in roles), "") for roles in _OPENING]
    return hashlib.blake2b("\0".join(begins).encode("utf-8", "replace"), digest_size=16).hexdigest()


def explain(
    asking: ApiRequest, book: ScriptBook, state: ScriptState | None = None, limit: int = 3
) -> tuple[Miss, ...]:
    """The nearest misses, nearest first: those whose conditions held the longest, then in book order."""
    misses = [found for script in book if (found := _unfit(script, asking) or miss(script, asking, state))]
    return tuple(sorted(misses, key=lambda one: -one.held)[:limit])


def _unfit(script: Script, asking: ApiRequest) -> Miss | None:
    if asking.endpoint in script.endpoints:
        return None
    return Miss(script, f"reply: {asking.endpoint} cannot answer so", 0)


def describe(request: Mapping[str, Any]) -> str:
    """The request in a few words, for messages."""
    said = chat_request.messages(request)
    last = f"last message {said[-1].role}: {short(said[-1].text)}" if said else "no messages"
    return f"model {request.get('model')}, {last}"


def miss(script: Script, asking: ApiRequest, state: ScriptState | None = None) -> Miss | None:
    """Why the script does not answer this request; None where it does."""
    held = 0
    for problem in conditions(script.when, asking):
        if problem is not None:
            return Miss(script, problem, held)
        held += 1
    if state is not None and script.when.call is not None:
        return Miss(script, f"call: wants the {script.when.call}. such request, another one it is", held)
    if state is not None and script.times is not None:
        used = state.used(script, scope_of(script, asking))
        if used >= script.times:
            return Miss(script, f"times: it has answered {script.times} of {script.times} times", held)
    return None
