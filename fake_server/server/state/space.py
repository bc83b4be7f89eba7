"""What one test sees of a server: scripts of its own, how often they answered, and what was asked.

Tests that run at the same time on one server each take a space, so that none sees what another does. A
request names its space by the header `x-fake-space`, by a path that begins with `/@NAME`, or by a key of
the form `sk-…@NAME`; without any of these it is in the space whose name is empty.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from fake_server.bugs import BugError
from fake_server.faults import Fault
from fake_server.faults.active import Armed, Faults
from fake_server.faults.between import Slot
from fake_server.scripts import book as scripts
from fake_server.scripts import match
from fake_server.scripts.book import Script, ScriptBook, ScriptError, ScriptState
from fake_server.server.state.completions import CompletionStore
from fake_server.server.state.journal import Journal
from fake_server.server.state.memory import MemoryBudget

SPACE = "fake_server.space"
"""Where an ASGI scope says which space its request is in."""
HEADER = "x-fake-space"
MOST, MOST_SCRIPTS = 1000, 10_000
MOST_BYTES = 256 * 1024 * 1024
"""Bytes of requests, replies and stored completions that all spaces hold together."""
NAME = re.compile(r"[A-Za-z0-9._-]{1,100}\Z")


@dataclass
class Space:
    """One space. Its own scripts stand before the server's and replace those of the same name."""

    name: str
    shared: Callable[[], ScriptBook]
    state: ScriptState = field(default_factory=ScriptState)
    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)
    stored: CompletionStore = field(default_factory=CompletionStore)
    slot: Slot = field(default_factory=Slot)
    own: tuple[Script, ...] = ()
    queued: tuple[Script, ...] = ()
    _book: tuple[ScriptBook, ScriptBook] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    @property
    def book(self) -> ScriptBook:
        """The scripts that answer here, in the order they are tried."""
        shared, known = self.shared(), self._book
        if not self.own and not self.queued:
            return shared
        if known is None or known[0] is not shared:
            names = {one.name for one in self.own}
            rest = (one for one in shared if one.name not in names)
            self._book = known = (shared, ScriptBook((*self.queued, *self.own, *rest)))
        return known[1]

    def add(self, items: Sequence[Mapping[str, Any]], source: str = "added") -> tuple[Script, ...]:
        """Put scripts before the others, but for the queue; those without a name get one.

        Raises ScriptError.
        """
        return self.use(self._parsed(items, source))

    def use(self, added: tuple[Script, ...]) -> tuple[Script, ...]:
        """Put scripts that were read already before the others. Raises ScriptError."""
        with self._lock:
            names = {one.name for one in added}
            self._keep(self.queued, (*added, *(one for one in self.own if one.name not in names)))
        return added

    def queue(self, items: Sequence[Mapping[str, Any]], source: str = "queued") -> tuple[Script, ...]:
        """Put scripts at the end of those that are tried before all others. Raises ScriptError."""
        added = self._parsed(items, source)
        with self._lock:
            waiting = [one for one in self.queued if one.times is None or self.state.used(one) < one.times]
            self.state.forget(one.name for one in self.queued if one not in waiting)
            self._keep((*waiting, *added), self.own)
        return added

    def arm(self, items: Sequence[Mapping[str, Any]]) -> tuple[Armed, ...]:
        """Put faults in force: `{fault, …}`, or `{bug: ID}`, with `when` and `times` as in a script.

        Raises FaultError, BugError for a bug that is not known, and ScriptError for a bad `when`.
        """
        return tuple(armed for item in items for armed in self._armed(dict(item)))

    def remove(self, name: str | None = None) -> int:
        """Take away a script that was added or queued, or all of them; says how many."""
        with self._lock:
            gone = [one.name for one in (*self.queued, *self.own) if name in (None, one.name)]
            self._keep(
                *(tuple(one for one in some if one.name not in gone) for some in (self.queued, self.own))
            )
            self.state.forget(gone)
        return len(gone)

    def _parsed(self, items: Sequence[Mapping[str, Any]], source: str) -> tuple[Script, ...]:
        named = [item if "name" in item else {"name": self._name(source), **item} for item in items]
        parsed = tuple(scripts.parse(named, source))
        self.state.forget(one.name for one in parsed)
        return parsed

    def _armed(self, item: dict[str, Any]) -> Iterator[Armed]:
        when, times = item.pop("when", None) or {}, item.pop("times", None)
        test = {"name": "fault", "when": when, "times": times, "reply": {"raw": {"body": ""}}}
        (script,) = scripts.parse([test], "faults")
        strikes = (lambda asking: match.miss(script, asking) is None) if when else None
        if "bug" not in item:
            yield self.faults.add(item, strikes, times)
            return
        from fake_server.bugs.catalogue import find

        bug = find(item.pop("bug"))
        if item:
            raise BugError(f"a bug has no {next(iter(item))!r}: give bug, when and times")

        def met(fault: Fault) -> Callable[[Any], bool]:
            return lambda asking: fault in bug.struck(asking) and (strikes is None or strikes(asking))

        for fault in (*bug.play, *bug.otherwise):
            yield self.faults.arm(fault, {"bug": bug.id, **fault.told()}, met(fault), times, f"bug {bug.id}")

    def _keep(self, queued: tuple[Script, ...], own: tuple[Script, ...]) -> None:
        if len(queued) + len(own) > MOST_SCRIPTS:
            raise ScriptError(
                f"a space holds at most {MOST_SCRIPTS} scripts of its own: remove or reset some"
            )
        self.queued, self.own, self._book = queued, own, None

    def reset(self) -> None:
        """Forget everything: what was asked, what was used, what was added."""
        self.remove()
        self.faults.remove()
        self.stored.clear()
        self.journal.clear()
        self.state.reset()
        self.slot = Slot()

    def _name(self, source: str) -> str:
        return f"{source} {next(self._numbers)}"

    def shed(self) -> bool:
        """Let the oldest request leave, or where there is none the oldest stored completion."""
        return self.journal.drop() or self.stored.drop()

    def part(self) -> None:
        """Hold nothing more that counts for all spaces: nobody will ask here again."""
        self.journal.part()
        self.stored.part()


