"""What a browser needs for pages of other origins (Fetch, CORS protocol), and the faults that deny it.

Only requests with an Origin come here. Preflights are answered by Starlette, refusals in OpenAI's form.
"""

from __future__ import annotations

from typing import TypeVar

from starlette.datastructures import Headers as HeaderMap
from starlette.middleware.cors import CORSMiddleware

from fake_server.api.reply import ErrorReply
from fake_server.bugs.errors import BugError
from fake_server.bugs.playing import faults_of_bugs
from fake_server.faults.base import Fault
from fake_server.faults.between import NoCors, Preflight
from fake_server.server.deliveries import rate_limits, refuse
from fake_server.server.request_context import RequestContext
from fake_server.wire.delivery import Delivery, fixed_length
from fake_server.wire.exchange import header

Kind = TypeVar("Kind", bound=Fault)
EXPOSED = (
    "x-request-id",
    "openai-processing-ms",
    "openai-version",
    "retry-after",
    *(name for name, _ in rate_limits(0)),
)
"""Reply headers that a page may read."""
_ALLOWING = "access-control-"
_OF_REFUSALS = ("access-control-allow-origin", "vary")


async def _no_app(*_: object) -> None:
    raise NotImplementedError


_PREFLIGHTS = CORSMiddleware(_no_app, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])


class CrossOrigin:
    """One request from a page of another origin; `context` is None where its space has a bad name."""

    def __init__(self, method: str, fields: dict[str, str], context: RequestContext | None) -> None:
        self._options, self._fields, self._context = method == "OPTIONS", fields, context
        self._refusals = self._strike(Preflight) if self._options else []
        self._denied = [] if self._refusals else [fault.status for fault in self._strike(NoCors)]

    def preflight(self) -> Delivery | None:
        """The reply to a preflight, and to any OPTIONS that a fault refuses; None for other requests."""
        if self._refusals:
            return self._refusals[0].answer()
        if not self._options or "access-control-request-method" not in self._fields:
            return None
        reply = _PREFLIGHTS.preflight_response(HeaderMap(headers=self._fields))
        headers, text = dict(reply.headers), bytes(reply.body)
        if reply.status_code < 400:
            del headers["content-length"]
            return self._without_denied(fixed_length(reply.status_code, tuple(headers.items()), text))
        refusal = refuse(ErrorReply(reply.status_code, f"{text.decode()}."))
        copied = tuple((name, headers[name]) for name in _OF_REFUSALS if name in headers)
        return self._without_denied(refusal.but(headers=(*refusal.headers, *copied)))

    def allow(self, delivery: Delivery) -> Delivery:
        """The reply with the headers that let a page read it, unless a fault denies them."""
        vary = header(delivery.headers, "vary")
        allowed = {
            "access-control-allow-origin": "*",
            "access-control-expose-headers": ", ".join(EXPOSED),
            "vary": "Origin" if vary is None else f"{vary}, Origin",
        }
        allowed = {name: value for name, value in allowed.items() if name not in delivery.omitted}
        others = tuple(pair for pair in delivery.headers if pair[0].lower() not in allowed)
        return self._without_denied(delivery.but(headers=(*others, *allowed.items())))

    def _without_denied(self, delivery: Delivery) -> Delivery:
        if None not in self._denied and delivery.status not in self._denied:
            return delivery
        others = tuple(pair for pair in delivery.headers if not pair[0].lower().startswith(_ALLOWING))
        return delivery.but(headers=others)

    def _strike(self, kind: type[Kind]) -> list[Kind]:
        """The faults of this kind that strike the request, those of bugs included."""
        context = self._context
        if context is None:
            return []
        try:
            of_bugs = faults_of_bugs(context.settings.bugs, context.commands, context.request)
        except BugError:
            return []  # the request is refused for it
        in_force = context.space.faults.strike(context.request, kind) if context.space.faults.current else []
        struck = (*(active.fault for active in in_force), *of_bugs)
        return [fault for fault in struck if isinstance(fault, kind)]
