"""Section http: the reply as an HTTP message (RFC 9110, RFC 9112)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint, Section
from contract_tests.rules.engine.response_stream import starting_after
from contract_tests.rules.engine.subjects import bodies, event_bodies, exchanges, is_http, json_bodies, only, replies
from contract_tests.rules.engine.view import MAX_LINES, View
from fake_server.wire.exchange import Aspect, Ending, header, header_values

http = Section("http", "Status, headers, framing, JSON text", see.HTTP)
HEADERS = (Aspect.HEADERS,)
NOT_STREAMED = ("chat.stream.is-stream", "completions.stream.is-stream")
"""Rules that speak first of a body that should have been a stream: NDJSON is no JSON text, and needs not be one."""


@http.rule(
    "answers",
    over=only(exchanges, is_http),
    see=f"{see.HTTP_MESSAGES}#section-4",
    harm="clients raise a connection error and repeat a request that may be paid for already",
)
def answers(view: View) -> Iterable[Complaint]:
    """A request is answered with an HTTP status line and headers."""
    if not view.status and view.exchange.ending not in (Ending.TIMED_OUT, Ending.OVERSIZED, Ending.CLIENT_LEFT):
        unsent = "clients raise a connection error" if view.exchange.ending is Ending.UNREACHABLE else ""
        yield view, view.exchange.problem or f"no status line arrived ({view.exchange.ending})", "", unsent


@http.rule(
    "in-time",
    over=exchanges,
    needs=[Aspect.ENDING],
    harm="clients hang until their own timeout, if they have one",
)
def in_time(view: View) -> Iterable[Complaint]:
    """A reply begins, continues and ends within the run's time limits."""
    if view.exchange.ending is Ending.TIMED_OUT:
        yield view.end, view.exchange.problem or "a bound on time ran out"


@http.rule("bounded", over=exchanges, needs=[Aspect.ENDING], harm="clients run out of memory")
def bounded(view: View) -> Iterable[Complaint]:
    """A reply, its head and each of its events stay within the run's size limits."""
    if view.exchange.ending is Ending.OVERSIZED:
        yield view.end, view.exchange.problem or "a bound on size was reached"
    elif view.is_cut:
        yield view.end, f"the stream has more than {MAX_LINES:,} lines; what comes after them is not judged"


@http.rule(
    "complete",
    over=only(replies, is_http),
    needs=[Aspect.ENDING],
    see=see.BODY_LENGTH,
    harm="openai-python 0.28.1 raises ChunkedEncodingError, 1 RemoteProtocolError; the rest take it for whole",
)
def complete(view: View) -> Iterable[Complaint]:
    """The body runs to the end that its framing announces."""
    if view.exchange.ending in (Ending.CUT, Ending.RESET):
        yield view.end, view.exchange.problem or f"the connection ended early ({view.exchange.ending})"


@http.rule(
    "framing",
    over=only(replies, is_http),
    needs=[Aspect.FRAMING],
    see=see.BODY_LENGTH,
    harm="clients raise in the middle of the answer, or read the next reply as part of this one",
)
def framing(view: View) -> Iterable[Complaint]:
    """The head and the transfer coding follow the HTTP/1.1 grammar."""
    if view.exchange.ending is Ending.MALFORMED:
        yield view.end, view.exchange.problem or "the message is not HTTP/1.1"


@http.rule(
    "tidy",
    over=only(replies, lambda view: view.exchange.ending is Ending.CLEAN),
    level=SHOULD,
    needs=[Aspect.FRAMING],
    see=see.HTTP_MESSAGES,
    harm="stricter clients, and proxies on the way, refuse what lenient ones read",
)
def tidy(view: View) -> Iterable[Complaint]:
    """The message follows HTTP/1.1 to the letter, even where lenient clients read on."""
    if view.exchange.problem:
        yield view, view.exchange.problem


@http.rule(
    "one-length",
    over=replies,
    needs=[Aspect.ALL_HEADERS, Aspect.FRAMING],
    see=see.BODY_LENGTH,
    harm="a proxy and its client end the reply at different bytes (smuggling); Node's parser refuses it",
)
def one_length(view: View) -> Iterable[Complaint]:
    """A reply states its length once: Content-Length or Transfer-Encoding, not both, and neither twice."""
    names = [name.lower() for name, _ in view.exchange.headers]
    if "transfer-encoding" in names and "content-length" in names:
        yield view, "both Transfer-Encoding and Content-Length"
    elif names.count("content-length") > 1:
        yield view, f"{names.count('content-length')} Content-Length fields"


