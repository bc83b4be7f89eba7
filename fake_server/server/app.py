"""The fake as an ASGI app: one chain from a request to the Delivery that leaves.

A request passes, in this order: its space and path, what browsers need, the journal, the key, its operation,
faults, and the headers that OpenAI sends with every reply. Every reply is in OpenAI's form, errors included.
"""

from __future__ import annotations

import logging
import os
import re
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from fake_server.api import errors
from fake_server.api.render.style import Style
from fake_server.api.reply import ErrorReply
from fake_server.bugs.errors import BugError
from fake_server.bugs.playing import HEADER as BUG_HEADER
from fake_server.faults import FaultError
from fake_server.faults.base import HEADER as FAULT_HEADER
from fake_server.server.deliveries import refuse
from fake_server.server.faulting import Faulting
from fake_server.server.request_context import Refused, RequestContext, header_fields, is_control, path_of, split_space
from fake_server.server.routes import models
from fake_server.server.routes.table import DIRECT, PAGE_METHODS, PAGES, Operation, find_operation, is_published
from fake_server.server.sender import AsgiSender, Sender
from fake_server.server.settings import Settings
from fake_server.server.state.journal import JournalEntry
from fake_server.server.state.memory import SMALL
from fake_server.wire.budget import TooMuch
from fake_server.wire.delivery import NO_BODY, Delivery
from fake_server.wire.exchange import Headers

if TYPE_CHECKING:
    from fake_server.server.cross_origin import CrossOrigin
    from fake_server.server.pages import FakeApp

