"""What a finding was seen in: the request that was sent, and the bytes around the place in the reply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from contract_tests.rules.engine.judge import Evidence, Finding
from contract_tests.rules.engine.node import Node, show
from contract_tests.rules.engine.subjects import is_web_socket_turn
from contract_tests.rules.engine.view import Payload, View
from fake_server.relay.redact import excerpt, known_values, mask_excerpt
from fake_server.relay.redact.fields import clean_fields, clean_target
from fake_server.relay.redact.names import is_secret_name
from fake_server.wire.exchange import Aspect, Exchange
from fake_server.wire.sse import Event
from fake_server.wire.text import one_line, printable, shorten_middle

WEB_SOCKET = "WebSocket"
"""What stands in the place of the method of a turn over a WebSocket."""
BEFORE, AFTER = 60, 90
"""Bytes of a body kept before the place and from it on."""
_LONGEST_TARGET = 100
"""Characters of a request's target that are printed; JSON has it whole."""
_AROUND = 2_000
"""Bytes before and behind those shown that are searched for the rest of a secret."""
_TEXTS = ("model", "messages", "prompt", "input", "tools")
"""Members of a request that are rarely what a rule is about; they are shown last."""
_WIDEST, _WIDEST_TEXT = 60, 44
_MOST_SHOWN, _MOST_MEMBERS, _LONGEST_NAME = 5000, 50, 200
"""Bytes of a body that is no JSON, members of one that is (or fields of a head), and characters of a name, which are
looked at."""
_SERVER, _MOST_FIELDS = ("server", "via", "x-powered-by"), 10


def with_evidence(
    findings: Iterable[Finding], views: Sequence[View], secrets: Sequence[str] = ()
) -> tuple[Finding, ...]:
    """The findings, each with the request and the bytes that it was seen in; `views` are all that were judged.

    They quote no credential: none that looks like one, none that the exchange sends, none of `secrets`.
    """
    known = {id(view): (*secrets, *known_values(view.exchange)) for view in views} if findings else {}
    return tuple(_with_evidence(finding, views, known) for finding in findings)


def _with_evidence(finding: Finding, views: Sequence[View], known: Mapping[int, tuple[str, ...]]) -> Finding:
    view = views[0] if len(views) == 1 else _view_of(finding.where, views)
    about_fields = finding.rule.section == "http" or Aspect.ALL_HEADERS in finding.rule.needs
    values = known[id(view)] if view else tuple(dict.fromkeys(value for each in known.values() for value in each))
    evidence = make_evidence(view, finding.place.offset, values, about_fields) if view else None
    actual, expected = (mask_excerpt(text, values) for text in (finding.actual, finding.expected))
    return replace(finding, where=None, evidence=evidence, actual=actual, expected=expected)


def _view_of(where: object, views: Iterable[View]) -> View | None:
    """The exchange that the first part of a complaint is in; None where it says none."""
    event = where.event if isinstance(where, Payload) else where
    if isinstance(where, Node):
        event = where.document.event
    for view in views:
        if where is view or (isinstance(event, Event) and any(event is other for other in view.events)):
            return view
        if isinstance(where, Node) and event is None and where.document.text is view.body:
            return view
    return None


def make_evidence(view: View, offset: int | None, secrets: Sequence[str] = (), with_fields: bool = False) -> Evidence:
    """The request of an exchange, and the bytes of its reply around an offset; where there is none, its head.

    `with_fields` has all header fields shown, not the media type alone.
    """
    exchange = view.exchange
    before, after = _excerpt(view.body, offset or 0, secrets)
    if offset is None and not is_web_socket_turn(view):  # of a turn, the head is made up
        after = (
            f"{describe_head(exchange, secrets, with_fields)} | {after}".removesuffix(" | ")
            if exchange.status is not None
            else ""
        )
    target = clean_target(exchange.request.target, secrets)
    method = WEB_SOCKET if is_web_socket_turn(view) else exchange.request.method
    return Evidence(method, target, _members(view, secrets), before, after, offset is not None)


def describe_request(evidence: Evidence) -> str:
    """`POST /v1/chat/completions {stream: true, n: 2}`, `WebSocket /v1/responses {model: "m"}`."""
    members = ", ".join(f"{name}: {value}" if name else value for name, value in evidence.members)
    target = shorten_middle(evidence.target, _LONGEST_TARGET)  # ids of LiteLLM's have 400 characters
    return " ".join((evidence.method, target, f"{{{members}}}" if members else "")).rstrip()


def describe_server(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The header fields that name a server or a version, each as it is first said."""
    named: dict[str, str] = {}
    for name, value in fields:
        if name.lower() in _SERVER or name.lower().endswith("-version"):
            named.setdefault(name.lower(), excerpt(value, _WIDEST))
    return dict(islice(named.items(), _MOST_FIELDS))


def describe_head(exchange: Exchange, secrets: Sequence[str] = (), with_fields: bool = False) -> str:
    """The status of a reply and its media type, or all header fields: `200 OK | text/event-stream`."""
    parts = [f"{exchange.status} {exchange.reason}".rstrip(), exchange.media_type or ""]
    if with_fields:
        fields = clean_fields(exchange.headers[:_MOST_MEMBERS], secrets)
        more = ["…"] if len(exchange.headers) > _MOST_MEMBERS else []
        parts[1] = "; ".join([*(f"{name}: {value}" for name, value in fields), *more])
    return mask_excerpt(" | ".join(printable(part, "") for part in parts if part), secrets)


def _members(view: View, secrets: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The members of a request as name and shown value, those that are rarely the point last."""
    request, body = view.exchange.request, view.request_value
    if not isinstance(body, dict):
        unknown = "not known" if not view.knows(Aspect.REQUEST) and request.method == "POST" else ""
        text = show(request.body[:_MOST_SHOWN].decode("utf-8", "replace"), _WIDEST) if request.body else unknown
        return (("body", mask_excerpt(text, secrets)),) if text else ()
    order = sorted(body, key=lambda name: (name in _TEXTS, _TEXTS.index(name) if name in _TEXTS else 0))
    shown = ((excerpt(name, _LONGEST_NAME, secrets), _show_member(name, body[name], secrets)) for name in order)
    return (*islice(shown, _MOST_MEMBERS), *([("", "…")] if len(order) > _MOST_MEMBERS else ()))


def _show_member(name: str, value: object, secrets: Sequence[str]) -> str:
    if is_secret_name(name) and isinstance(value, str):
        return '"…"'
    return mask_excerpt(show(value, _WIDEST_TEXT if name in _TEXTS else _WIDEST), secrets)


def _excerpt(body: bytes, offset: int, secrets: Sequence[str]) -> tuple[str, str]:
    """The bytes before an offset and from it on, each in one line, masked before they are cut."""
    start = max(0, offset - BEFORE - _AROUND)
    window = body[start : offset + AFTER + _AROUND].decode("latin-1")
    masked, place = mask_excerpt(window, secrets).encode("latin-1"), offset - start
    before, after = masked[max(0, place - BEFORE) : place], masked[place : place + AFTER]
    more = ("…" if offset > BEFORE else "", "…" if offset + AFTER < len(body) else "")
    return more[0] + one_line(before), one_line(after) + more[1]