@http.rule(
    "no-redirect",
    over=replies,
    level=SHOULD,
    see=f"{see.HTTP}#section-15.4",
    harm="clients repeat the POST as a GET without its body, or raise on the status",
)
def no_redirect(view: View) -> Iterable[Complaint]:
    """An API request is answered where it was sent, not redirected."""
    if 300 <= view.status < 400:
        yield view, f"status {view.status}, Location: {view.exchange.header('location') or 'missing'}"


successes = only(replies, lambda view: view.ok and view.endpoint)
"""Successful replies of the endpoints the contract knows."""


@http.rule(
    "success-is-200",
    over=successes,
    see=see.CHAT_CREATE,
    harm="clients generated from the API's description, which names 200 alone, have no type for the reply",
    basis="the API reference documents 200 as the only success; openai-python and openai-node read any 2xx with a body",
)
def success_is_200(view: View) -> Iterable[Complaint]:
    """A successful answer has status 200."""
    if view.status != 200:
        harm = "openai-python and openai-node read None, '' or null instead of an answer" if view.status == 204 else ""
        yield view, f"status {view.status}", "status 200", harm


@http.rule("body-not-empty", over=successes, needs=[Aspect.BODY], harm="clients report an empty success")
def body_not_empty(view: View) -> Iterable[Complaint]:
    """A successful answer has a body, unless it is the rest of a stream that had come to its end."""
    if view.whole and not view.exchange.payload and starting_after(view) < 0:
        yield view, f"status {view.status} with an empty body"


@http.rule(
    "content-type",
    over=json_bodies,
    needs=[Aspect.ALL_HEADERS],
    see=see.CONTENT_TYPE,
    harm="openai-node takes JSON for text and raises TypeError at the first member; browsers and gateways guess",
)
def content_type(view: View) -> Iterable[Complaint]:
    """A JSON body has its media type stated in Content-Type."""
    if view.exchange.media_type is None:
        harm = "clients that read a body by its label report the status alone" if view.is_refusal else ""
        yield view, _describe_missing_type(view), "application/json", harm


def _describe_missing_type(view: View) -> str:
    return "no Content-Type field" if view.exchange.header("content-type") is None else "Content-Type is empty"


@http.rule(
    "text-type",
    over=only(bodies, lambda body: body.form not in ("json", "events")),
    level=SHOULD,
    needs=[Aspect.ALL_HEADERS],
    see=see.CONTENT_TYPE,
    harm="browsers and gateways guess what it is",
)
def text_type(view: View) -> Iterable[Complaint]:
    """A body that is neither JSON nor events has its media type stated in Content-Type."""
    if view.exchange.media_type is None:
        yield view, _describe_missing_type(view)


def _media_types(view: View) -> list[str]:
    """The media types of all Content-Type fields; that there are several is what `once` says."""
    values = header_values(view.exchange.headers, "content-type")
    return [typed for value in values if (typed := value.partition(";")[0].strip().lower())]


@http.rule(
    "json-type",
    over=json_bodies,
    yields_to=NOT_STREAMED,
    needs=HEADERS,
    see=see.CONTENT_TYPE,
    harm="clients that read a body by its label get a text, and fail at its first member",
)
def json_type(view: View) -> Iterable[Complaint]:
    """A JSON body is labelled application/json."""
    types = _media_types(view)
    if types and not any(typed == "application/json" or typed.endswith("+json") for typed in types):
        harm = "clients that read a body by its label report the status alone" if view.is_refusal else ""
        yield view, f"Content-Type: {', '.join(types)}", "application/json", harm


@http.rule(
    "event-stream-type",
    over=event_bodies,
    needs=HEADERS,
    see=see.EVENT_STREAM_TYPE,
    yields_to=("chat.is-dict", "completions.is-dict", "responses.is-dict"),
    harm="openai-python 0.28.1 raises; browsers' EventSource refuses the stream",
)
def event_stream_type(view: View) -> Iterable[Complaint]:
    """A body of server-sent events is labelled text/event-stream."""
    types = _media_types(view)
    if "text/event-stream" not in types and (types or view.knows(Aspect.ALL_HEADERS)):
        shown = f"Content-Type: {', '.join(types)}" if types else _describe_missing_type(view)
        yield view, shown, "text/event-stream"


