"""Section errors, refusals that a request provokes: what a target must not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.refused import lacks_path
from contract_tests.rules.engine.subjects import only, replies
from contract_tests.rules.engine.view import View
from contract_tests.rules.errors.refusals import errors
from contract_tests.rules.shared.reply import ROLES
from fake_server.wire.exchange import Aspect, header

NO_SUCH_MODEL = "no-such-model"
"""What the suite puts in front of a model name that no target has."""
NO_SUCH_PATH = "no-such-path"
_ANOTHER_TIME = (429, 503)
"""Statuses that say nothing of the request: the target has no time for any."""


_whole_replies = only(replies, lambda view: view.whole)
_NOWHERE = ("model_not_found", "DeploymentNotFound")


def _was_read(view: View) -> bool:
    """Whether the reply is about the request, and not about its path or its model: who has none looks no further."""
    return not lacks_path(view) and not (view.status == 404 and view.root["error"]["code"].text in _NOWHERE)


_read_replies = only(_whole_replies, _was_read)
_chat_replies = only(_read_replies, lambda view: view.endpoint == "chat")
_replies_to_an_object = only(_chat_replies, lambda view: view.request.value)
"""Replies to chat requests whose body is a JSON object with members."""


_unreadable = only(_chat_replies, lambda view: view.exchange.request.body and view.exchange.request.json() is None)
_without_messages = only(_replies_to_an_object, lambda view: not list(view.request["messages"]))


@errors.rule(
    "refuses-bad-json",
    over=_unreadable,
    needs=[Aspect.REQUEST],
    harm="a request that was cut on its way is answered as if it had been whole",
)
def refuses_bad_json(view: View) -> Iterable[Complaint]:
    """A request body that is not JSON is refused with status 400."""
    return _complain_unless_refused(view, 400, 422)


def _complain_unless_refused(view: View, *statuses: int) -> Iterable[Complaint]:
    untyped = () if _is_plain_json(view) else (415,)
    nowhere = (404,) if view.exchange.request.path.endswith("/") else ()  # a slash more is another path
    if view.status >= 500 and view.knows(Aspect.REQUEST) and _mistakes(view):
        return  # one cause, one finding: errors.callers-mistake
    if view.status not in (*statuses, *untyped, *nowhere, *_ANOTHER_TIME):
        yield view, f"status {view.status}", f"status {statuses[0]}", _harm_of_status(view)


def _harm_of_status(view: View) -> str:
    """What follows from a refusal with another status; '' for an answer, whose harm is the rule's."""
    if view.status >= 500:
        return "clients that try a 5xx again, as the official SDKs do twice, repeat what can never succeed"
    if view.status in (401, 403, 407):
        return "users look for the mistake in their key"
    if view.status >= 400:
        return "clients that decide by the status take it for another mistake"
    if view.status >= 300:
        return "clients that follow the redirect ask elsewhere, others have no answer"
    return "only clients that look for an error in a success notice it" if view.failure or view.error_events else ""


def _is_plain_json(view: View) -> bool:
    """Whether the request's body is called plain JSON; what is not may be refused for that alone."""
    fields = view.exchange.request.headers or ()
    media = (header(fields, "content-type") or "application/json").partition(";")[0].strip().lower()
    return media == "application/json" and header(fields, "content-encoding") is None


@errors.rule(
    "refuses-no-messages",
    over=_without_messages,
    needs=[Aspect.REQUEST],
    see=see.CHAT_CREATE,
    harm="an empty prompt is paid for, or fails later with a 500 that clients repeat",
)
def refuses_no_messages(view: View) -> Iterable[Complaint]:
    """A chat request whose `messages` is missing, empty or no array is refused with status 400."""
    return _complain_unless_refused(view, 400, 422)


def _names_an_unknown_model(view: View) -> bool:
    request = view.exchange.request
    path = request.path if request.method == "GET" else ""
    return (view.request["model"].text or path.rpartition("/models/")[2]).startswith(NO_SUCH_MODEL)


@errors.rule(
    "unknown-model",
    over=only(_whole_replies, _names_an_unknown_model),
    see=see.CHAT_CREATE,
    harm="typos go unnoticed",
)
def unknown_model(view: View) -> Iterable[Complaint]:
    """A model that does not exist is refused with status 404 (or 400), not answered."""
    return _complain_unless_refused(view, 404, 400, 403)


