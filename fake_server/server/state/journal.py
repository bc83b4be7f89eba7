"""The journal: a bounded list of requests and their replies, credentials redacted."""

from __future__ import annotations

import json
import time
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from sys import getsizeof
from typing import TYPE_CHECKING, Any

from fake_server.api import chat_request
from fake_server.api.request import RESPONSES, endpoint_of
from fake_server.relay.redact.fields import sent_credentials
from fake_server.relay.redact.patterns import is_distinctive
from fake_server.relay.redact.shown import shown_value
from fake_server.server.state.memory import REQUESTS, Evicting, Ledger
from fake_server.server.state.write_times import WriteTimes
from fake_server.wire.exchange import Exchange, Request

if TYPE_CHECKING:
    from fake_server.server.state.struck import Struck

MOST_KEPT, _AT_ONCE = 256 * 1024, 4 * 1024
"""Bytes of one reply that are held at most, and those that may not be counted yet."""
ENDPOINTS = ("chat/completions", "completions", "embeddings", "moderations", "models")
BOUNDS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0)
"""Upper bounds of the histogram's buckets, in seconds; slower requests are in a last one."""
_NUMBERS = count(1)
FRAME = 1024
"""Bytes that an entry takes beside its texts, a little more than measured."""
_EMPTY, _FIELD = getsizeof(""), 120
"""Bytes of a text without characters, and of a header field in its mapping beside its texts, rounded up."""


