"""Section errors, refusals that a request provokes: what a target must not answer."""

from __future__ import annotations

from collections.abc import Iterable

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.subjects import is_refused_in_stream, only, replies
from contract_tests.rules.engine.view import View
from contract_tests.rules.errors.mistakes import (
    NO_SUCH_PATH,
    mistakes,
    names_an_unknown_model,
    statuses_unread,
    unreadable,
    whole_replies,
    without_input,
    without_messages,
    without_model,
)
from contract_tests.rules.errors.refusals import errors
from fake_server.wire.exchange import Aspect


@errors.rule(
    "refuses-bad-json",
    over=unreadable,
    needs=[Aspect.REQUEST],
    harm="a request that was cut on its way is answered as if it had been whole",
)
def refuses_bad_json(view: View) -> Iterable[Complaint]:
    """A request body that is not JSON is refused with status 400."""
    return _complain_unless_refused(view, 400, 422)


def _complain_unless_refused(view: View, *statuses: int) -> Iterable[Complaint]:
    nowhere = (404,) if view.exchange.request.path.endswith("/") else ()  # a slash more is another path
    if view.status >= 500 and view.knows(Aspect.REQUEST) and mistakes(view):
        return  # one cause, one finding: errors.callers-mistake
    if view.is_failed_success or is_refused_in_stream(view):
        return  # one cause, one finding: errors.status, errors.before-the-stream
    if view.status not in (*statuses, *nowhere, *statuses_unread(view)):
        yield view, f"status {view.status}", f"status {statuses[0]}", harm_of_status(view)


def harm_of_status(view: View) -> str:
    """What follows from a refusal with another status; '' for an answer, whose harm is the rule's."""
    if view.status >= 500:
        return "clients that try a 5xx again, as the official SDKs do twice, repeat what can never succeed"
    if view.status in (401, 403, 407):
        return "users look for the mistake in their key"
    if view.status >= 400:
        return "clients that decide by the status take it for another mistake"
    if view.status >= 300:
        return "clients that follow the redirect ask elsewhere, others have no answer"
    return "only clients that look for an error in a success notice it" if view.error_events else ""


@errors.rule(
    "refuses-no-messages",
    over=without_messages,
    needs=[Aspect.REQUEST],
    see=see.CHAT_CREATE,
    harm="an empty prompt is paid for, or fails later with a 500 that clients repeat",
)
def refuses_no_messages(view: View) -> Iterable[Complaint]:
    """A chat request whose `messages` is missing, empty or no array is refused with status 400."""
    return _complain_unless_refused(view, 400, 422)


@errors.rule(
    "unknown-model",
    over=only(whole_replies, names_an_unknown_model),
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


@errors.rule(
    "refuses-no-input",
    over=without_input,
    needs=[Aspect.REQUEST],
    see=see.EMBEDDING_CREATE,
    harm="an empty vector goes into the store, or what was lost on the way passes unjudged",
)
def refuses_no_input(view: View) -> Iterable[Complaint]:
    """A request for embeddings or moderations with no `input`, or with an empty array, is refused with status 400."""
    return _complain_unless_refused(view, 400, 422)


@errors.rule(
    "refuses-no-model",
    over=without_model,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    see=see.CHAT_CREATE,
    harm="nobody knows which model answers",
)
def refuses_no_model(view: View) -> Iterable[Complaint]:
    """A chat request without `model` is refused with status 400."""
    return _complain_unless_refused(view, 400, 422, 404)