@errors.rule(
    "unknown-path",
    over=only(replies, lambda view: NO_SUCH_PATH in view.exchange.request.path),
    see=f"{see.HTTP}#section-15.5.5",
    harm="clients take a misspelt base URL for a working one, and the reply for an answer",
)
def unknown_path(view: View) -> Iterable[Complaint]:
    """A path that does not exist is refused with status 404."""
    return _complain_unless_refused(view, 404)


_puts = only(replies, lambda view: view.exchange.request.method == "PUT")


@errors.rule(
    "wrong-method",
    over=only(_puts, lambda view: view.exchange.request.path.endswith("/chat/completions")),
    level=SHOULD,
    see=f"{see.HTTP}#section-15.5.6",
    harm="a wrong method looks like a success or a crash of the server",
)
def wrong_method(view: View) -> Iterable[Complaint]:
    """A method that an endpoint does not have is refused with status 405 (or 404)."""
    return _complain_unless_refused(view, 405, 404)


_replies_about_input = only(
    _read_replies, lambda view: view.endpoint in ("embeddings", "moderations") and view.request.value
)
# An empty text is no fault: api.openai.com is recorded to embed it.
_without_input = only(_replies_about_input, lambda view: not view.request["input"] or view.request["input"].value == [])


@errors.rule(
    "refuses-no-input",
    over=_without_input,
    needs=[Aspect.REQUEST],
    see=see.EMBEDDING_CREATE,
    harm="an empty vector goes into the store, or what was lost on the way passes unjudged",
)
def refuses_no_input(view: View) -> Iterable[Complaint]:
    """A request for embeddings or moderations with no `input`, or with an empty array, is refused with status 400."""
    return _complain_unless_refused(view, 400, 422)


_without_model = only(_replies_to_an_object, lambda view: not view.request["model"].text)


@errors.rule(
    "refuses-no-model",
    # Azure names the model in the path.
    over=only(_without_model, lambda view: "/deployments/" not in view.exchange.request.path),
    level=SHOULD,
    needs=[Aspect.REQUEST],
    see=see.CHAT_CREATE,
    harm="nobody knows which model answers",
)
def refuses_no_model(view: View) -> Iterable[Complaint]:
    """A chat request without `model` is refused with status 400."""
    return _complain_unless_refused(view, 400, 422, 404)


def _wrong_values(view: View) -> Iterable[tuple[View, Node]]:
    """Members of a chat request with a value that the reference excludes."""
    for reply in _chat_replies(view):
        heat = reply.request["temperature"]
        if heat and (heat.number is None or not 0 <= heat.number <= 2):
            yield reply, heat
        for message in reply.request["messages"]:
            if message["role"].there and message["role"].text not in ROLES:
                yield reply, message["role"]


@errors.rule(
    "refuses-wrong-values",
    over=_wrong_values,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    see=see.CHAT_CREATE,
    harm="a caller's mistake is answered as if it were none",
)
def refuses_wrong_values(view: View, node: Node) -> Iterable[Complaint]:
    """A temperature outside 0 to 2, or a role that does not exist, is refused with status 400."""
    if view.status not in (400, 422, *_ANOTHER_TIME) and view.status < 500:
        yield view, f"status {view.status} for {node.path[-1]} {node}", "status 400", _harm_of_status(view)


# -- the same failure whatever the mistake


def _mistakes(view: View) -> str:
    """What is wrong with a request, in words; '' where nothing is."""
    if _names_an_unknown_model(view):
        return "a model that does not exist"
    if NO_SUCH_PATH in view.exchange.request.path:
        return "a path that does not exist"
    for subjects, words in _MISTAKES.items():
        if any(subjects(view)):
            return words
    return next((f"{node.path[-1]} {node}" for _, node in _wrong_values(view)), "")


_MISTAKES: dict[Callable[[View], Iterable[View]], str] = {
    _unreadable: "a body that is not JSON",
    _without_messages: "no messages",
    _without_input: "no input",
    _without_model: "no model",
}


@errors.rule(
    "callers-mistake",
    over=only(_whole_replies, _mistakes),
    needs=[Aspect.REQUEST],
    harm="clients that try a 5xx again, as the official SDKs do twice, repeat what can never succeed",
)
def callers_mistake(view: View) -> Iterable[Complaint]:
    """A mistake of the caller is refused with a 4xx status, not with a 5xx."""
    if view.status >= 500 and view.status not in _ANOTHER_TIME:
        yield view, f"status {view.status} for {_mistakes(view)}", "status 400"