@dataclass
class JournalEntry:
    """One request and its reply.

    `path` has no query. `status` is None until the reply begins, `script` is the name of the script that
    answered, None without one. `began` is in seconds since 1970; `first` and `seconds` count from then to the
    head of the reply and to its end, None until they come. `faults` names the faults that struck. `sent_bytes`
    counts the bytes of the reply's body that were sent, `counted` those that the journal has counted, None while
    the entry is not in a journal. `journal` is the one that it is in until its end.
    `earlier` is JSON: the items before the input of a request for a Response that goes on with others, b"" for none.
    `has_body` tells that its body was read whole: `body` is empty where it was not, and `unread` says so.
    `struck` is what faults made of the reply, None where none struck.
    `number` tells it from other entries of this process, 0 before `Space.numbered_entries` gave it.
    """

    method: str
    path: str
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = b""
    status: int | None = None
    space: str = ""
    script: str | None = None
    faults: tuple[str, ...] = ()
    began: float = field(default_factory=time.time)
    first: float | None = None
    seconds: float | None = None
    counted: int | None = field(default=None, repr=False)
    sent_bytes: int = 0
    journal: Journal | None = field(default=None, repr=False, compare=False)
    earlier: bytes = field(default=b"", repr=False)
    number: int = field(default=0, repr=False, compare=False)
    has_body: bool = field(default=False, repr=False, compare=False)
    struck: Struck | None = field(default=None, repr=False, compare=False)
    _keeps_reply: bool = field(default=True, repr=False)
    _head: int = field(default=0, repr=False)
    _reply: bytearray = field(default_factory=bytearray, repr=False)
    _reply_counted: int = field(default=0, repr=False)
    _clock: float = field(default_factory=time.perf_counter, repr=False)
    _writes: WriteTimes | None = field(default=None, repr=False, compare=False)

    def give_number(self) -> None:
        """Number the entry unless it is: when somebody looks at it, so that a request pays nothing."""
        self.number = self.number or next(_NUMBERS)

    @property
    def writes(self) -> list[tuple[float, int]]:
        """When the bytes of the reply's body were sent, in seconds since the request came, and how many.

        At most MOST_WRITES of them: in longer replies each stands for several, at the time of their first.
        """
        if self._writes is None:
            return [(self.first or 0.0, self.sent_bytes)] if self.sent_bytes else []
        return self._writes.pairs

    @property
    def announced(self) -> int | None:
        """The bytes that the request's head announces for its body, None where it does not say how many."""
        length = self.fields.get("content-length", "")
        return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else None

    @property
    def unread(self) -> str:
        """`not read (12 bytes announced)` for a body that came, or was to come, and was not read; '' for others."""
        announced = self.announced
        if self.body or self.has_body or not (announced or "transfer-encoding" in self.fields):
            return ""
        length = "no length" if announced is None else f"{announced:,} byte{'' if announced == 1 else 's'}"
        return f"not read ({length} announced)"

    @property
    def json(self) -> Any:
        """The body as JSON, None where it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def chat(self) -> Any:
        """The body as JSON; that of a Response as the chat that stands for it, with all that it goes on from."""
        body = self.json
        if not self.is_response or not isinstance(body, Mapping):
            return body
        from fake_server.api import responses_request  # few servers are asked for responses

        earlier = json.loads(self.earlier) if self.earlier else ()
        items = responses_request.resolve(responses_request.input_items(body), earlier)
        return responses_request.as_chat(body, items)

    @property
    def is_response(self) -> bool:
        """Whether it asks for a Response."""
        return self.method == "POST" and endpoint_of(self.path) == RESPONSES

    @property
    def messages(self) -> tuple[tuple[str, str], ...]:
        """The role and the text of every message that the model was given, those of earlier turns included."""
        chat = self.chat
        given = chat_request.messages(chat) if isinstance(chat, Mapping) else ()
        return tuple((message.role, message.text) for message in given)

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The request's headers, names in lower case; values of credentials read `<redacted>`."""
        return tuple((name, shown_value(name, value)) for name, value in self.fields.items())

    @property
    def credentials(self) -> tuple[str, ...]:
        """The values of the request's headers that are made for credentials, less those that texts hold by chance."""
        sent = sent_credentials(Exchange(Request(self.method, "/", tuple(self.fields.items())), None))
        return tuple(value for value in sent if is_distinctive(value))

    def header(self, name: str) -> str | None:
        """The value of a header, None when absent."""
        return dict(self.headers).get(name.lower())

    @property
    def reply(self) -> bytes:
        """The body of the reply as far as it was sent, at most its first `MOST_KEPT` bytes."""
        return bytes(self._reply)

    @property
    def size(self) -> int:
        """Bytes held: a text with one character beyond Latin-1 takes up to four bytes for each."""
        if not self._head:  # which does not change, and every request is measured twice
            fields = self.fields
            texts = sum(map(getsizeof, fields)) + sum(map(getsizeof, fields.values())) + _FIELD * len(fields)
            self._head = FRAME + getsizeof(self.path) - _EMPTY + texts
        held = self._head + len(self.body) + len(self.earlier) + len(self._reply)
        if self.struck is not None:
            held += self.struck.size
        return held if self._writes is None else held + self._writes.held

    def goes_on(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Note the items that stand before the input of this request."""
        if items:
            self.earlier = json.dumps(items).encode()
            if self.journal is not None:
                self.journal.grown(self)

    def answered(self, status: int) -> float:
        """Note that the reply begins; returns the seconds since the request came."""
        self.status, self.first = status, time.perf_counter() - self._clock
        return self.first

    def sent(self, piece: bytes) -> None:
        """Note bytes of the reply's body, which count in the journal soon."""
        room = MOST_KEPT - self.sent_bytes
        if self.sent_bytes and piece and self._keeps_reply:  # a reply in one write needs no more than its size
            if self._writes is None:
                self._writes = WriteTimes(self.first or 0.0, self.sent_bytes)
            self._writes.add(time.perf_counter() - self._clock, len(piece))
        self.sent_bytes += len(piece)
        if room > 0 and self._keeps_reply:
            self._reply += piece if len(piece) <= room else piece[:room]
            journal = self.journal
            if journal is not None and len(self._reply) > self._reply_counted + _AT_ONCE:
                self._reply_counted = len(self._reply)
                journal.grown(self)

    def ended(self) -> None:
        """Note that nothing more is sent."""
        self.journal = None
        self.seconds = time.perf_counter() - self._clock

    def leave(self) -> None:
        """Count no more; what was sent of a reply under way is held no more, as nobody can ask for it."""
        self.counted = self.journal = None
        if self.seconds is None:
            self._keeps_reply, self._reply = False, bytearray()


class Journal(Evicting):
    """The last `entries` requests, at most `size` bytes of them."""

    kind = REQUESTS

    def __init__(self, entries: int = 1000, size: int = 64 * 1024 * 1024, ledger: Ledger | None = None) -> None:
        super().__init__(ledger)
        self._entries: deque[JournalEntry] = deque()
        self._most, self._size = entries, size

    def add(self, entry: JournalEntry) -> None:
        """Hold an entry; where there are too many the oldest leave, and are counted in `dropped`."""
        with self._lock:
            entry.counted, entry.journal = entry.size, self
            self._entries.append(entry)
            self._grow(entry.counted)

    def grown(self, entry: JournalEntry) -> None:
        """Count what an entry holds by now, unless it has left."""
        with self._lock:
            if entry.counted is not None:
                counted, entry.counted = entry.counted, entry.size
                self._grow(entry.counted - counted)

    def entries(self) -> tuple[JournalEntry, ...]:
        """Every entry held, oldest first."""
        with self._lock:
            return tuple(self._entries)

    def forget_space(self, name: str) -> None:
        """Forget the entries of requests into one space."""
        with self._lock:
            leaving = [entry for entry in self._entries if entry.space == name]
            self._entries = deque(entry for entry in self._entries if entry.space != name)
            for entry in leaving:
                self._count(-(entry.counted or 0))
                entry.leave()

    def _grow(self, size: int) -> None:
        """Count bytes, and evict the oldest entries where there are too many."""
        self._held += size  # what `Ledger.add` does stands here: every request comes this way twice
        ledger = self._ledger
        with ledger.lock:
            budget = ledger.budget
            ledger.kinds[REQUESTS] += size
            budget.kinds[REQUESTS] += size
            budget.held += size
        while len(self._entries) > self._most or (self._held > self._size and len(self._entries) > 1):
            self._drop_oldest()

    def _drop_oldest(self) -> bool:
        if not self._entries:
            return False
        entry = self._entries.popleft()
        self._count(-(entry.counted or 0))
        entry.leave()
        self._note_drop()
        return True

    def _forget(self) -> None:
        for entry in self._entries:
            entry.leave()
        self._entries.clear()


class Counts:
    """What one server has answered, for its metrics; its event loop is the only one to count."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, str]] = Counter()
        self.faults: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.buckets: dict[str, list[int]] = {}

    def count(self, entry: JournalEntry) -> None:
        """Count a request whose reply has ended."""
        path = endpoint_of(entry.path)
        above = (endpoint for endpoint in ENDPOINTS if path.startswith(f"{endpoint}/"))
        endpoint = path if path in ENDPOINTS else next(above, "other")
        self.requests[endpoint, str(entry.status), "script" if entry.script else "server"] += 1
        seconds = entry.seconds or 0.0
        buckets = self.buckets.setdefault(endpoint, [0] * (len(BOUNDS) + 1))
        buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds[endpoint] += seconds
        self.bytes[endpoint] += entry.sent_bytes
        for name in entry.faults:
            self.faults[name.partition(":")[0]] += 1