_PARAMETER = re.compile(r""";\s*([^\s;="]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s;]*))""")
"""A parameter of a media type; a value in single quotes is no quoted string, but read as one by most."""


def _charsets(view: View) -> list[str]:
    """The values of the parameter `charset`, whatever stands before and after it."""
    types = header_values(view.exchange.headers, "content-type")  # each by itself: joined, their commas would count
    parameters = [parameter for value in types for parameter in _PARAMETER.findall(value)]
    return ["".join(values) for name, *values in parameters if name.lower() == "charset"]


@http.rule(
    "charset",
    over=only(exchanges, _charsets),
    see=f"{see.JSON}#section-8.1",
    harm="clients that decode by it (requests' `.text`, Java) garble every letter beyond ASCII",
    basis="RFC 8259: JSON between systems 'MUST be encoded using UTF-8'; the clients measured read it so, whatever "
    "the parameter says",
)
def charset(view: View) -> Iterable[Complaint]:
    """A charset parameter, if there is one, says UTF-8."""
    for value in _charsets(view):
        if value.lower() not in ("utf-8", "utf8"):
            yield view, f"charset={value}", "charset=utf-8"


_coded_replies = only(
    replies, lambda view: view.exchange.header("content-encoding") is not None and view.exchange.payload
)


def _compressed_replies(view: View) -> Iterable[View]:
    """Replies with a content coding: one they name, or one their first bytes show (RFC 1952)."""
    if view.exchange.payload.startswith(_GZIP):
        yield view
    else:
        yield from _coded_replies(view)


_GZIP = b"\x1f\x8b\x08"


@http.rule(
    "content-coding",
    over=_compressed_replies,
    see=see.CONTENT_ENCODING,
    harm="openai-python reports 'Connection error.' and retries; the answer is lost",
)
def content_coding(view: View) -> Iterable[Complaint]:
    """A body with a Content-Encoding can be decoded by it to the end."""
    if view.whole and view.coding_problem:
        yield view, view.coding_problem
    elif view.body.startswith(_GZIP) and view.form in ("json", "events"):
        shown = "the body is gzip, which Content-Encoding does not say"
        yield view, shown, "Content-Encoding: gzip", "clients take compressed bytes for text: none can read the reply"


@http.rule(
    "coding-asked",
    over=_coded_replies,
    yields_to=(".content-coding",),
    needs=[Aspect.REQUEST],
    see=f"{see.HTTP}#section-12.5.3",
    harm="clients without that decoder read compressed bytes as text",
    basis="the clients measured all ask for gzip and decode it; curl and others that ask for nothing do not",
)
def coding_asked(view: View) -> Iterable[Complaint]:
    """A content coding is used only if the request's Accept-Encoding allows it."""
    accepted = header(view.exchange.request.headers, "accept-encoding")
    allowed = _allowed_codings(accepted or "")
    for coding in _coding_names(view.exchange.header("content-encoding") or ""):
        if accepted is not None and coding != "identity" and not allowed.get(coding, allowed.get("*", False)):
            yield view, f"Content-Encoding: {coding}", f"one of: {accepted or 'identity'}"


_ALIASES = {"x-gzip": "gzip", "x-compress": "compress"}
"""RFC 9110 section 8.4.1: equivalent names."""


def _coding_names(listed: str) -> list[str]:
    """The content codings of a list, by their common names."""
    names = (name.strip().lower() for name in listed.split(","))
    return [_ALIASES.get(name, name) for name in names if name]


def _allowed_codings(accepted: str) -> dict[str, bool]:
    """Whether Accept-Encoding allows the codings it names, `*` for all others: a weight of 0 forbids."""
    allowed: dict[str, bool] = {}
    for item in accepted.split(","):
        name, _, weight = item.partition(";")
        allowed.update(dict.fromkeys(_coding_names(name), not _NO_WEIGHT.fullmatch(weight.strip().lower())))
    return allowed


_NO_WEIGHT = re.compile(r"q\s*=\s*0(\.0*)?")
