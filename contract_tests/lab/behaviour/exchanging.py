"""What a mutation works on: a request as a Call, a reply as an Answer, and the fake that answers."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any

from fake_server.server.app import App
from fake_server.server.in_process import InProcess
from fake_server.server.settings import Settings
from fake_server.wire.exchange import Exchange, Framing, Headers, Request, Write
from fake_server.wire.sse import Decoder

KEY = "sk-behaviour-0123456789"
"""The only key that the targets accept, unless they accept any."""
MODELS = (
    *("gpt-4o-mini", "gpt-4o", "gpt-4.1-mini", "gpt-3.5-turbo", "gpt-5", "gpt-3.5-turbo-instruct"),
    *("text-embedding-3-small", "text-embedding-ada-002", "omni-moderation-latest"),
)
"""All models that the targets have."""
DONE = "[DONE]"
_JSON: Headers = (("content-type", "application/json"),)
_NO_STORE = {
    "message": "Unrecognized request argument supplied: store",
    "type": "invalid_request_error",
    "param": "store",
    "code": None,
}
_FRAMING_FIELDS = ("content-length", "transfer-encoding")


@dataclass(frozen=True)
class Call:
    """A request with its JSON body; `body` is None where it has none or it is no object."""

    request: Request
    body: dict[str, Any] | None

    @classmethod
    def read(cls, request: Request) -> Call:
        """The call that a request makes."""
        body = request.json() if request.body else None
        return cls(request, body if isinstance(body, dict) else None)

    @property
    def members(self) -> dict[str, Any]:
        """The body's members, none where there is no body."""
        return self.body or {}

    @property
    def is_chat(self) -> bool:
        """Whether it asks for a chat completion."""
        return self._asks("/chat/completions")

    @property
    def is_completion(self) -> bool:
        """Whether it asks for a text completion."""
        return self._asks("/completions") and not self.is_chat

    @property
    def is_embedding(self) -> bool:
        """Whether it asks for embeddings."""
        return self._asks("/embeddings")

    @property
    def streams(self) -> bool:
        """Whether it asks for a stream."""
        return self.members.get("stream") is True

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages of a chat, empty where they are not a list of objects."""
        messages = self.members.get("messages")
        is_list = isinstance(messages, list) and all(isinstance(message, dict) for message in messages)
        return messages if is_list and isinstance(messages, list) else []

    def but(self, **members: Any) -> Call:
        """The same call with these members of its body set."""
        return self._with_body(self.members | members)

    def without(self, *names: str) -> Call:
        """The same call without these members of its body."""
        return self._with_body({name: value for name, value in self.members.items() if name not in names})

    def _with_body(self, body: dict[str, Any]) -> Call:
        return Call(replace(self.request, body=json.dumps(body).encode()), body)

    def _asks(self, path: str) -> bool:
        return self.request.method == "POST" and self.request.path.endswith(path) and self.body is not None


@dataclass
class Wire:
    """How an answer is written: everything that a client must not depend on.

    `first` and `pace` are seconds before the head and between events. `cuts` draws the sizes in bytes of the
    pieces of a stream. `header_name` spells the names of header fields.
    """

    first: float = 0.0
    pace: float = 0.002
    line_end: str = "\n"
    data_prefix: str = "data: "
    comment: str = ""
    json_options: dict[str, Any] = field(default_factory=lambda: {"ensure_ascii": False})
    cuts: Callable[[], int] | None = None
    header_name: Callable[[str], str] = str.lower
    closes: bool = False
    http_version: str = "1.1"


@dataclass
class Answer:
    """A reply: `value` of a JSON body, or `events` of a stream (each a JSON value or DONE), or `raw` bytes.

    `finish` is called once the reply was sent or its client has left.
    """

    status: int
    headers: Headers
    value: Any = None
    events: list[Any] | None = None
    raw: bytes | None = None
    wire: Wire = field(default_factory=Wire)
    finish: Callable[[], None] = lambda: None

    @classmethod
    def read(cls, exchange: Exchange) -> Answer:
        """The answer that an exchange holds."""
        assert exchange.status is not None
        headers = tuple(pair for pair in exchange.headers if pair[0].lower() not in _FRAMING_FIELDS)
        answer = cls(exchange.status, headers)
        if exchange.media_type == "text/event-stream":
            decoder = Decoder()
            events = [*decoder.feed(exchange.payload), *decoder.close()]
            texts = [event.data for event in events if event.data is not None]
            answer.events = [text if text == DONE else json.loads(text) for text in texts]
        elif exchange.media_type == "application/json":
            answer.value = json.loads(exchange.payload)
        else:
            answer.raw = exchange.payload
        return answer

    @property
    def succeeded(self) -> bool:
        """Whether it is no error."""
        return self.status < 400

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The JSON objects that it consists of: the body, or each event."""
        values = [self.value] if self.events is None else self.events
        return [value for value in values if isinstance(value, dict)]

    def choices(self) -> Iterator[dict[str, Any]]:
        """Every choice of the body or of all events."""
        for value in self.objects:
            yield from value.get("choices") or ()

    def messages(self) -> Iterator[dict[str, Any]]:
        """Every message or delta."""
        for choice in self.choices():
            yield choice.get("message") or choice.get("delta") or {}

    def pieces(self) -> dict[int, list[tuple[dict[str, Any], str]]]:
        """Where the text of each choice stands, by its index: objects and names of their members."""
        places: dict[int, list[tuple[dict[str, Any], str]]] = {}
        for choice in self.choices():
            holder, name = choice, "text"
            if "text" not in choice:
                holder, name = choice.get("message") or choice.get("delta") or {}, "content"
            if isinstance(holder.get(name), str):
                places.setdefault(choice.get("index", 0), []).append((holder, name))
        return places

    def texts(self) -> dict[int, str]:
        """The whole text of each choice by its index."""
        return {index: "".join(holder[name] for holder, name in places) for index, places in self.pieces().items()}

    @property
    def tokens(self) -> int:
        """About how many tokens its texts are."""
        return sum(len(text) for text in self.texts().values()) // 4

    def change_text(self, change: Callable[[int, str], str]) -> None:
        """Replace the text of every choice by `change(index, text)`, cut where it was cut before."""
        for index, places in self.pieces().items():
            text = change(index, "".join(holder[name] for holder, name in places))
            for number, (holder, name) in enumerate(places):
                size = len(holder[name]) if number < len(places) - 1 else len(text)
                holder[name], text = text[:size], text[size:]

    def reason(self, index: int) -> str | None:
        """The finish reason of a choice."""
        reasons = [choice.get("finish_reason") for choice in self.choices() if choice.get("index") == index]
        return next(filter(None, reasons), None)

    def exchange(self, request: Request) -> Exchange:
        """The reply as it goes over the wire."""
        wire = self.wire
        writes = tuple(self._writes())
        length = str(sum(len(write.data) for write in writes))
        framing = Framing.LENGTH if self.events is None else Framing.CHUNKED
        fields = [*self.headers, ("date", formatdate(usegmt=True))]
        if wire.http_version == "1.0":
            framing = Framing.CLOSE
        elif framing is Framing.LENGTH:
            fields.append(("content-length", length))
        else:
            fields.append(("transfer-encoding", "chunked"))
        if wire.closes:
            fields.append(("connection", "close"))
        if request.method == "HEAD" or self.status in (204, 304):
            framing, writes = Framing.NONE, ()
        return Exchange(
            request,
            self.status,
            tuple((wire.header_name(name), value) for name, value in fields),
            writes,
            framing=framing,
            reason="OK" if self.status == 200 else "",
            http_version=wire.http_version,
            head_pause=wire.first,
        )

    def _writes(self) -> Iterator[Write]:
        wire = self.wire
        if self.events is None:
            data = self.raw if self.raw is not None else json.dumps(self.value, **wire.json_options).encode()
            yield Write(data)
            return
        for number, value in enumerate(self.events):
            text = value if value == DONE else json.dumps(value, **wire.json_options)
            lines = f"{wire.data_prefix}{text}{wire.line_end * 2}"
            if isinstance(value, dict) and isinstance(value.get("type"), str):  # the events of Responses have names
                lines = f"event: {value['type']}{wire.line_end}{lines}"
            if wire.comment:
                lines = f"{wire.comment}{wire.line_end * 2}{lines}"
            pause, data = wire.pace if number else 0.0, lines.encode()
            while data:
                size = wire.cuts() if wire.cuts else len(data)
                yield Write(data[:size], pause)
                data, pause = data[size:], 0.0005 if wire.cuts else 0.0


