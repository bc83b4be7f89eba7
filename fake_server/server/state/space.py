"""Spaces: what one test sees of a server, its own scripts, their use, its faults and its requests.

Tests that run at the same time on one server each take a space, so that none sees what another does. A
request names its space by the header `x-fake-space`, by a path that begins with `/@NAME`, or by a key of
the form `sk-…@NAME`; without any of these it is in the space whose name is empty.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

from fake_server.bugs.playing import activate
from fake_server.faults.active import ActiveFault, ActiveFaults
from fake_server.faults.between import Queue
from fake_server.scripts import book as scripts
from fake_server.scripts.book import Script, ScriptBook, ScriptError
from fake_server.scripts.match import ScriptState
from fake_server.server.state.clock import Clock
from fake_server.server.state.completions import CompletionStore
from fake_server.server.state.conversations import ConversationStore
from fake_server.server.state.journal import Journal, JournalEntry
from fake_server.server.state.memory import FAULTS, SCRIPTS, USES, Evicting, Ledger, MemoryBudget
from fake_server.server.state.responses import ResponseStore
from fake_server.wire.deep_size import deep_size

MOST, MOST_SCRIPTS = 1000, 10_000
MOST_BYTES = 128 * 1024 * 1024
"""Bytes that all spaces hold together, in flight or kept."""
MOST_OUTSIDE, MOST_BYTES_OUTSIDE = 100, 1024 * 1024
"""Requests outside all spaces that are held, of all names together, and their bytes."""
NAME = re.compile(r"[A-Za-z0-9._-]{1,100}\Z")


class HasBook(Protocol):
    """Who holds the scripts that all spaces share; they may be replaced at any time."""

    book: ScriptBook


@dataclass
class Space:
    """One space. Its own scripts come before the server's and replace those of the same name.

    `outside` holds requests that named a space and could not enter it; all spaces share it.
    """

    name: str
    shared: HasBook
    ledger: Ledger = field(default_factory=Ledger)
    seed: int = 0
    state: ScriptState = field(init=False)
    journal: Journal = field(init=False)
    faults: ActiveFaults = field(init=False)
    stored: CompletionStore = field(init=False)
    responses: ResponseStore = field(init=False)
    unsaved: ResponseStore = field(init=False)
    conversations: ConversationStore = field(init=False)
    clock: Clock = field(default_factory=Clock)
    queue_for_slots: Queue = field(default_factory=Queue)
    outside: Journal = field(default_factory=Journal)
    own: tuple[Script, ...] = ()
    queued: tuple[Script, ...] = ()
    _book: tuple[ScriptBook, ScriptBook] | None = None
    _sizes: dict[int, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        ledger = self.ledger
        self.state = ScriptState(lambda size: ledger.add(USES, size), lambda: ledger.drop(USES))
        self.journal, self.stored = Journal(ledger=ledger), CompletionStore(ledger)
        self.responses, self.unsaved = ResponseStore(ledger), ResponseStore(ledger)
        self.conversations = ConversationStore(ledger)
        self.faults = ActiveFaults(self.seed, lambda size: ledger.add_lasting(FAULTS, size))

    @property
    def stored_dropped(self) -> int:
        """How many things that were stored have been evicted."""
        return sum(store.dropped for store in self._stores)

    @property
    def _stores(self) -> tuple[Evicting, ...]:
        return self.stored, self.unsaved, self.responses, self.conversations

    @property
    def holds_additions(self) -> bool:
        """Whether a test has put something here that it relies on."""
        return bool(self.own or self.queued or self.faults.current)

    @property
    def book(self) -> ScriptBook:
        """The scripts that answer here, in the order in which they are tried."""
        shared, known = self.shared.book, self._book
        if not self.own and not self.queued:
            return shared
        if known is None or known[0] is not shared:
            names = {script.name for script in self.own}
            rest = (script for script in shared if script.name not in names)
            self._book = known = (shared, ScriptBook((*self.queued, *self.own, *rest)))
        return known[1]

    def add(self, items: Sequence[Mapping[str, Any]], source: str = "added") -> tuple[Script, ...]:
        """Put scripts before all others except the queue; those without a name get one.

        Raises ScriptError, and StorageFull for what takes too much room.
        """
        return self.use(self._parse(items, source))

    def use(self, added: tuple[Script, ...]) -> tuple[Script, ...]:
        """Put parsed scripts before all others except the queue. Raises ScriptError, StorageFull."""
        with self._lock:
            names = {script.name for script in added}
            self._set(self.queued, (*added, *(script for script in self.own if script.name not in names)))
        return added

    def queue(self, items: Sequence[Mapping[str, Any]], source: str = "queued") -> tuple[Script, ...]:
        """Put scripts at the end of the queue, which is tried before all others. Raises ScriptError, StorageFull."""
        added = self._parse(items, source)
        with self._lock:
            waiting = [
                script for script in self.queued if script.times is None or self.state.used(script) < script.times
            ]
            self.state.forget(script.name for script in self.queued if script not in waiting)
            self._set((*waiting, *added), self.own)
        return added

    def activate(self, items: Sequence[Mapping[str, Any]]) -> tuple[ActiveFault, ...]:
        """Put faults in force: `{fault, …}`, or `{bug: ID}`, with `when` and `times` as in a script.

        Raises FaultError, BugError for an unknown bug, ScriptError for a bad `when`, and StorageFull.
        """
        return tuple(active for item in items for active in activate(item, self.faults))

    def remove(self, name: str | None = None) -> int:
        """Remove a script that was added or queued, or all of them; returns how many there were."""
        with self._lock:
            removed = [script.name for script in (*self.queued, *self.own) if name in (None, script.name)]
            queued = tuple(script for script in self.queued if script.name not in removed)
            self._set(queued, tuple(script for script in self.own if script.name not in removed))
            self.state.forget(removed)
        return len(removed)

    def _parse(self, items: Sequence[Mapping[str, Any]], source: str) -> tuple[Script, ...]:
        named = [
            {"name": f"{source} {next(self._numbers)}", **item}
            if isinstance(item, Mapping) and "name" not in item
            else item
            for item in items
        ]
        parsed = tuple(scripts.parse(named, source))
        self.state.forget(script.name for script in parsed)
        return parsed

    def _set(self, queued: tuple[Script, ...], own: tuple[Script, ...]) -> None:
        if len(queued) + len(own) > MOST_SCRIPTS:
            raise ScriptError(f"a space holds at most {MOST_SCRIPTS} scripts of its own: remove or reset some")
        sizes = {id(script): self._sizes.get(id(script)) or deep_size(script) for script in (*queued, *own)}
        self.ledger.add_lasting(SCRIPTS, sum(sizes.values()) - sum(self._sizes.values()))
        self.queued, self.own, self._book, self._sizes = queued, own, None, sizes

    def entries(self) -> tuple[JournalEntry, ...]:
        """The requests that named this space, also those that could not enter it, oldest first."""
        inside = self.journal.entries()
        outside = [entry for entry in self.outside.entries() if entry.space == self.name]
        return tuple(sorted((*inside, *outside), key=lambda entry: entry.began)) if outside else inside

    def numbered_entries(self) -> tuple[JournalEntry, ...]:
        """The same, each with its number, so that numbers grow from the oldest to the newest."""
        entries = self.entries()
        for entry in entries:
            entry.give_number()
        return entries

    def forget_requests(self) -> None:
        """Forget what was asked."""
        self.journal.clear()
        self.outside.forget_space(self.name)

    def reset(self) -> None:
        """Forget everything: requests, uses of scripts, and what was added."""
        self.remove()
        self.faults.remove()
        for store in self._stores:
            store.clear()
        self.clock = Clock()
        self.forget_requests()
        self.state.reset()
        self.queue_for_slots = Queue()

    def shed(self) -> bool:
        """Evict the oldest request; where there is none the oldest thing that is stored, then the oldest count."""
        return self.journal.drop() or any(store.drop() for store in self._stores) or self.state.drop()

    def release(self) -> None:
        """Release this evicted space's share of the memory budget."""
        self.ledger.release()


