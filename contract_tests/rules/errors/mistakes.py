"""What is wrong with a request: the subjects of the rules on refusals that it provokes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from contract_tests.rules.engine.lacks import was_read
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.subjects import is_refused_in_stream, only, replies
from contract_tests.rules.engine.view import View
from contract_tests.rules.errors.response_mistakes import (
    has_unpaired_calls,
    without_response_input,
    wrong_values_of_response,
)
from contract_tests.rules.shared.reply import ROLES
from fake_server.wire.exchange import header

NO_SUCH_MODEL = "no-such-model"
"""What the suite puts in front of a model name that no target has."""
NO_SUCH_PATH = "no-such-path"
NO_SUCH_MEMBER = "no_such_member"
ANOTHER_TIME = (429, 503)
"""Statuses that say nothing of the request: the target has no time for any."""
_CHOICES = frozenset({"none", "auto", "required", "any"})
_FORMATS = frozenset({"text", "json_object", "json_schema", "grammar", "regex", "structural_tag"})
_ENCODINGS = ("float", "base64", "int", "uint", "binary", "ubinary", "hex", "bytes")
"""Each with the extensions of other servers, which they may well answer; encodings by how they begin."""

whole_replies = only(replies, lambda view: view.whole)


_read_replies = only(whole_replies, was_read)
_chat_replies = only(_read_replies, lambda view: view.endpoint == "chat")
_embedding_replies = only(_read_replies, lambda view: view.endpoint == "embeddings" and view.request.value)
_replies_about_input = only(
    _read_replies, lambda view: view.endpoint in ("embeddings", "moderations") and view.request.value
)
_replies_to_an_object = only(_chat_replies, lambda view: view.request.value)
"""Replies to chat requests whose body is a JSON object with members."""

unreadable = only(_chat_replies, lambda view: view.exchange.request.body and view.request_value is None)
without_messages = only(_replies_to_an_object, lambda view: not list(view.request["messages"]))
# An empty text is no fault: api.openai.com is recorded to embed it.
without_input = only(_replies_about_input, lambda view: not view.request["input"] or view.request["input"].value == [])
without_model = only(
    _replies_to_an_object,
    # Azure names the model in the path.
    lambda view: not view.request["model"].text and "/deployments/" not in view.exchange.request.path,
)


def statuses_unread(view: View) -> tuple[int, ...]:
    """Statuses of a refusal that says nothing of what was asked: 415 where the body is not called plain JSON."""
    return ANOTHER_TIME if _is_plain_json(view) else (415, *ANOTHER_TIME)


def is_refused(view: View, *statuses: int) -> bool:
    """Whether a wrong request was refused with 400, 422 or one of these, or other rules speak of how it failed."""
    expected = (400, 422, *statuses, *statuses_unread(view))
    return view.status in expected or view.status >= 500 or view.is_failed_success or is_refused_in_stream(view)


def _is_plain_json(view: View) -> bool:
    fields = view.exchange.request.headers or ()
    media = (header(fields, "content-type") or "application/json").partition(";")[0].strip().lower()
    return media == "application/json" and header(fields, "content-encoding") is None


def names_an_unknown_model(view: View) -> bool:
    request = view.exchange.request
    path = request.path if request.method == "GET" else ""
    return (view.request["model"].text or path.rpartition("/models/")[2]).startswith(NO_SUCH_MODEL)


def wrong_values(view: View) -> Iterator[tuple[View, Node]]:
    """Members of a request with a value that the reference excludes."""
    request = view.request
    for reply in _chat_replies(view):
        heat, choice = request["temperature"], request["tool_choice"]
        if heat and (heat.number is None or not 0 <= heat.number <= 2):
            yield reply, heat
        for limit in (request["max_tokens"], request["max_completion_tokens"]):
            if limit.number is not None and limit.number < 1:
                yield reply, limit
        forces = choice.kind == "object" or choice.value == "required"
        offers = any(list(request[name]) for name in ("tools", "functions"))
        if (choice.kind == "string" and choice.text not in _CHOICES) or (forces and not offers):
            yield reply, choice
        for message in request["messages"]:
            if message["role"].there and message["role"].text not in ROLES:
                yield reply, message["role"]
    for reply in _embedding_replies(view):
        if request["encoding_format"] and not request["encoding_format"].text.startswith(_ENCODINGS):
            yield reply, request["encoding_format"]


def wrong_formats(view: View) -> Iterator[tuple[View, Node]]:
    """What is wrong with the response_format of a chat request; the reference does not require a schema."""
    given = view.request["response_format"]
    described = given["json_schema"]
    for reply in _chat_replies(view) if given else ():
        if given.kind != "object":
            yield reply, given
        elif given["type"].text not in _FORMATS:
            yield reply, given["type"]
        elif given["type"].text == "json_schema" and described.kind != "object":
            yield reply, described
        elif given["type"].text == "json_schema":
            if not described["name"].text:
                yield reply, described["name"]
            if described["strict"] and described["strict"].kind != "boolean":
                yield reply, described["strict"]
            if described["schema"] and described["schema"].kind != "object":
                yield reply, described["schema"]


def mistakes(view: View) -> str:
    """What is wrong with a request, or odd in it, in words; '' where nothing is."""
    if names_an_unknown_model(view):
        return "a model that does not exist"
    if NO_SUCH_PATH in view.exchange.request.path:
        return "a path that does not exist"
    for subjects, words in _MISTAKES.items():
        if any(subjects(view)):
            return words
    if has_unpaired_calls(view):
        return "a call without its result, or a result without its call"
    if any(without_response_input(view)):
        return "no input"
    wrong = (*wrong_values(view), *wrong_formats(view), *wrong_values_of_response(view))
    return next((f"{node.path[-1]} {node}" for _, node in wrong), "") or next(_oddities(view), "")


def _oddities(view: View) -> Iterator[str]:
    """What api.openai.com refuses, or may refuse, and others may answer."""
    given = view.request["response_format"]
    for _ in _chat_replies(view):
        if view.request[NO_SUCH_MEMBER].there:
            yield "a member that does not exist"
        if (header(view.exchange.request.headers or (), "content-type") or "").lower().startswith("text/plain"):
            yield "a body typed text/plain"
        if given["type"].text == "json_schema" and not given["json_schema"]["schema"]:
            yield "a json_schema without its schema"


_MISTAKES: dict[Callable[[View], Iterable[View]], str] = {
    unreadable: "a body that is not JSON",
    without_messages: "no messages",
    without_input: "no input",
    without_model: "no model",
}
