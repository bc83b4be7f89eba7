"""Section errors, refusals that a request provokes: what a target must not answer."""

from __future__ import annotations

from collections.abc import Iterable

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.view import View
from contract_tests.rules.errors.refusals import errors
from fake_server.wire.exchange import Aspect, header

NO_SUCH_MODEL = "no-such-model"
"""What the suite puts in front of a model name that no target has."""
NO_SUCH_PATH = "no-such-path"
_ANOTHER_TIME = (429, 503)
"""Statuses that say nothing of the request: the target has no time for any."""
ROLES = frozenset({"developer", "system", "user", "assistant", "tool", "function"})


def _is_answered_chat(view: View) -> bool:
    request = view.exchange.request
    return request.method == "POST" and view.endpoint == "chat" and bool(view.status) and view.whole


def _answers_to_bad_json(view: View) -> Iterable[View]:
    if _is_answered_chat(view) and view.exchange.request.body and view.exchange.request.json() is None:
        yield view


@errors.rule(
    "refuses-bad-json",
    over=_answers_to_bad_json,
    needs=[Aspect.REQUEST],
    harm="a request that was cut on its way is answered as if it had been whole",
)
def refuses_bad_json(view: View) -> Iterable[Complaint]:
    """A request body that is not JSON is refused with status 400."""
    yield from _complain_unless_refused(view, (400, 422), "400")


def _complain_unless_refused(view: View, statuses: tuple[int, ...], wanted: str) -> Iterable[Complaint]:
    untyped = () if _is_plain_json(view) else (415,)
    nowhere = (404,) if view.exchange.request.path.endswith("/") else ()  # a slash more is another path
    if view.status not in (*statuses, *untyped, *nowhere, *_ANOTHER_TIME):
        yield view, f"status {view.status}", f"status {wanted}"


def _is_plain_json(view: View) -> bool:
    """Whether the request's body is called plain JSON; what is not may be refused for that alone."""
    fields = view.exchange.request.headers or ()
    media = (header(fields, "content-type") or "application/json").partition(";")[0].strip().lower()
    return media == "application/json" and header(fields, "content-encoding") is None


def _answers_without_messages(view: View) -> Iterable[View]:
    messages = view.request["messages"]
    if _is_answered_chat(view) and view.request.value and (messages.kind != "array" or messages.value == []):
        yield view


@errors.rule(
    "refuses-no-messages",
    over=_answers_without_messages,
    needs=[Aspect.REQUEST],
    see=see.CHAT_CREATE,
    harm="an empty prompt is paid for, or fails later with a 500 that clients repeat",
)
def refuses_no_messages(view: View) -> Iterable[Complaint]:
    """A chat request whose `messages` is missing, empty or no array is refused with status 400."""
    yield from _complain_unless_refused(view, (400, 422), "400")


def _answers_of_unknown_models(view: View) -> Iterable[View]:
    request = view.exchange.request
    named = view.request["model"].text or (request.method == "GET" and request.path.rpartition("/models/")[2])
    if view.status and view.whole and named and named.startswith(NO_SUCH_MODEL):
        yield view


@errors.rule("unknown-model", over=_answers_of_unknown_models, see=see.CHAT_CREATE, harm="typos go unnoticed")
def unknown_model(view: View) -> Iterable[Complaint]:
    """A model that does not exist is refused with status 404 (or 400), not answered."""
    yield from _complain_unless_refused(view, (404, 400, 403), "404")


def _answers_of_unknown_paths(view: View) -> Iterable[View]:
    if view.status and NO_SUCH_PATH in view.exchange.request.path:
        yield view


@errors.rule(
    "unknown-path",
    over=_answers_of_unknown_paths,
    see=f"{see.HTTP}#section-15.5.5",
    harm="clients take a misspelt base URL for a working one, and the reply for an answer",
)
def unknown_path(view: View) -> Iterable[Complaint]:
    """A path that does not exist is refused with status 404."""
    yield from _complain_unless_refused(view, (404,), "404")


def _answers_to_wrong_methods(view: View) -> Iterable[View]:
    request = view.exchange.request
    if view.status and request.method == "PUT" and request.path.endswith("/chat/completions"):
        yield view


@errors.rule(
    "wrong-method",
    over=_answers_to_wrong_methods,
    level=SHOULD,
    see=f"{see.HTTP}#section-15.5.6",
    harm="a wrong method looks like a success or a crash of the server",
)
def wrong_method(view: View) -> Iterable[Complaint]:
    """A method that an endpoint does not have is refused with status 405 (or 404)."""
    yield from _complain_unless_refused(view, (405, 404), "405")


def _answers_without_input(view: View) -> Iterable[View]:
    # An empty text is no fault: api.openai.com is recorded to embed it.
    post = view.endpoint == "embeddings" and view.status and view.whole
    if post and view.request.value and (not view.request["input"] or view.request["input"].value == []):
        yield view


@errors.rule(
    "refuses-no-input",
    over=_answers_without_input,
    needs=[Aspect.REQUEST],
    see=see.EMBEDDING_CREATE,
    harm="an empty vector goes into the store",
)
def refuses_no_input(view: View) -> Iterable[Complaint]:
    """An embeddings request whose `input` is missing or an empty array is refused with status 400."""
    yield from _complain_unless_refused(view, (400, 422), "400")


def _answers_without_model(view: View) -> Iterable[View]:
    by_path = "/deployments/" in view.exchange.request.path  # Azure names the model there
    if _is_answered_chat(view) and view.request.value and not view.request["model"].text and not by_path:
        yield view


@errors.rule(
    "refuses-no-model",
    over=_answers_without_model,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    see=see.CHAT_CREATE,
    harm="nobody knows which model answers",
)
def refuses_no_model(view: View) -> Iterable[Complaint]:
    """A chat request without `model` is refused with status 400."""
    yield from _complain_unless_refused(view, (400, 422, 404), "400")


def _wrong_values(view: View) -> Iterable[tuple[View, Node]]:
    """Members of a chat request with a value that the reference excludes."""
    if _is_answered_chat(view):
        heat = view.request["temperature"]
        if heat and (heat.number is None or not 0 <= heat.number <= 2):
            yield view, heat
        for message in view.request["messages"]:
            if message["role"].there and message["role"].text not in ROLES:
                yield view, message["role"]


@errors.rule(
    "refuses-wrong-values",
    over=_wrong_values,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    see=see.CHAT_CREATE,
    harm="a caller's mistake is answered as if it were none",
)
def refuses_wrong_values(subject: tuple[View, Node]) -> Iterable[Complaint]:
    """A temperature outside 0 to 2, or a role that does not exist, is refused with status 400."""
    view, node = subject
    if view.status not in (400, 422, *_ANOTHER_TIME):
        yield view, f"status {view.status} for {node.path[-1]} {node}", "status 400"
