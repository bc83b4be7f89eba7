"""The operations under `/__fake__/`; each speaks of the space its request is in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fake_server.api.reply import ErrorReply
from fake_server.faults import FaultError
from fake_server.faults.active import Armed
from fake_server.scripts.model import Script
from fake_server.scripts.yaml_lines import ScriptError
from fake_server.server import body
from fake_server.server.control.serialize import serialize_fault, serialize_request, serialize_script
from fake_server.server.error_response import error_response, to_json
from fake_server.server.paths import CONTROL, ENTRY, METRICS
from fake_server.server.settings import Settings
from fake_server.server.state.space import SPACE, Space
from fake_server.wire.jsontext import parse

SHOWN = 100
_WHOLE, _STATUS = re.compile(r"[0-9]{1,9}"), re.compile(r"[1-5][0-9]{2}")
_SAID = {"true": True, "1": True, "false": False, "0": False}
SEE = ("requests", "scripts", "replies", "faults", "reset", "spaces")


async def overview(request: Request) -> Response:
    """GET: what this server is and holds."""
    settings: Settings = request.app.state.settings
    space = _space(request)
    return _json(
        {
            "seed": settings.seed,
            "plain": settings.plain,
            "strict": settings.strict,
            "space": space.name,
            "scripts": len(space.book),
            "requests": len(space.journal.entries()),
            "dropped": space.journal.dropped,
            "stored_dropped": space.stored.dropped,
            "spaces": len(settings.spaces.known()),
            "see": [f"{CONTROL}/{name}" for name in SEE],
        }
    )


async def list_requests(request: Request) -> Response:
    """GET: what was asked, oldest first: the last `limit` of those with this `path`, `script` or `status`."""
    space, query = _space(request), request.query_params
    limit = query.get("limit", str(SHOWN))
    if not _WHOLE.fullmatch(limit):
        return _wrong(f"limit is a whole number of at most 9 digits, not {limit[:50]!r}")
    wanted = {name: query[name] for name in ("path", "script", "status") if name in query}
    if not _STATUS.fullmatch(wanted.get("status", "200")):
        return _wrong(f"status is a number from 100 to 599, not {wanted['status'][:50]!r}")
    found = [
        entry
        for entry in space.journal.entries()
        if all(str(getattr(entry, name)) == value for name, value in wanted.items())
    ]
    shown = found[max(len(found) - int(limit), 0) :]
    told = {
        "requests": [serialize_request(entry, space) for entry in shown],
        "matching": len(found),
        "dropped": space.journal.dropped,
    }
    return _json(told)


async def forget_requests(request: Request) -> Response:
    """DELETE: forget what was asked."""
    _space(request).journal.clear()
    return Response(status_code=204)


async def list_scripts(request: Request) -> Response:
    """GET: the scripts in the order they are tried, with how often each answered."""
    space = _space(request)
    return _json({"scripts": [serialize_script(script, space) for script in space.book]})


async def add_scripts(request: Request) -> Response:
    """POST: put a script, or a list of them, before all others."""
    return await _added(request, Space.add)


async def add_replies(request: Request) -> Response:
    """POST: answer the next request so, with a list the next ones; `{reply, when, times}` or a reply."""
    return await _added(request, _queue)


async def list_faults(request: Request) -> Response:
    """GET: the faults in force, with how often each struck."""
    return _json({"faults": [serialize_fault(one) for one in _space(request).faults]})


async def add_faults(request: Request) -> Response:
    """POST: put faults in force: `{fault, …}` or `{bug: ID}`, and `when` and `times` as in a script."""
    return await _added(request, Space.arm)


async def remove_faults(request: Request) -> Response:
    """DELETE: lift one fault, or all of them."""
    name = request.path_params.get("name")
    gone = _space(request).faults.remove(name)
    if name is not None and not gone:
        return _wrong(f"no fault in force is named {name!r}: GET {CONTROL}/faults lists them", 404)
    return _json({"removed": gone})


async def remove_scripts(request: Request) -> Response:
    """DELETE: take away one script that was added, or all of them."""
    name = request.path_params.get("name")
    gone = _space(request).remove(name)
    if name is not None and not gone:
        return _wrong(f"no script that was added is named {name!r}: GET {CONTROL}/scripts lists them", 404)
    return _json({"removed": gone})


async def reset(request: Request) -> Response:
    """POST: forget what was asked, used and added in this space; in all of them with `?all=true`."""
    settings: Settings = request.app.state.settings
    said = request.query_params.get("all", "false")
    every = _SAID.get(said)
    if every is None:
        return _wrong(f"all is true or false, not {said[:50]!r}")
    for space in settings.spaces.known() if every else (_space(request),):
        space.reset()
    return Response(status_code=204)


async def list_spaces(request: Request) -> Response:
    """GET: the spaces, the unnamed one first."""
    settings: Settings = request.app.state.settings
    told = [
        {
            "name": one.name,
            "requests": len(one.journal.entries()),
            "dropped": one.journal.dropped,
            "stored_dropped": one.stored.dropped,
            "added": len(one.queued) + len(one.own),
        }
        for one in settings.spaces.known()
    ]
    return _json({"spaces": told})


async def drop_space(request: Request) -> Response:
    """DELETE: forget a space and all in it."""
    settings: Settings = request.app.state.settings
    if settings.spaces.drop(request.path_params["name"]):
        return Response(status_code=204)
    return _wrong(f"there is no space named {request.path_params['name']!r}", 404)


async def metrics(request: Request) -> Response:
    """GET: what the server has done, in Prometheus' text format."""
    from prometheus_client import CONTENT_TYPE_LATEST  # see metrics.py

    settings: Settings = request.app.state.settings
    return Response(settings.metrics.text(), media_type=CONTENT_TYPE_LATEST)


