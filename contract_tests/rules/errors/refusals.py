"""Section errors: how a target says no, before the answer and in the middle of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.refused import (
    added_parameters,
    conflicting_parameters,
    refusal_text,
    refused_elsewhere,
    structured_paths,
    unknown_parameters,
)
from contract_tests.rules.engine.subjects import error_objects, only, refusals, replies
from contract_tests.rules.engine.view import View
from contract_tests.rules.errors.mistakes import mistakes
from fake_server.relay.redact import excerpt, mask_excerpt
from fake_server.wire import jsontext
from fake_server.wire.exchange import Aspect
from fake_server.wire.text import shorten_words

errors = Section("errors", "Refusals and failures", see.ERRORS)

STATUS_OF_CODE = {
    "invalid_api_key": (401,),
    "model_not_found": (404, 403, 400),
    "rate_limit_exceeded": (429,),
    "insufficient_quota": (429,),
    "context_length_exceeded": (400,),
}


_json_refusals = only(refusals, lambda refusal: refusal.form == "json" and refusal.document.ok)


_GATEWAY = frozenset((502, 503, 504, *range(520, 531)))
"""What answers in place of an API that it cannot reach; from 520 on Cloudflare's own."""


def _told_refusals(view: View) -> Iterable[View]:
    """Refusals less those of a gateway in plain words, as api.openai.com's own is recorded to answer."""
    for refusal in refusals(view):
        plain = view.form == "other" and view.exchange.media_type in ("text/plain", None)
        if not (view.status in _GATEWAY and plain and view.body.lstrip()[:1] != b"<"):
            yield refusal


@errors.rule(
    "body",
    over=_told_refusals,
    needs=[Aspect.BODY],
    yields_to=(".callers-mistake", "http.content-coding"),
    harm="clients show the status alone, or the HTML of a gateway",
)
def body(view: View) -> Iterable[Complaint]:
    """A refusal has a JSON body that says what is wrong."""
    if view.form != "json" or not view.document.ok:
        shown = shorten_words(mask_excerpt(view.body[:1000].decode("utf-8", "replace")), 120)
        harm = "clients show this text, without type and code" if shown else "clients show the status alone"
        yield (
            view,
            f"status {view.status} {f'with {shown!r}' if shown else 'without a body'}",
            "",
            "" if shown.lstrip().startswith("<") else harm,
        )


@errors.rule(
    "object",
    over=_json_refusals,
    harm="openai-python 0.28.1 raises APIError ('Invalid response object'); others find neither message nor code",
)
def object_(view: View) -> Iterable[Complaint]:
    """The error is the object `error` at the top of the body."""
    if view.root["error"].kind != "object":
        instead = view.root["error"] if view.root["error"].there else view.root
        actual = f"{instead} ({refused_elsewhere(view)})" if structured_paths(view) else str(instead)
        yield instead, actual, '{"error": {"message": …, "type": …, "param": …, "code": …}}'


def _names_parameters(view: View) -> object:
    return view.endpoint and view.request.value and (unknown_parameters(view) or conflicting_parameters(view))


@errors.rule(
    "added-parameter",
    over=only(refusals, _names_parameters),
    needs=[Aspect.REQUEST],
    harm="a valid request is refused for what was put into it on the way, and no client can mend that",
)
def added_parameter(view: View) -> Iterable[Complaint]:
    """A parameter that is refused as unknown or beside another was sent by the client, not added by the server."""
    if names := ", ".join(f"`{name}`" for name in added_parameters(view)[:3]):
        where = view.root["error"]["message"] if view.root["error"]["message"].text else view
        yield (
            where,
            f"your server added {names}, and that was refused: {refusal_text(view)}",
            "the request as it was sent",
            "the caller does not learn of the mistake in the request" if mistakes(view) else "",
        )


@errors.rule("message", over=error_objects, harm="users are not told what is wrong")
def message(error: Node) -> Iterable[Complaint]:
    """`message` of an error is a non-empty string."""
    if not error["message"].text.strip():
        yield error["message"], str(error["message"]), "a non-empty string"


@errors.rule(
    "type",
    over=error_objects,
    harm="`error.type` is None: clients cannot tell a used-up quota from a bad request",
)
def type_(error: Node) -> Iterable[Complaint]:
    """`type` of an error is a non-empty string."""
    if not error["type"].text.strip():
        yield error["type"], str(error["type"]), "a non-empty string"


@errors.rule(
    "param",
    over=error_objects,
    harm="clients that say which parameter was wrong print an object; typed decoders lose the whole error",
)
def param(error: Node) -> Iterable[Complaint]:
    """`param` of an error is a string or null."""
    if error["param"].kind not in ("string", "null", "missing"):
        yield error["param"], str(error["param"]), "a string or null"


@errors.rule("code", over=error_objects, harm="`error.code == 'model_not_found'` never holds")
def code(error: Node) -> Iterable[Complaint]:
    """`code` of an error is a string or null, not the HTTP status."""
    if error["code"].kind not in ("string", "null", "missing"):
        yield error["code"], str(error["code"]), "a string or null"


