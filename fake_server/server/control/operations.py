"""The operations under `/__fake__/`; each speaks of the space its request is in.

Replies are JSON, and errors in OpenAI's form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fake_server.server.control.adding import (
    add_items,
    in_thread,
    parse_scripts,
    queue_replies,
    read_faults,
    use_scripts,
)
from fake_server.server.control.clock import set_clock, tell_time
from fake_server.server.control.inspecting import (
    answer_again,
    copy_request,
    follow_requests,
    get_request,
    list_catalogue,
)
from fake_server.server.control.replies import (
    BOOLEANS,
    context_of,
    json_response,
    refuse_because,
    space_of,
)
from fake_server.server.control.serialize import serialize_fault, serialize_request, serialize_script, write_list
from fake_server.server.request_context import CONTROL, METRICS
from fake_server.server.state.space import Space

INSPECTOR, EVENTS = f"{CONTROL}/inspector", f"{CONTROL}/events"
SHOWN = 100
_WHOLE, _STATUS = re.compile(r"[0-9]{1,9}"), re.compile(r"[1-5][0-9]{2}")
SEE = ("requests", "scripts", "replies", "faults", "reset", "spaces", "clock", "catalogue", "events")


async def overview(request: Request) -> Response:
    """GET: what this server is and holds."""
    settings, space = context_of(request).settings, space_of(request)
    return json_response(
        {
            "seed": settings.seed,
            "plain": settings.plain,
            "strict": settings.strict,
            "space": space.name,
            "scripts": len(space.book),
            "requests": len(space.entries()),
            "dropped": space.journal.dropped,
            "stored_dropped": space.stored_dropped,
            "spaces": len(settings.spaces.known()),
            "spaces_dropped": settings.spaces.dropped,
            "memory": settings.spaces.budget.report(),
            "see": [f"{CONTROL}/{name}" for name in SEE],
        }
    )


async def list_requests(request: Request) -> Response:
    """GET: the requests, oldest first: the last `limit` of those with this `path`, `script` or `status`.

    `left_out` says how many older ones would have made the list too long, although they matched.
    """
    space, query = space_of(request), request.query_params
    limit = query.get("limit", str(SHOWN))
    if not _WHOLE.fullmatch(limit):
        return refuse_because(f"limit must be a whole number of at most 9 digits, but is {limit[:50]!r}")
    wanted = {name: query[name] for name in ("path", "script", "status") if name in query}
    if not _STATUS.fullmatch(wanted.get("status", "200")):
        return refuse_because(f"status must be a number from 100 to 599, but is {wanted['status'][:50]!r}")
    matching = [
        entry
        for entry in space.numbered_entries()
        if all(str(getattr(entry, name)) == value for name, value in wanted.items())
    ]
    shown = matching[max(len(matching) - int(limit), 0) :]
    numbers = {"matching": len(matching), "dropped": space.journal.dropped}
    return await _list(request, "requests", shown, partial(serialize_request, space=space), newest=True, **numbers)


async def forget_requests(request: Request) -> Response:
    """DELETE: forget what was asked."""
    space_of(request).forget_requests()
    return Response(status_code=204)


async def list_scripts(request: Request) -> Response:
    """GET: the scripts in the order they are tried, with how often each answered."""
    space = space_of(request)
    added = {id(script) for script in (*space.queued, *space.own)}
    return await _list(
        request,
        "scripts",
        tuple(space.book),
        lambda script: serialize_script(script, space, added=id(script) in added),
    )


async def add_scripts(request: Request) -> Response:
    """POST: put a script, or a list of them, before all others; `{yaml: TEXT}` is a script file; see `check`."""
    given = request.query_params.get("check", "false")
    if given not in BOOLEANS:
        return refuse_because(f"check is true or false, not {given[:50]!r}")
    if not BOOLEANS[given]:
        return await add_items(request, use_scripts, None)
    checked = await add_items(request, lambda _, items: parse_scripts(items), None)
    if checked.status_code != 201:
        return checked
    return json_response({"scripts": json.loads(bytes(checked.body))["added"]})


async def add_replies(request: Request) -> Response:
    """POST: answer the next request so, with a list the next ones; `{reply, when, times}`, a reply or its text."""
    return await add_items(request, queue_replies, lambda text: [{"text": text}])


async def list_faults(request: Request) -> Response:
    """GET: the faults in force, with how often each struck."""
    return await _list(request, "faults", space_of(request).faults.current, serialize_fault)


async def add_faults(request: Request) -> Response:
    """POST: put faults in force: `{fault, …}` or `{bug: ID}`, and `when` and `times`, or as the header has them."""
    return await add_items(request, Space.activate, read_faults)


async def remove_faults(request: Request) -> Response:
    """DELETE: lift one fault, or all of them."""
    return _remove(request, space_of(request).faults.remove, "fault in force", "faults")


async def remove_scripts(request: Request) -> Response:
    """DELETE: take away one script that was added, or all of them."""
    return _remove(request, space_of(request).remove, "script that was added", "scripts")


async def reset(request: Request) -> Response:
    """POST: forget requests, uses and additions in this space; in all of them with `?all=true`."""
    given = request.query_params.get("all", "false")
    every = BOOLEANS.get(given)
    if every is None:
        return refuse_because(f"all is true or false, not {given[:50]!r}")
    for space in context_of(request).settings.spaces.known() if every else (space_of(request),):
        space.reset()
    return Response(status_code=204)


async def list_spaces(request: Request) -> Response:
    """GET: the spaces, the unnamed one first."""
    spaces = [
        {
            "name": space.name,
            "requests": len(space.entries()),
            "dropped": space.journal.dropped,
            "stored_dropped": space.stored_dropped,
            "uses_dropped": space.state.dropped,
            "added": len(space.queued) + len(space.own),
            "bytes": {kind: size for kind, size in space.ledger.kinds.items() if size},
        }
        for space in context_of(request).settings.spaces.known()
    ]
    return json_response({"spaces": spaces})


async def drop_space(request: Request) -> Response:
    """DELETE: forget a space and all in it."""
    name = request.path_params["name"]
    if context_of(request).settings.spaces.drop(name):
        return Response(status_code=204)
    return refuse_because(f"there is no space named {name!r}", 404)


async def metrics(request: Request) -> Response:
    """GET: what the server has done, in Prometheus' text format."""
    from prometheus_client import CONTENT_TYPE_LATEST  # only where they are asked for: it takes long to import

    from fake_server.server.state.metrics import metrics_text

    settings = context_of(request).settings
    return Response(metrics_text(settings.counts, settings.spaces.budget), media_type=CONTENT_TYPE_LATEST)


