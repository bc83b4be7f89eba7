"""A request as it arrives: the space it is made in, its path, its header fields, and its body.

The body is bounded in size, time and depth, and read strictly where Python's JSON parser is lenient.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import Any, TypeVar, cast

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from fake_server.api import errors
from fake_server.api.render.style import Style
from fake_server.api.reply import ErrorReply
from fake_server.api.request import ApiRequest, endpoint_of
from fake_server.faults import Fault
from fake_server.server.admission import OF_PAGES, USUAL, admit
from fake_server.server.body_text import (
    LARGE,
    SUSPICIOUS,
    VALUE,
    VALUES,
    count_values,
    count_values_outside_strings,
    is_suspicious,
    unusable_values,
)
from fake_server.server.in_flight import InFlight
from fake_server.server.settings import Settings
from fake_server.server.state.journal import JournalEntry
from fake_server.server.state.memory import SMALL
from fake_server.wire import jsontext
from fake_server.wire.budget import CURRENT, Budget, Heavy, TooMuch, hold, spend
from fake_server.wire.delivery import Delivery
from fake_server.wire.freed import give_back

SPACE_HEADER = "x-fake-space"
CONTROL, METRICS = "/__fake__", "/metrics"
CONTEXT = "fake_server.context"
"""Where the ASGI scope of a page (control, /docs) holds the RequestContext."""
UPGRADE = "fake_server.upgrade"
"""Where the scope holds the Upgrade field of a request whose connection can be taken over."""
_ABSOLUTE = re.compile(r"^https?://[^/]*", re.IGNORECASE)
"""What an absolute-form target has before its path; servers must accept it (RFC 9112 section 3.2.2)."""
_TOLERATED = frozenset({"bom", "duplicate"})
Result = TypeVar("Result")

_DRAIN_SECONDS = 2.0


class Refused(Exception):
    """A request that gets `reply` instead of an answer."""

    def __init__(self, reply: ErrorReply) -> None:
        super().__init__(reply.message)
        self.reply = reply


class RequestContext:
    """One request under way, with what is needed to answer it. Raises ValueError for a bad name of a space.

    `raw` holds the bytes of its body, `body_read` tells whether they were read, `request` is what they ask.
    `parameters` are the parts of the path that vary. A handler notes the `faults` of the script that
    answered, and the `tokens` that count for a quota; `rendered_style` is the reply's style, None until it
    is rendered. `in_flight` counts the bytes that are held until the request ends. `body_arrived` tells that
    the whole body is there already, so that no timeout need run.
    `commands` are the fields that may name faults and bugs: none without the server's key.
    `admission` tells who asks; `space` is one outside all others where the request may not make or use its own.
    """

    def __init__(self, scope: Scope, receive: Receive, settings: Settings, *, body_arrived: bool = False) -> None:
        self.scope, self.receive, self.settings = scope, receive, settings
        self.method: str = scope["method"]
        self.fields = fields = header_fields(scope["headers"])
        name, self.path = split_space(path_of(scope), fields)
        self.controls = is_control(self.path)
        admission = USUAL
        if settings.api_key is not None or not OF_PAGES.isdisjoint(fields):
            admission = admit(settings.api_key, self.method, self.path, fields, name, self.controls)
        self.admission = admission
        if admission.has_key and not admission.from_page:
            self.space = settings.spaces(name)
        else:
            self.space = settings.spaces.without_making(name, enter=admission.has_key)
        self.entry = JournalEntry(self.method, self.path, fields, space=self.space.name)
        self.request = ApiRequest({}, endpoint_of(self.path), fields, self.path.endswith("/"), self.method, self.path)
        self.raw, self.body_read, self._body_arrived = b"", False, body_arrived
        self.parameters: Mapping[str, str] = {}
        self.commands: Mapping[str, str] = fields if admission.has_key else {}
        self.faults: tuple[Fault, ...] = ()
        self.tokens, self.in_flight = 0, InFlight()
        self.budget = Budget()
        self.rendered_style: Style | None = None

    @property
    def style(self) -> Style:
        """How the reply is written: fixed by the settings, or drawn from the seed and the request's bytes."""
        style = self.rendered_style
        if style is None:
            drawn_from = self.raw or self.path.encode()
            style = self.settings.fixed_style or Style.draw(self.settings.seed, drawn_from)
            self.rendered_style = style
        return style

    async def read_body(self, *, any_type: bool = False) -> bytes:
        """Take the body in; of JSON or of no type, unless it may be of any type. Raises Refused, ClientDisconnect."""
        fields = self.fields
        if fields.get("content-type") != "application/json" or "content-encoding" in fields:
            _check_type({**fields, "content-type": ""} if any_type else fields)
        self.body_read = True
        limit, seconds = self.settings.max_body, self.settings.body_timeout
        declared = fields.get("content-length", "0")
        if declared.isdigit() and int(declared) > limit:
            if "expect" not in fields:
                await self.drain()
            raise Refused(errors.body_too_large(limit))
        pieces: list[bytes] = []
        size, more = 0, True
        try:
            async with nullcontext() if self._body_arrived else asyncio.timeout(seconds):
                while more and size <= limit:
                    message = await self.receive()
                    if message["type"] == "http.disconnect":
                        raise ClientDisconnect
                    piece = message.get("body", b"")
                    pieces.append(piece)
                    size += len(piece)
                    more = message.get("more_body", False)
                    if size > SMALL or not self._body_arrived:
                        # Its bytes are held, and what they say.
                        room = self.in_flight.wait_for_room(self.settings.spaces, 2 * len(piece), large=size > SMALL)
                        if not await room:
                            raise Refused(errors.busy("bodies and replies of other requests take all the room"))
        except TimeoutError:
            raise Refused(errors.body_too_slow(seconds)) from None
        except Refused:
            if more:
                pieces.clear()
                await self.drain()
            raise
        if size > limit:
            if more:
                await self.drain()
            raise Refused(errors.body_too_large(limit))
        self.raw = self.entry.body = b"".join(pieces)
        self.entry.has_body = True
        return self.raw

    async def read_json(self) -> None:
        """Take the body in and parse it as the request's JSON object. Raises Refused, ClientDisconnect."""
        first, raw = self.request, await self.read_body()
        self.budget.heavy = len(raw) > LARGE
        body = await self.work(parse_large_object, raw, self._hold_values) if self.budget.heavy else parse_object(raw)
        self.request = ApiRequest(body, first.endpoint, first.headers, first.slash, first.method, first.path)

    def _hold_values(self, values: int) -> None:
        """Count values that are about to be made of the body. Raises Refused."""
        if not self.in_flight.hold(self.settings.spaces, values * VALUE):
            raise Refused(errors.busy("bodies and replies of other requests take all the room"))

    async def work(self, function: Callable[..., Result], *given: Any) -> Result:
        """Call a function that spends the request's budget: at once, or in the server's thread if it is no little work.

        There it begins again. Raises what the function does, and TooMuch.
        """
        budget = self.budget
        if not budget.heavy:
            before = budget.steps, budget.held, budget.reused
            token = CURRENT.set(budget)
            try:
                return function(*given)
            except Heavy:
                budget.move(*before)
            finally:
                CURRENT.reset(token)
        try:
            return await asyncio.get_running_loop().run_in_executor(self.settings.worker, self._work, function, *given)
        except asyncio.CancelledError:
            budget.given_up = True
            raise

    def _work(self, function: Callable[..., Result], *given: Any) -> Result:
        """Call the function in the thread; a reply that it makes counts before the event loop knows of it."""
        try:
            result: Any = self.budget.run(function, *given)
        finally:
            give_back()
        if isinstance(result, Delivery):
            result = self.in_flight.hold_reply(self.settings.spaces, result)
        return cast("Result", result)

    async def drain(self) -> None:
        """Read on for a moment, so that a client still writing sees the reply instead of a reset."""
        if self._body_arrived:
            return
        size = 0
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                while size <= self.settings.max_body:
                    message = await self.receive()
                    size += len(message.get("body", b""))
                    if not message.get("more_body", False):
                        return
        except TimeoutError:
            return


