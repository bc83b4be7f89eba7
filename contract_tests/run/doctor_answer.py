"""Whether what `contract doctor` got is an answer at all, and what it is where it is none."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from contract_tests.rules.engine.node import Node, show
from contract_tests.rules.engine.view import View
from contract_tests.run.preflight import describe_answer, is_page
from fake_server.relay.redact import excerpt
from fake_server.wire.text import format_count

MOST = 60
"""Characters of a value that are shown, and member names of an object that are looked at."""
OTHER_ROUTE = "the URL leads to a server that is no OpenAI API: check host, port and path"
_ASKED = ("messages", "model")
"""Members of the plainest request: an answer that has both is an echo."""
_SIGN_IN = re.compile(
    r"\b(log|sign)[-_ ]?(in|on|into)\b|\bsso\b|\boauth2?\b|\bsaml\b|\bauth(orize|enticate)?\b|type=[\"']?password",
    re.I,
)
_HTML = re.compile(rb"<(?:!--|(?:!doctype|html|head|body|title|div|p|h1|script|form)\b)", re.I)


class NoAnswer(NamedTuple):
    """What came in place of an answer, and what to do about it."""

    seen: str
    todo: str


def find_no_answer(view: View, *, stream: bool) -> NoAnswer | None:
    """What a successful reply to a chat request is where it is no answer; None where a choice of it can be read."""
    if page := find_page(view):
        return page
    if view.coding_problem:
        return NoAnswer(f"the body cannot be unpacked: {view.coding_problem}", "see what compresses it on its way")
    if view.form == "empty":
        return NoAnswer("the body is empty", "see the target's log: an answer has a body")
    if stream:
        return _of_stream(view) if view.form == "events" else _not_streamed(view)
    if view.form == "events":
        return NoAnswer("a stream, though none was asked for", "see whether the target streams unasked")
    if view.form != "json":
        return NoAnswer(f"no JSON, but {show(_text(view))}", OTHER_ROUTE)
    if not view.document.ok:
        return NoAnswer(f"broken JSON: {_problem(view.document)}", "see what the target, or a proxy, cuts off")
    return _of_object(view.root, "message")


def find_page(view: View) -> NoAnswer | None:
    """A web page, or a redirect, in place of a reply of an API; that of a sign-in is named as such."""
    leads = view.exchange.header("location") or ""
    if 300 <= view.status < 400:
        if is_sign_in(leads):
            return NoAnswer(f"{describe_answer(view)}: a sign-in page", _sign_in("it redirects to"))
        return NoAnswer(f"{describe_answer(view)}: a redirect, no answer", "give the URL that it redirects to")
    if not view.ok or not (is_page(view) or (view.form == "other" and _HTML.match(view.body.lstrip()))):
        return None
    if is_sign_in(view.body[:20_000].decode("utf-8", "replace")):
        return NoAnswer(f"{describe_answer(view)}: a sign-in page", _sign_in("there is"))
    return NoAnswer(f"{describe_answer(view)}: a web page", "that is a web page: check the URL, a path may be missing")


def is_sign_in(text: str) -> bool:
    """Whether an address or a page is that of a sign-in."""
    return _SIGN_IN.search(text) is not None


def lists_models(view: View) -> bool:
    """Whether a reply is a list of models."""
    return view.ok and view.root["data"].kind == "array"


def describe_no_list(view: View) -> str:
    """What came in place of a list of models whose entries have an id, in a few words."""
    page = find_page(view)
    if page or not view.ok:
        return page.seen if page else describe_answer(view)
    if lists_models(view):
        return f"status {view.status}, a list of which no entry has an id"
    if view.form == "json" and view.document.ok:
        return f"status {view.status}, {_kind(view.root)} that is no list of models"
    return f"status {view.status}, {'no body' if view.form == 'empty' else f'no JSON, but {show(_text(view), MOST)}'}"


def _of_stream(view: View) -> NoAnswer | None:
    if not view.payloads:
        return NoAnswer("a stream without a data event", "see the target's log: nothing was sent before its end")
    if not view.messages:
        texts = [payload.text for payload in view.payloads if not payload.done]
        if not texts:
            return NoAnswer("nothing but [DONE]", "see the target's log: it sent no chunk")
        shown = show(texts[0].decode("utf-8", "replace"))
        return NoAnswer(
            f"the data is no JSON object, but {shown}", "see whether the target, or its proxy, streams JSON"
        )
    found = [_of_object(node, "delta") for node in view.messages]
    return None if None in found else found[0]


def _not_streamed(view: View) -> NoAnswer:
    whole = view.form == "json" and _of_object(view.root, "message") is None
    what = "one JSON answer, no stream of events" if whole else f"no stream of events, but {_kind_of_body(view)}"
    todo = "see whether the target, or a proxy before it, streams" if whole else OTHER_ROUTE
    return NoAnswer(what, todo)


def _of_object(root: Node, member: str) -> NoAnswer | None:
    """What an object is that has no choice with `member`, or a text, in it."""
    choices = root["choices"]
    if root.kind == "object" and choices.kind == "array":
        if any(_is_choice(choice, member) for choice in choices):
            return None
        if not choices.value:
            return NoAnswer("`choices` is empty", "see the target's log: it made no answer")
        return NoAnswer(
            f"choices[0] has no `{member}`, but is {show(choices.value[0], MOST)}",
            "the target answers in another form: see its documents for an OpenAI-compatible path",
        )
    if root.kind == "object" and all(root[name].there for name in _ASKED):
        return NoAnswer("the request itself comes back", "that is a server that echoes: check host and port")
    other = _other_api(root.value)
    if other:
        return NoAnswer(
            f"an answer of {other}", "give the path of its OpenAI-compatible API, often one that ends in /v1"
        )
    if choices.there:
        return NoAnswer(f"`choices` is {_kind(choices)}, no array", OTHER_ROUTE)
    without = " without `choices`" if root.kind == "object" else ", no object"
    return NoAnswer(f"{_kind(root)}{without}: {show(root.value, MOST)}", OTHER_ROUTE)


def _is_choice(choice: Node, member: str) -> bool:
    """Whether a choice can be read: a message with anything in it, or the text of older APIs."""
    if choice.kind != "object":
        return False
    if member == "delta" and choice["delta"].kind == "object":
        return True  # the last one is empty
    part = choice["message"]
    return bool(choice["text"].text) or (part.kind == "object" and bool(part.value))


def _other_api(value: Any) -> str:
    """Which API has answers of this form, '' for none that is known."""
    if not isinstance(value, dict):
        return ""
    if value.get("type") in ("message", "message_start") or isinstance(value.get("completion"), str):
        return "Anthropic's API"
    if "candidates" in value:
        return "Gemini's API"
    if value.get("object") == "response" or str(value.get("type", "")).startswith("response."):
        return "the Responses API"
    if "done" in value and ("response" in value or "message" in value):
        return "Ollama's own API"
    return "another API of text generation" if "generated_text" in value else ""


def _kind(node: Node) -> str:
    kinds = {"object": "an object", "array": "an array", "integer": "a number", "number": "a number", "null": "null"}
    if node.kind == "object" and node.value:
        names = ", ".join(excerpt(str(name), 30) for name in list(node.value)[:4])
        return f"an object of {names}{' …' if len(node.value) > 4 else ''}"
    if node.kind == "array":
        return f"an array of {format_count(len(node.value), 'value')}"
    return kinds.get(node.kind, f"a {node.kind}")


def _kind_of_body(view: View) -> str:
    if view.form != "json":
        return show(_text(view))
    return _kind(view.root) if view.document.ok else f"broken JSON: {_problem(view.document)}"


def _text(view: View) -> str:
    return view.body[:1000].decode("utf-8", "replace").strip()


def _problem(document: Any) -> str:
    problem = document.problems[0]
    return f"{problem.detail}, byte {problem.offset:,}"


def _sign_in(where: str) -> str:
    return f"{where} a sign-in before the API, which no key opens: give an address behind it, or its cookie by --header"