class Spaces:
    """The spaces of a server, made when they are first named; the one longest unused leaves first.

    Together they hold at most `size` bytes: beyond it the oldest entries leave, of the space longest unused
    first, of the unnamed one last.
    """

    def __init__(
        self, shared: Callable[[], ScriptBook], seed: int = 0, most: int = MOST, size: int = MOST_BYTES
    ) -> None:
        self._shared, self._seed, self._most = shared, seed, most
        self.holding = MemoryBudget(size)
        self._lock = threading.Lock()
        self._named: OrderedDict[str, Space] = OrderedDict()
        self.default = self._made("")

    def __call__(self, name: str = "") -> Space:
        """The space of this name. Raises ValueError for a name that cannot stand in a path."""
        if not name:
            return self.default
        with self._lock:
            space = self._named.get(name)
            if space is None:
                if not NAME.match(name):
                    raise ValueError(f"{name[:100]!r} names no space: use 1 to 100 of A-Z a-z 0-9 . _ -")
                space = self._named[name] = self._made(name)
                if len(self._named) > self._most:
                    self._named.popitem(last=False)[1].part()
            self._named.move_to_end(name)
            return space

    def _made(self, name: str) -> Space:
        return Space(
            name,
            self._shared,
            journal=Journal(holding=self.holding),
            faults=Faults(self._seed),
            stored=CompletionStore(holding=self.holding),
        )

    def drop(self, name: str) -> bool:
        """Forget a space; False when there was none."""
        with self._lock:
            space = self._named.pop(name, None)
        if space is not None:
            space.part()
        return space is not None

    def make_room(self) -> None:
        """Let the oldest leave where all spaces together hold too much."""
        if not self.holding.over:
            return
        default, *named = self.known()
        for space in (*named, default):
            while not self.holding.eased and space.shed():
                pass

    def known(self) -> tuple[Space, ...]:
        """Every space, the unnamed one first."""
        with self._lock:
            return (self.default, *self._named.values())


def split_space(path: str, headers: Mapping[str, str]) -> tuple[str, str]:
    """The name of the space a request is in, and its path without that name."""
    name = headers.get(HEADER, "")
    if path.startswith("/@"):
        prefix, slash, rest = path[2:].partition("/")
        return name or prefix, slash + rest or "/"
    if not name and "@" in (credentials := headers.get("authorization", "")):
        key, _, last = credentials.rpartition("@")
        name = last.strip() if key.lower().startswith("bearer sk-") else ""
    return name, path