def header_fields(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The request's header fields, names in lower case, several of a name joined (RFC 9110 section 5.3)."""
    fields: dict[str, str] = {}
    for raw, value in headers:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        fields[name] = f"{fields[name]}, {text}" if name in fields else text
    return fields


def split_space(path: str, headers: Mapping[str, str]) -> tuple[str, str]:
    """The name of the space a request is in, and its path without that name."""
    name = headers.get(SPACE_HEADER, "")
    if path.startswith("/@"):
        prefix, slash, rest = path[2:].partition("/")
        return name or prefix, slash + rest or "/"
    if not name and "@" in (credentials := headers.get("authorization", "")):
        key, _, last = credentials.rpartition("@")
        name = last.strip() if key.lower().startswith("bearer sk-") else ""
    return name, path


def is_control(path: str) -> bool:
    """Whether the path, without the name of a space, is one of the server's control."""
    return path.startswith(CONTROL) or path == METRICS


def path_of(scope: Scope) -> str:
    """The path that is asked for, below the path where another app mounts this one."""
    target: str = scope["path"]
    target = target if target[:1] == "/" else _ABSOLUTE.sub("", target) or "/"
    mounted: str = scope.get("root_path", "")
    return target.removeprefix(mounted) if mounted and target.startswith(f"{mounted}/") else target


def _check_type(fields: Mapping[str, str]) -> None:
    """Raises Refused unless the body claims to be plain JSON; no claim is tolerated."""
    content_type = fields.get("content-type", "")
    media = content_type.partition(";")[0].strip().lower()
    if media and media != "application/json" and not (media.startswith("application/") and "+json" in media):
        raise Refused(errors.unsupported_type(content_type))
    coding = fields.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise Refused(errors.unsupported_encoding(coding))


def parse_large_object(body: bytes, hold_values: Callable[[int], None]) -> Mapping[str, Any]:
    """`parse_object`, for work in a thread: the values of the text are counted, and held, before they are made."""
    hold(len(body), "the values of its body")
    values = count_values(body)
    if values > VALUES:  # signs in strings were counted too
        values = count_values_outside_strings(body)
    if values > VALUES:
        raise TooMuch(f"its body has more than {VALUES:,} values")
    spend(values // 2, f"a body of {values:,} values")
    hold_values(values)
    return parse_object(body)


def parse_object(body: bytes) -> Mapping[str, Any]:
    """The JSON object that a body holds. Raises Refused with what is wrong and at which byte."""
    document = jsontext.parse(body)
    for problem in document.problems:
        if problem.kind not in _TOLERATED:
            raise Refused(errors.invalid_json(f"{problem.detail} (byte {problem.offset})"))
    if SUSPICIOUS.search(body) if len(body) <= LARGE else is_suspicious(body):
        for detail in unusable_values(document.value):
            raise Refused(errors.invalid_json(detail))
    if not isinstance(document.value, dict):
        raise Refused(errors.invalid_json("a JSON object is expected"))
    return document.value
