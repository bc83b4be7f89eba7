"""Which script answers a request, and with which reply; or which scripts came nearest, and why each missed.

The first script whose conditions all hold answers. Conditions are checked in a fixed order, so the first that
fails explains a miss.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fake_server.api import chat_request
from fake_server.api.request import ApiRequest
from fake_server.api.sensible import chance
from fake_server.scripts.book import ScriptBook
from fake_server.scripts.conditions import conditions, short
from fake_server.scripts.index import FEW
from fake_server.scripts.model import Response, Script

MOST_SCOPES, SCOPE_BYTES = 100_000, 400
"""Counts for keys and conversations that are kept, and bytes that each takes at most."""
_LONG = 64
"""Characters of a key beyond which its hash stands for it."""
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


@dataclass
class _Counts:
    """How often a script matched and how often it answered, within one scope."""

    met: int = 0
    used: int = 0


class ScriptState:
    """How often each script matched and answered; safe to share between threads.

    Both are counted within a scope: an API key, a conversation, or '' for the whole space. Keys and conversations
    come without end: beyond MOST_SCOPES the counts of those longest unused are forgotten, as if they had not asked
    yet; `dropped` says how many. `count_bytes` is told how many bytes the counts take more or less, `on_drop` called
    for each that is forgotten.
    """

    def __init__(
        self, count_bytes: Callable[[int], None] = lambda _: None, on_drop: Callable[[], None] = lambda: None
    ) -> None:
        self._lock = threading.Lock()
        self._count_bytes, self._on_drop = count_bytes, on_drop
        self._counts: dict[tuple[str, str], _Counts] = {}
        self._scoped: OrderedDict[tuple[str, str], _Counts] = OrderedDict()
        self._used: Counter[str] = Counter()
        self.dropped = 0

    def used(self, script: Script, scope: str | None = None) -> int:
        """How often the script has answered, in all scopes or in one."""
        with self._lock:
            return self._used[script.name] if scope is None else self._look(script, scope).used

    def matched(self, script: Script, scope: str = "") -> int:
        """How many requests matched a script that counts its calls."""
        with self._lock:
            return self._look(script, scope).met

    def meet(self, script: Script, scope: str = "") -> int:
        """Count a matching request and return its ordinal."""
        with self._lock:
            counts = self._touch(script, scope)
            counts.met += 1
            return counts.met

    def take(self, script: Script, scope: str = "") -> int:
        """Count one use and return its ordinal; 0, and nothing is counted, once `times` is used up."""
        with self._lock:
            counts = self._touch(script, scope)
            if script.times is not None and counts.used >= script.times:
                return 0
            counts.used += 1
            self._used[script.name] += 1
            return counts.used

    def _look(self, script: Script, scope: str) -> _Counts:
        of_kind = self._scoped if scope else self._counts
        return of_kind.get((script.name, scope)) or _Counts()

    def _touch(self, script: Script, scope: str) -> _Counts:
        """The counts to add to; those of a key or conversation are now the last used."""
        key = (script.name, scope)
        if not scope:
            return self._counts.setdefault(key, _Counts())
        counts = self._scoped.get(key)
        if counts is None:
            counts = self._scoped[key] = _Counts()
            self._count_bytes(SCOPE_BYTES)
            if len(self._scoped) > MOST_SCOPES:
                self._drop_oldest()
        else:
            self._scoped.move_to_end(key)
        return counts

    def drop(self) -> bool:
        """Forget the counts of the key or conversation longest unused; False when there are none."""
        with self._lock:
            return self._drop_oldest()

    def _drop_oldest(self) -> bool:
        if not self._scoped:
            return False
        self._scoped.popitem(last=False)
        self._count_bytes(-SCOPE_BYTES)
        self.dropped += 1
        self._on_drop()
        return True

    def forget(self, names: Iterable[str]) -> None:
        """Forget the uses of these scripts."""
        forgotten = set(names)
        with self._lock:
            gone = [key for key in self._scoped if key[0] in forgotten]
            for key in gone:
                del self._scoped[key]
            self._count_bytes(-SCOPE_BYTES * len(gone))
            for name in forgotten:
                self._counts.pop((name, ""), None)
                del self._used[name]

    def reset(self) -> None:
        """Forget every use."""
        with self._lock:
            self._count_bytes(-SCOPE_BYTES * len(self._scoped))
            self._counts.clear()
            self._scoped.clear()
            self._used.clear()
            self.dropped = 0


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
        key = request.key or ""
        return key if len(key) <= _LONG else _hash(key)
    messages = request.messages
    opening = [next((message.text for message in messages if message.role in roles), "") for roles in _OPENING]
    return _hash("\0".join(opening))


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


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
