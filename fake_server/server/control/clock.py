"""The clock of a space, under `/__fake__/clock`."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from fake_server.server.control.replies import BOOLEANS, json_response, refuse_because, space_of
from fake_server.server.state.space import Space

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


async def tell_time(request: Request) -> Response:
    """GET: the clock by which responses in the background are worked for, in seconds, and whether it is stopped."""
    return _time_of(space_of(request))


async def set_clock(request: Request) -> Response:
    """POST: `?stopped=true` stops the clock of the space, `?advance=2.5` adds seconds, `?stopped=false` lets it run."""
    clock, query = space_of(request).clock, request.query_params
    stopped, advance = query.get("stopped"), query.get("advance", "0")
    if stopped is not None and stopped not in BOOLEANS:
        return refuse_because(f"stopped is true or false, not {stopped[:50]!r}")
    if not _SECONDS.fullmatch(advance):
        return refuse_because(f"advance is a number of seconds such as 2.5, not {advance[:50]!r}")
    if stopped is not None:
        (clock.stop if BOOLEANS[stopped] else clock.run)()
    clock.advance(float(advance))
    return _time_of(space_of(request))


def _time_of(space: Space) -> Response:
    return json_response({"now": round(space.clock.now(), 3), "stopped": space.clock.stopped})
