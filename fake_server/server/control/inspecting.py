"""What the inspector's page asks of the fake, and the page itself: one request in full, and what to make of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from fake_server.api import errors
from fake_server.bugs.catalogue import bugs
from fake_server.faults import CATALOGUE, Fault
from fake_server.faults.header import parameters_of
from fake_server.inspector import copies
from fake_server.inspector.page import ROWS, page_headers, render_page
from fake_server.inspector.rows import shorten
from fake_server.inspector.view import draw_writes, format_seconds, usage_of
from fake_server.relay.redact import replace_known
from fake_server.server.control import again, following
from fake_server.server.control.made_of_requests import (
    NothingToMake,
    is_broken_off,
    to_fixture,
    to_queued_reply,
    to_reply,
    to_script,
)
from fake_server.server.control.replies import (
    BOOLEANS,
    context_of,
    error_response,
    json_response,
    refuse_because,
    space_of,
)
from fake_server.server.control.serialize import serialize_request
from fake_server.server.deliveries import to_json
from fake_server.server.request_context import CONTROL, RequestContext
from fake_server.server.state.journal import JournalEntry
from fake_server.server.state.space import Space
from fake_server.wire.delivery import Delivery

DELIVERY = "fake_server.delivery"
"""Where the scope of a page holds the reply that is sent in place of the response, as it never ends."""
FORMS = ("curl", "pytest", "script", "fixture")
MOST_RAW = 1024 * 1024
"""Bytes of a body that is shown as it came, beside its values."""


async def show_page(request: Request) -> Response:
    """The page, with the newest requests in it; without the key of the server, nothing but a field for it."""
    context = context_of(request)
    locked = context.admission.refusal is not None
    space = context.space
    root = context.scope.get("root_path", "")
    base = f"{root}/@{space.name}{CONTROL}" if space.name else f"{root}{CONTROL}"
    entries = () if locked else space.numbered_entries()
    rows = [following.row_of(entry, space, explain=False) for entry in entries[-ROWS:]]
    named = [] if locked else [known.name for known in context.settings.spaces.known()]
    page = render_page(
        base,
        rows,
        title="fake-server",
        url=f"{_origin(context)}{base.removesuffix(CONTROL)}/v1",
        space=space.name,
        spaces=named,
        held=len(entries),
        dropped=0 if locked else space.journal.dropped,
        replay=False,
        locked=locked,
    )
    return Response(page.encode("utf-8", "replace"), 401 if locked else 200, headers=page_headers())


async def follow_requests(request: Request) -> Response:
    """GET: the requests as server-sent events: those that are held, and with `follow` each that comes or changes."""
    context, given = context_of(request), request.query_params.get("follow", "false")
    if given not in BOOLEANS:
        return refuse_because(f"follow is true or false, not {given[:50]!r}")
    delivery = following.follow(context.settings, context.space, stays=BOOLEANS[given])
    if delivery is None:
        busy = f"{following.MOST_FOLLOWERS} readers follow the requests already: close a page of the inspector"
        return refuse_because(busy, 503)
    context.entry.leave()  # what is sent is kept nowhere
    request.scope[DELIVERY] = delivery
    return Response()


async def get_request(request: Request) -> Response:
    """GET: one request, with the bodies as they came, when the bytes of its reply left, and its row in the list."""
    context = context_of(request)
    entry = _entry_of(request)
    if entry is None:
        return _unknown(request)
    space, known = context.space, entry.credentials
    if not context.in_flight.hold_part(context.settings.spaces, 4 * entry.size):
        return error_response(errors.busy("bodies and replies of other requests take all the room"))

    def serialize() -> bytes:
        row = following.row_of(entry, space)
        whole = serialize_request(entry, space)
        raw = {name: _raw(data, known) for name, data in (("body", entry.body), ("reply", entry.reply))}
        more = {
            "row": row,
            "bytes": entry.sent_bytes,
            "raw": raw,
            "writes": [[round(at, 6), size] for at, size in entry.writes],
            "view": _view_of(entry, space, whole["misses"], row["note"]),
        }
        return to_json({**whole, **more})

    return Response(await _in_thread(context, serialize), media_type="application/json")


async def copy_request(request: Request) -> Response:
    """GET: one request as `curl`, as a `pytest` test, as a `script` that answers it, or as a `fixture`."""
    context, entry, form = context_of(request), _entry_of(request), request.path_params["form"]
    if form not in FORMS:
        return refuse_because(f"a request is copied as {', '.join(FORMS)}, not {form[:50]!r}", 404)
    if entry is None:
        return _unknown(request)
    place = f"/@{entry.space}" if entry.space else ""
    url = f"{_origin(context)}{context.scope.get('root_path', '')}{place}{entry.path}"
    unread = copies.Unread(entry.unread, entry.announced or 0) if entry.unread else None
    book = context.space.book

    def make() -> str:
        if form == "curl":
            stream = b"stream" in entry.body[: copies.LARGEST]
            text = copies.to_curl(entry.method, url, entry.headers, entry.body, stream=stream, unread=unread)
        elif form == "pytest":
            text = copies.to_pytest(
                entry.method,
                entry.path,
                entry.body,
                entry.status,
                None if unread else to_queued_reply(entry, book),
                unread=unread,
                content_type=dict(entry.headers).get("content-type", ""),
                breaks_off=is_broken_off(entry),
            )
        else:
            text = to_script(entry, book) if form == "script" else to_fixture(entry)
        return replace_known(text, entry.credentials)

    try:
        text = await _in_thread(context, make)
    except copies.TooLong as error:
        return refuse_because(str(error), 413)
    except NothingToMake as error:
        return refuse_because(str(error), 409)
    return Response(text.encode("utf-8", "replace"), media_type="text/plain")


async def answer_again(request: Request) -> Response:
    """POST: send the same request to the fake once more; the reply is that of the new request in the list."""
    entry = _entry_of(request)
    if entry is None:
        return _unknown(request)
    if entry.unread:
        return refuse_because(f"its body was {entry.unread}, so it cannot be sent again", 409)
    try:
        made = await again.answer_again(request.app.fake, entry)
    except again.Busy:
        return error_response(errors.busy(f"{again.MOST_AT_ONCE} requests are being answered again"))
    context_of(request).space.numbered_entries()
    return json_response({"id": made.number, "status": made.status}, 201)


async def list_catalogue(request: Request) -> Response:
    """GET: the faults and the known bugs that can be put in force, with what each does."""
    return Response(await _in_thread(context_of(request), _catalogue), media_type="application/json")


@cache
def _catalogue() -> bytes:
    faults = [
        {
            "name": name,
            "about": " ".join((kind.__doc__ or "").split("\n\n")[0].split()),
            "parameters": [parameter for parameter, _ in parameters_of(kind)],
            "example": _example_of(kind),
        }
        for name, kind in CATALOGUE.items()
    ]
    known = [{"id": bug.id, "title": bug.title, "severity": bug.severity} for bug in bugs().values()]
    return json.dumps({"faults": faults, "bugs": known}).encode()


def _example_of(kind: type[Fault]) -> str:
    """A parameter of the fault as it is written, that of a place where it has several; '' where it has none."""
    written = dict(parameters_of(kind))
    name = "after_events" if "after_events" in written else next(iter(written), "")
    return f"{name}={written[name]}" if name else ""


def delivery_of(scope: Any) -> Delivery | None:
    """What is sent in place of the response of the page with this scope."""
    delivery: Delivery | None = scope.get(DELIVERY)
    return delivery


def _origin(context: RequestContext) -> str:
    """The server as the page calls it."""
    return f"{context.scope.get('scheme', 'http')}://{context.fields.get('host', '127.0.0.1')}"


def _entry_of(request: Request) -> JournalEntry | None:
    name = request.path_params["name"]
    entries = space_of(request).numbered_entries()
    return next((entry for entry in entries if str(entry.number) == name), None)


def _unknown(request: Request) -> Response:
    name = request.path_params["name"][:50]
    return refuse_because(f"no request {name!r} is held here: GET {CONTROL}/requests lists them", 404)


async def _in_thread(context: RequestContext, function: Callable[[], Any]) -> Any:
    return await asyncio.get_running_loop().run_in_executor(context.settings.worker, function)


def _raw(data: bytes, known: tuple[str, ...]) -> str:
    text = replace_known(data[:MOST_RAW].decode("latin-1"), known).encode("latin-1").decode("utf-8", "replace")
    return text if len(data) <= MOST_RAW else f"{text}\n… {len(data) - MOST_RAW:,} bytes more"


def _view_of(entry: JournalEntry, space: Space, misses: list[dict[str, str]], note: str) -> dict[str, Any]:
    """What the page says of a request beside its bodies: facts, time line, and the words of its reply."""
    facts = [
        ("status", str(entry.status or "no reply yet")),
        ("answered by", entry.script or note),
        *(("nearest", f"{miss['script']} ({miss['place']}): {miss['failed']}") for miss in misses),
        ("body", entry.unread),
        ("faults", " · ".join(_faults_of(entry))),
        ("in force now", " · ".join(following.state_of(space)["faults"])),
        ("usage", usage_of(entry.reply)),
        ("took", f"{format_seconds(entry.seconds) or 'under way'}, {entry.sent_bytes:,} bytes"),
        ("began", datetime.fromtimestamp(entry.began, UTC).isoformat(timespec="milliseconds")),
    ]
    reply = to_reply(entry) or {}
    return {
        "facts": [[name, replace_known(value, entry.credentials)] for name, value in facts if value],
        "timeline": draw_writes(entry.writes, entry.first, entry.seconds),
        "words": replace_known(reply.get("text", ""), entry.credentials),
        "unread": entry.unread,
    }


def _faults_of(entry: JournalEntry) -> Iterator[str]:
    """What struck, with its parameters: `cut, after_events=2`."""
    written = {fault.fault: fault.to_dict() for fault in entry.struck.faults} if entry.struck else {}
    for note in entry.faults:
        given = {name: value for name, value in written.get(note, {}).items() if name != "fault"}
        yield shorten(", ".join([note, *(f"{name}={value}" for name, value in given.items())]))