log = logging.getLogger("fake_server")
SANDBOX = {"content-security-policy": "sandbox", "x-content-type-options": "nosniff"}
"""What keeps a reply from running scripts in the fake's own origin: it may repeat what a page sent, and a fault or a
script may have it sent as HTML."""
SOCKETS = ("/v1/responses", "/responses")
"""Paths that can be a WebSocket."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
"""What no path here has; a pattern would take a last line feed for the end of a path."""


class App:
    """The fake OpenAI server. FastAPI, half of the start's time, is loaded when the first page needs it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._fastapi: FakeApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.serve(scope, receive, AsgiSender(receive, send))
        elif scope["type"] == "websocket" and self._answers_socket(scope):
            from fake_server.server.asgi_socket import serve_socket  # few clients ask for it

            await serve_socket(self.serve, scope, receive, send)
        else:
            await self.fastapi.route_request(scope, receive, send)

    def _answers_socket(self, scope: Scope) -> bool:
        """Whether a WebSocket is one of the API; a route that was added to the FastAPI app comes first."""
        path = split_space(path_of(scope), header_fields(scope["headers"]))[1]
        return path in SOCKETS and not (self._fastapi is not None and self._fastapi.adds(scope))

    async def serve(self, scope: Scope, receive: Receive, sender: Sender, *, body_arrived: bool = False) -> None:
        """Answer one request through `sender`; `body_arrived` tells that its whole body is there already."""
        try:
            context = RequestContext(scope, receive, self.settings, body_arrived=body_arrived)
        except ValueError as error:
            await self._refuse_space(scope, sender, error)
            return
        crosses = "origin" in context.fields and not context.controls
        browser = _browser(context.method, context.fields, context) if crosses else None
        if browser is not None and (preflight := browser.preflight()) is not None:
            await sender.send(_with_length(preflight), context.entry)
            return
        entry, journal = context.entry, context.space.journal
        if not context.controls:
            journal.add(entry)
        try:
            try:
                delivery = await self._answer(context)
                if delivery.length is None or delivery.length > SMALL:
                    delivery = context.in_flight.hold_reply(self.settings.spaces, delivery)
                await sender.send(_with_headers(delivery, context, browser), entry)
            except ClientDisconnect:
                log.debug("the client left before its request was read")
            except TooMuch as error:
                await sender.send(_with_headers(refuse(errors.too_much(str(error))), context, browser), entry)
            except Exception:
                log.exception("%s %s failed", context.method, context.path)
                if entry.status is not None:
                    raise
                await sender.send(_with_headers(refuse(errors.server_error()), context, browser), entry)
        finally:
            entry.ended()
            if context.in_flight.size or context.budget.heavy:  # the thread may work for it still
                context.in_flight.release(self.settings.spaces)
            if not context.controls:
                journal.grown(entry)
                self.settings.spaces.make_room()
                self.settings.counts.count(entry)

    async def _answer(self, context: RequestContext) -> Delivery:
        """The reply to a request, or to what is wrong with its key, method or path."""
        refusal = context.admission.refusal
        operation = DIRECT.get((context.method, context.path))
        if operation is None and refusal is None and _CONTROLS.search(context.path):
            refusal = errors.invalid_url(context.method, context.path)
        if refusal is not None:
            if context.controls and refusal.status == 401 and _shows_lock(context):
                return await self.fastapi.answer(context)
            return refuse(refusal) if context.controls else await handle(context, _refusing(refusal))
        if operation is not None:
            return await handle(context, operation)
        if context.controls or (context.path in PAGES and context.method in PAGE_METHODS):
            return await self.fastapi.answer(context)
        operation, context.parameters, methods = find_operation(context.method, context.path)
        allow = ", ".join(methods)
        if operation is not None:
            return await handle(context, operation)
        if methods and context.method == "OPTIONS":
            return Delivery(204, (("allow", f"{allow}, OPTIONS"),), (), length=0)
        if self._fastapi is not None and self._fastapi.adds({**context.scope, "path": context.path}):
            return await self.fastapi.answer(context)
        if context.path == "/" and context.method in PAGE_METHODS:
            return await handle(context, Operation(models.welcome))
        path = context.path.replace("?", "%3F").replace("#", "%23").replace("\\", "%5C")  # as a URL has them
        refusal = errors.invalid_url(context.method, path)
        if context.path in SOCKETS and _asks_for_socket(context):
            from fake_server.server.handshake import upgrade

            return upgrade(context, self.serve)
        if methods:
            refusal = errors.method_not_allowed(context.method, path, allow)
        elif is_published(context.method, context.path):
            refusal = errors.not_played(context.method, path)
        return await handle(context, _refusing(refusal))

    async def _refuse_space(self, scope: Scope, sender: Sender, error: ValueError) -> None:
        fields = header_fields(scope["headers"])
        delivery = refuse(ErrorReply(400, str(error)))
        if "origin" in fields and not is_control(split_space(path_of(scope), fields)[1]):
            browser = _browser(scope["method"], fields, None)
            delivery = browser.preflight() or browser.allow(delivery)
        await sender.send(_with_length(delivery), JournalEntry(scope["method"], scope["path"]))

    async def refuse(self, error: ErrorReply, scope: Scope, sender: Sender) -> None:
        """Answer a request with an error, whatever it asks for; no space and no journal sees it."""
        await sender.send(_with_length(refuse(error)), JournalEntry(scope["method"], scope["path"]))

    @property
    def fastapi(self) -> FakeApp:
        """This app as a FastAPI app, which answers pages and can be mounted or given routes."""
        if self._fastapi is None:
            from fake_server.server.pages import FakeApp

            self._fastapi = FakeApp(self, openapi_document)
        return self._fastapi


