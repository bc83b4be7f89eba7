"""Which script answers a request, and with which reply; or which scripts came nearest, and why each missed.

The first script whose conditions all hold answers. Conditions are checked in a fixed order, so the first that
fails explains a miss.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fake_server.api import chat_request
from fake_server.api.request import ApiRequest
from fake_server.api.sensible import chance
from fake_server.scripts.book import ScriptBook
from fake_server.scripts.conditions import conditions, short
from fake_server.scripts.index import FEW
from fake_server.scripts.model import Response, Script

MOST_SCOPES = 100_000
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


class ScriptState:
    """How often each script matched and answered; safe to share between threads.

    Both are counted within a scope: an API key, a conversation, or '' for the whole space.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._met: Counter[tuple[str, str]] = Counter()
        self._uses: Counter[tuple[str, str]] = Counter()
        self._used: Counter[str] = Counter()

    def used(self, script: Script, scope: str | None = None) -> int:
        """How often the script has answered, in all scopes or in one."""
        with self._lock:
            return self._used[script.name] if scope is None else self._uses[script.name, scope]

    def matched(self, script: Script, scope: str = "") -> int:
        """How many requests matched a script that counts its calls."""
        with self._lock:
            return self._met[script.name, scope]

    def meet(self, script: Script, scope: str = "") -> int:
        """Count a matching request and return its ordinal."""
        with self._lock:
            self._make_room()
            self._met[script.name, scope] += 1
            return self._met[script.name, scope]

    def take(self, script: Script, scope: str = "") -> int:
        """Count one use and return its ordinal; 0, and nothing is counted, once `times` is used up."""
        with self._lock:
            used = self._uses[script.name, scope]
            if script.times is not None and used >= script.times:
                return 0
            self._make_room()
            self._uses[script.name, scope] = used + 1
            self._used[script.name] += 1
            return used + 1

    def _make_room(self) -> None:
        """Start counting again: keys and conversations come without end, so their counts need a bound."""
        if len(self._uses) + len(self._met) > MOST_SCOPES:
            self._uses.clear()
            self._met.clear()

    def forget(self, names: Iterable[str]) -> None:
        """Forget the uses of these scripts."""
        forgotten = set(names)
        with self._lock:
            for counter in (self._met, self._uses):
                for key in [key for key in counter if key[0] in forgotten]:
                    del counter[key]
            for name in forgotten:
                del self._used[name]

    def reset(self) -> None:
        """Forget every use."""
        with self._lock:
            self._met.clear()
            self._uses.clear()
            self._used.clear()


def find(request: ApiRequest, book: ScriptBook, state: ScriptState, *, seed: int = 0) -> Found | None:
    """The first script that matches and may still answer; its use is counted. None: no script.

    Later scripts that wait for their n-th matching request count this one too. Scripts whose replies do not
    fit the endpoint are passed over.
    """
    scripts = book.scripts if len(book.scripts) <= FEW else book.index.candidates(request)
    answering: Found | None = None
    for script in scripts:
        if answering is not None and script.when.call is None:
            continue
        if request.endpoint not in script.endpoints:
            continue
        if any(conditions(script.when, request)):
            continue
        scope = "" if script.per == "test" else scope_of(script, request)
        if script.when.call is not None and state.meet(script, scope) != script.when.call:
            continue
        if answering is None and (use := state.take(script, scope)):
            answering = Found(script, None if script.called else choose_reply(script, use, seed))
            if not book.counts_calls:
                break
    return answering


def choose_reply(script: Script, use: int, seed: int) -> Response:
    """The reply that a script gives the `use`-th time it is used."""
    if script.choose:
        total = sum(option.weight for option in script.choose)
        place = chance.fraction("choose", seed, script.name, use) * total
        for option in script.choose:
            place -= option.weight
            if place < 0:
                return option.reply
        return script.choose[-1].reply
    return script.every_reply[min(use, len(script.every_reply)) - 1]


def scope_of(script: Script, request: ApiRequest) -> str:
    """What the script's counts are kept for: the whole space, the API key, or the conversation."""
    if script.per == "test":
        return ""
    if script.per == "key":
        return request.key or ""
    messages = request.messages
    opening = [next((message.text for message in messages if message.role in roles), "") for roles in _OPENING]
    return hashlib.blake2b("\0".join(opening).encode("utf-8", "replace"), digest_size=16).hexdigest()


def explain(
    request: ApiRequest, book: ScriptBook, state: ScriptState | None = None, limit: int = 3
) -> tuple[Miss, ...]:
    """The nearest misses, nearest first: by the conditions met before one failed, then in book order."""
    misses = [found for script in book if (found := miss(script, request, state))]
    return tuple(sorted(misses, key=lambda found: -found.held)[:limit])


def describe(body: Mapping[str, Any]) -> str:
    """A request's body in a few words, for messages."""
    messages = chat_request.messages(body)
    last = f"last message {messages[-1].role}: {short(messages[-1].text)}" if messages else "no messages"
    return f"model {body.get('model')}, {last}"


def miss(script: Script, request: ApiRequest, state: ScriptState | None = None) -> Miss | None:
    """Why the script does not answer this request; None where it does."""
    if request.endpoint not in script.endpoints:
        return Miss(script, f"reply: {request.endpoint} cannot answer so", 0)
    held = 0
    for problem in conditions(script.when, request):
        if problem is not None:
            return Miss(script, problem, held)
        held += 1
    if state is None:
        return None
    scope = scope_of(script, request)
    if script.when.call is not None:
        count = state.matched(script, scope)
        wanted = f"call: expected the {ordinal(script.when.call)} matching request"
        return Miss(script, f"{wanted}, there have been {count}", held)
    if script.times is not None and state.used(script, scope) >= script.times:
        return Miss(script, f"times: it has answered {script.times} of {script.times} times", held)
    return None


def ordinal(number: int) -> str:
    """The number as English writes its rank: 1st, 2nd, 3rd, 11th."""
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"