MOST_AT_ONCE = 1000
"""Entries that are evicted at once, a few milliseconds' work."""


class Spaces:
    """The spaces of a server, made when they are first named; the least recently used is evicted first.

    Together they hold at most `size` bytes: beyond it the oldest entries are evicted, those of the least
    recently used space first and those of the unnamed space last. `dropped` counts the spaces that were evicted:
    first those in which no test has put anything, as scripts or faults.
    """

    def __init__(self, shared: HasBook, seed: int = 0, most: int = MOST, size: int = MOST_BYTES) -> None:
        self._shared, self._seed, self._most = shared, seed, most
        self.budget = MemoryBudget(size)
        self.dropped = 0
        self._lock = threading.Lock()
        self._named: OrderedDict[str, Space] = OrderedDict()
        self._outside = Journal(MOST_OUTSIDE, MOST_BYTES_OUTSIDE, Ledger(self.budget))
        self.default = self._make("")

    def __call__(self, name: str = "") -> Space:
        """The space of this name. Raises ValueError for a name that cannot stand in a path."""
        if not name:
            return self.default
        with self._lock:
            space = self._named.get(name)
            if space is None:
                _check_name(name)
                space = self._named[name] = self._make(name)
                if len(self._named) > self._most:
                    self._drop_oldest(space)
            self._named.move_to_end(name)
            return space

    def without_making(self, name: str, *, enter: bool) -> Space:
        """The space of this name if it is there and may be entered, else one outside all: it is for one request.

        Raises ValueError for a name that cannot stand in a path.
        """
        with self._lock:
            space = self._named.get(name) if name else self.default
        if space is not None and enter:
            return space
        if name:
            _check_name(name)
        space = Space(name, self._shared, seed=self._seed)  # what it counts is gone with it
        space.journal = self._outside
        return space

    def _make(self, name: str) -> Space:
        return Space(name, self._shared, Ledger(self.budget), self._seed, outside=self._outside)

    def _drop_oldest(self, new: Space) -> None:
        """Evict the least recently used of the others, one without additions if there is one."""
        others = [space for space in self._named.values() if space is not new]
        oldest = next((space for space in others if not space.holds_additions), others[0])
        self._named.pop(oldest.name).release()
        self.dropped += 1

    def drop(self, name: str) -> bool:
        """Forget a space; False when there was none."""
        with self._lock:
            space = self._named.pop(name, None)
        if space is not None:
            space.release()
        return space is not None

    def make_room(self) -> None:
        """Evict the oldest entries where all spaces together hold too much; few at once, as requests wait meanwhile."""
        budget, left = self.budget, MOST_AT_ONCE
        if budget.most is None or budget.held <= budget.most or not budget.may_evict:
            return
        default, *named = self.known()
        for space in (*named, default):
            while left and not budget.eased and space.shed():
                left -= 1

    def __contains__(self, space: Space) -> bool:
        with self._lock:
            return space is self.default or self._named.get(space.name) is space

    def known(self) -> tuple[Space, ...]:
        """Every space, the unnamed one first."""
        with self._lock:
            return (self.default, *self._named.values())


def _check_name(name: str) -> None:
    if not NAME.match(name):
        raise ValueError(f"{name[:100]!r} names no space: use 1 to 100 of A-Z a-z 0-9 . _ -")