_OPERATIONS = (
    ("GET", "", overview),
    ("GET", "/requests", list_requests),
    ("DELETE", "/requests", forget_requests),
    ("GET", "/scripts", list_scripts),
    ("POST", "/scripts", add_scripts),
    ("DELETE", "/scripts", remove_scripts),
    ("DELETE", "/scripts/{name}", remove_scripts),
    ("POST", "/replies", add_replies),
    ("GET", "/faults", list_faults),
    ("POST", "/faults", add_faults),
    ("DELETE", "/faults", remove_faults),
    ("DELETE", "/faults/{name}", remove_faults),
    ("POST", "/reset", reset),
    ("GET", "/spaces", list_spaces),
    ("DELETE", "/spaces/{name}", drop_space),
)

ROUTES = (
    *(Route(CONTROL + path, endpoint, methods=[method]) for method, path, endpoint in _OPERATIONS),
    Route(METRICS, metrics, methods=["GET"]),
)


def _space(request: Request) -> Space:
    space: Space = request.scope[SPACE]
    return space


def _queue(space: Space, items: Sequence[Mapping[str, Any]]) -> tuple[Script, ...]:
    whole = [item if "reply" in item else {"reply": item} for item in items]
    return space.queue([{"times": 1, **item} for item in whole])


async def _added(
    request: Request, add: Callable[[Space, Sequence[Mapping[str, Any]]], Sequence[Script | Armed]]
) -> Response:
    settings: Settings = request.app.state.settings
    try:
        fields = request.scope[ENTRY].fields
        body.check_type(fields)
        raw = await body.read(request, fields, settings.max_body, settings.body_timeout)
    except body.Refused as refused:
        return error_response(refused.reply)
    document = parse(raw)
    if not document.ok:
        problem = document.problems[0]
        return _wrong(f"not JSON: {problem.detail} (byte {problem.offset})")
    items = document.value if isinstance(document.value, list) else [document.value]
    if not all(isinstance(item, Mapping) for item in items):
        return _wrong("a JSON object is expected, or several in an array")
    try:
        added = add(_space(request), items)
    except (ScriptError, FaultError) as error:
        return _wrong(str(error))
    return _json({"added": [one.name for one in added]}, 201)


def _wrong(message: str, status: int = 400) -> Response:
    return error_response(ErrorReply(status, message))


def _json(value: Mapping[str, Any], status: int = 200) -> Response:
    return Response(to_json(value), status, media_type="application/json")