async def handle(context: RequestContext, operation: Operation) -> Delivery:
    """Read the request's body where the operation has one, answer it, and let faults strike the reply.

    Raises TooMuch for what costs too much.
    """
    answer = operation.answer
    if operation.reads_body:
        try:
            await context.read_json()
        except Refused as refused:
            answer = _refusing(refused.reply).answer
    fields = context.commands
    if not (context.space.faults.current or context.settings.bugs or FAULT_HEADER in fields or BUG_HEADER in fields):
        delivery = await context.work(answer, context)
        if not context.faults:
            return delivery
        return await Faulting(context).apply(context.in_flight.hold_reply(context.settings.spaces, delivery))
    try:
        faulting = await context.work(Faulting.gather, context)
    except FaultError as error:
        param = BUG_HEADER if isinstance(error, BugError) else FAULT_HEADER
        return refuse(ErrorReply(400, str(error), param=param, code="invalid_value"))
    await faulting.change_request()
    replacement = faulting.replacement()
    if replacement is not None:
        return await faulting.apply(replacement)
    delivery = context.in_flight.hold_reply(context.settings.spaces, await context.work(answer, context))
    return await faulting.apply(delivery)


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document of the fake; its examples of replies are given by fakes in process."""
    from fake_server.server.in_process import InProcess
    from fake_server.server.openapi.document import document
    from fake_server.server.openapi.examples import KEY, Samples

    fake, fake_with_key = (App(Settings(plain=True, seed=1, api_key=key)) for key in (None, KEY))
    return document(Samples(InProcess(fake).answer, InProcess(fake_with_key).answer))


def _shows_lock(context: RequestContext) -> bool:
    """Whether who lacks the key asks for the inspector's page, which then has nothing but a field for it."""
    from fake_server.server.pages import is_inspector

    return is_inspector(context) and context.settings.inspector


def _asks_for_socket(context: RequestContext) -> bool:
    return context.method == "GET" and ("sec-websocket-key" in context.fields or context.scope["type"] == "websocket")


def _refusing(reply: ErrorReply) -> Operation:
    """The operation of requests that are refused; faults strike the refusal as they strike every reply."""

    return Operation(lambda _: refuse(reply))


def _browser(method: str, fields: dict[str, str], context: RequestContext | None) -> CrossOrigin:
    from fake_server.server.cross_origin import CrossOrigin  # few requests come from pages

    return CrossOrigin(method, fields, context)


def _with_length(delivery: Delivery) -> Delivery:
    """The reply with the Content-Length of its body, where that is known."""
    if delivery.length is None or delivery.status in NO_BODY:
        return delivery
    return _but(delivery, (*delivery.headers, ("content-length", str(delivery.length))))


def _but(delivery: Delivery, headers: Headers) -> Delivery:
    """The reply with other headers: every reply gets some, and `dataclasses.replace` takes five times as long."""
    copy = object.__new__(type(delivery))
    copy.__dict__.update(delivery.__dict__, headers=headers)
    return copy


def _is_navigation(context: RequestContext) -> bool:
    """Whether a browser will show the reply as a page, or in a frame; no client of an API asks for HTML."""
    return context.fields.get("sec-fetch-mode") == "navigate" or "text/html" in context.fields.get("accept", "")


def _with_headers(delivery: Delivery, context: RequestContext, browser: CrossOrigin | None) -> Delivery:
    """The reply that begins now, with the headers that OpenAI sends with every reply, in the style's case."""
    seconds = context.entry.answered(delivery.status)
    fields = list(delivery.headers)
    if delivery.length is not None and delivery.status not in NO_BODY:
        fields.append(("content-length", str(delivery.length)))
    present = {name.lower() for name, _ in fields} | delivery.omitted
    if "openai-version" not in present:
        fields.append(("openai-version", "2020-10-01"))
    if "openai-processing-ms" not in present:
        fields.append(("openai-processing-ms", str(round(seconds * 1000) or 1)))
    if "x-request-id" not in present:
        fields.append(("x-request-id", f"req_{os.urandom(16).hex()}"))
    if _is_navigation(context) and not context.controls and context.path not in PAGES:
        fields = [(name, value) for name, value in fields if name.lower() not in SANDBOX] + list(SANDBOX.items())
    settings = context.settings
    style = context.rendered_style or settings.fixed_style
    style = style or Style.draw(settings.seed, context.path.encode())
    if style.header_case != "lower":
        fields = [(style.format_header_name(name), value) for name, value in fields]
    delivery = _but(delivery, tuple(fields))
    return delivery if browser is None else browser.allow(delivery)