OPERATIONS = (
    ("POST", f"{CONTROL}/scripts", add_scripts),
    ("POST", f"{CONTROL}/replies", add_replies),
    ("POST", f"{CONTROL}/faults", add_faults),
    ("GET", CONTROL, overview),
    ("GET", f"{CONTROL}/requests", list_requests),
    ("GET", f"{CONTROL}/scripts", list_scripts),
    ("GET", f"{CONTROL}/faults", list_faults),
    ("GET", f"{CONTROL}/spaces", list_spaces),
    ("GET", f"{CONTROL}/clock", tell_time),
    ("POST", f"{CONTROL}/clock", set_clock),
    ("GET", METRICS, metrics),
    ("GET", f"{CONTROL}/requests/{{name}}", get_request),
    ("GET", f"{CONTROL}/requests/{{name}}/{{form}}", copy_request),
    ("POST", f"{CONTROL}/requests/{{name}}/again", answer_again),
    ("GET", EVENTS, follow_requests),
    ("GET", f"{CONTROL}/catalogue", list_catalogue),
    ("DELETE", f"{CONTROL}/scripts/{{name}}", remove_scripts),
    ("DELETE", f"{CONTROL}/faults/{{name}}", remove_faults),
    ("DELETE", f"{CONTROL}/requests", forget_requests),
    ("DELETE", f"{CONTROL}/scripts", remove_scripts),
    ("DELETE", f"{CONTROL}/faults", remove_faults),
    ("POST", f"{CONTROL}/reset", reset),
    ("DELETE", f"{CONTROL}/spaces/{{name}}", drop_space),
)
"""Method, path and handler, in the order of the OpenAPI document: its examples add before they list and remove."""

ROUTES = tuple(Route(path, endpoint, methods=[method]) for method, path, endpoint in OPERATIONS)


async def _list(
    request: Request, name: str, items: Sequence[Any], serialize: Callable[[Any], Any], **options: Any
) -> Response:
    """A list of the control API, whose bytes count as those of a reply while it is written."""
    context = context_of(request)
    hold = partial(context.in_flight.hold_part, context.settings.spaces)
    body = await in_thread(context, partial(write_list, name, items, serialize, hold, **options))
    return Response(body, media_type="application/json")


def _remove(request: Request, remove: Callable[[str | None], int], kind: str, listed: str) -> Response:
    name = request.path_params.get("name")
    removed = remove(name)
    if name is not None and not removed:
        return refuse_because(f"no {kind} is named {name!r}: GET {CONTROL}/{listed} lists them", 404)
    return json_response({"removed": removed})