class World:
    """What mutations of one target share: the fake behind it, chance, and a memory of earlier calls.

    `slot` is held by the request that is being answered, in targets that answer one at a time.
    """

    def __init__(self, seed: int, key: str | None = KEY) -> None:
        self._fake = InProcess(App(Settings(seed=seed, models=MODELS, api_key=key)))
        self.chance = random.Random(seed)
        self.memory: dict[str, Any] = {}
        self.slot = asyncio.Lock()

    def ask(self, call: Call) -> Answer:
        """What the fake answers; every third time or so with other words than the time before."""
        if call.is_chat and "seed" not in call.members and self.chance.random() < 0.3:
            other = self.ask_exactly(call.but(seed=self.chance.randrange(2**31)))
            if other.succeeded:
                return other
        return self.ask_exactly(call)

    def ask_exactly(self, call: Call) -> Answer:
        """What the fake answers, in the same words each time.

        Nothing is stored, as on most servers: what the fake stores is not what the target says in the end.
        """
        if call.members.get("store"):
            return Answer(400, _JSON, value={"error": _NO_STORE})
        path, is_read = call.request.path, call.request.method in ("GET", "DELETE")
        if "/chat/completions/" in path or (is_read and path.endswith("/chat/completions")):
            call = Call(replace(call.request, target="/v1/stored"), call.body)
        fields = tuple(pair for pair in call.request.headers or () if pair[0].lower() != "accept-encoding")
        return Answer.read(self._fake.answer(replace(call.request, headers=fields)))

    def vary_wording(self, call: Call, answer: Answer) -> None:
        """In a third of the answers in prose, begin with a capital letter where none was, or the reverse."""
        exact = any(call.members.get(name) for name in ("logprobs", "response_format", "echo"))
        if exact or not answer.succeeded:
            return
        if self.chance.random() < 0.3:
            answer.change_text(lambda _, text: _other_capital(text))


def _other_capital(text: str) -> str:
    word = text.split(maxsplit=1)[0] if text.strip() and not text[0].isspace() else ""
    is_plain = word.strip(".,:;!?").isalpha() and word.isascii() and not word.isupper()
    return text[0].swapcase() + text[1:] if is_plain else text


def new_id(world: World, prefix: str) -> str:
    """A fresh id with this prefix."""
    return f"{prefix}{world.chance.getrandbits(96):024x}"