@errors.rule(
    "members",
    over=error_objects,
    level=SHOULD,
    harm="decoders generated from the reference, which requires both, refuse the error and lose its message",
)
def members(error: Node) -> Iterable[Complaint]:
    """An error has the members `param` and `code`, null where there is nothing to say."""
    for name in ("param", "code"):
        if not error[name].there:
            yield error[name], "missing", "a string or null"


@errors.rule(
    "status",
    over=only(replies, lambda view: view.ok and view.whole and view.form == "json"),
    harm="openai-python returns an object full of None instead of raising",
)
def status(view: View) -> Iterable[Complaint]:
    """An error has a 4xx or 5xx status, not a 2xx."""
    if view.failure:
        yield view.failure, f"status {view.status} with an error: {view.root}", "a 4xx or 5xx status"


@errors.rule(
    "status-fits-code",
    over=_json_refusals,
    level=SHOULD,
    yields_to=(".callers-mistake",),
    harm="clients decide by the status whether to retry: they repeat what can never succeed",
)
def status_fits_code(view: View) -> Iterable[Complaint]:
    """The status is the one that OpenAI gives this error code."""
    code_node = view.root["error"]["code"]
    wanted = STATUS_OF_CODE.get(code_node.text)
    if wanted and view.status not in wanted:
        yield code_node, f"status {view.status} with code {code_node}", f"status {wanted[0]}"


@errors.rule(
    "no-trace",
    over=error_objects,
    level=SHOULD,
    harm="users read file names and line numbers of the server, and so do attackers",
)
def no_trace(error: Node) -> Iterable[Complaint]:
    """The message says what is wrong, not where in the server's code it was noticed."""
    text = error["message"].text[:MOST]
    if "Traceback (most recent call last)" in text or "\n    at " in text or '\n  File "' in text:
        yield error["message"], "a stack trace in the message"
    elif place := IN_THE_CODE.search(text):
        yield error["message"], f"{excerpt(place.group(), 60)!r} in the message"


MOST = 100_000
"""Characters of a message that are searched for places in code."""
IN_THE_CODE = re.compile(
    r"(?<![\w:/.-])(?:/|[A-Z]:\\)(?:[\w.@ -]{1,80}+[/\\]){1,40}[\w.-]{1,80}"
    r"\.(?:py|go|rs|js|mjs|ts|java|rb|php|cc|cpp|c)\b(?::\d+)?"
    r"|\bsite-packages/|<[\w.]+ object(?: [\w.<>]+)? at 0x[0-9a-f]+>"
)
"""A source file of the server, by its whole path, or an object as Python prints it."""


@errors.rule(
    "in-words",
    over=error_objects,
    level=SHOULD,
    harm="users read the JSON of another server's error, and its type and code are lost to the client",
)
def in_words(error: Node) -> Iterable[Complaint]:
    """The message says what is wrong in words, not in the JSON text of another error or Python's print of it."""
    text = error["message"].text.strip()
    is_json = text[:1] == "{" and isinstance(jsontext.parse(text.encode("utf-8", "replace")).value, dict)
    if is_json or _PRINTED_DICT.match(text):
        yield error["message"], f"the message is {excerpt(text, 60)!r}", "words"
    elif other := _ANOTHER_ERROR.search(text):
        yield error["message"], f"the message holds {excerpt(text[other.start() :], 60)!r}", "words"


_PRINTED_DICT = re.compile(r"\{'\w+': ['\"{\[\w]")
_ANOTHER_ERROR = re.compile(r"""\{\s*\\*(['"])(?:error|detail)\\*\1\s*:\s*\\*[{'"\[]""")
"""The JSON of another server's error, or Python's print of it, somewhere in a message."""


@errors.rule(
    "says-when",
    over=only(replies, lambda view: view.status == 429),
    level=SHOULD,
    needs=[Aspect.ALL_HEADERS],
    see=see.RETRY_AFTER,
    harm="clients retry at once or after a guess, and are refused again",
)
def says_when(view: View) -> Iterable[Complaint]:
    """A 429 says in Retry-After when to try again."""
    names = ("retry-after", "retry-after-ms", "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens")
    if all(view.exchange.header(name) is None for name in names):  # an empty one is what `http.once` names
        yield view, "no Retry-After field"


@errors.rule(
    "challenge",
    over=only(replies, lambda view: view.status == 401),
    level=SHOULD,
    needs=[Aspect.ALL_HEADERS],
    see=f"{see.HTTP}#section-15.5.2",
    harm="HTTP clients that answer a challenge do not learn which one",
)
def challenge(view: View) -> Iterable[Complaint]:
    """A 401 says in WWW-Authenticate how to authenticate."""
    if view.exchange.header("www-authenticate") is None:
        yield view, "no WWW-Authenticate field", "WWW-Authenticate: Bearer"


@errors.rule(
    "allow",
    over=only(replies, lambda view: view.status == 405),
    level=SHOULD,
    needs=[Aspect.ALL_HEADERS],
    see=f"{see.HTTP}#section-15.5.6",
    harm="clients and gateways cannot tell a wrong method from an endpoint that is not there",
)
def allow(view: View) -> Iterable[Complaint]:
    """A 405 names in Allow the methods that the endpoint has."""
    if view.exchange.header("allow") is None:
        yield view, "no Allow field"
