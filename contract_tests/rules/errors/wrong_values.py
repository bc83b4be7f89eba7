"""Section errors, values that the reference excludes, and what must not become of any mistake."""

from __future__ import annotations

from collections.abc import Iterable

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.endpoints import is_of_responses
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.refused import unsupported_by_failure
from contract_tests.rules.engine.subjects import only, refusals
from contract_tests.rules.engine.view import View
from contract_tests.rules.errors.mistakes import (
    ANOTHER_TIME,
    is_refused,
    mistakes,
    whole_replies,
    wrong_formats,
    wrong_values,
)
from contract_tests.rules.errors.provoked import harm_of_status
from contract_tests.rules.errors.refusals import errors
from fake_server.wire.exchange import Aspect


def _complain_of(view: View, node: Node) -> Iterable[Complaint]:
    if not is_refused(view):
        alone = " without tools" if node.path[-1] == "tool_choice" and not list(view.request["tools"]) else ""
        yield view, f"status {view.status} for {node.path[-1]} {node}{alone}", "status 400", harm_of_status(view)


@errors.rule(
    "refuses-wrong-values",
    over=wrong_values,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    see=see.CHAT_CREATE,
    harm="a caller's mistake is answered as if it were none",
)
def refuses_wrong_values(view: View, node: Node) -> Iterable[Complaint]:
    """A value that the reference excludes is refused with status 400: a temperature of 99, a role, a limit of 0."""
    return _complain_of(view, node)


@errors.rule(
    "refuses-wrong-format",
    over=wrong_formats,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    see=see.CHAT_CREATE,
    harm="the mistake goes unnoticed until another server refuses the request",
)
def refuses_wrong_format(view: View, node: Node) -> Iterable[Complaint]:
    """A response_format of an unknown type, or with a part missing or of a wrong type, is refused with status 400."""
    return _complain_of(view, node)


def _mistake(view: View) -> str:
    """What is wrong with a request, or what a 5xx says that it may not have; '' where nothing is."""
    return mistakes(view) or next((f"{name}, called unsupported" for name in unsupported_by_failure(view)), "")


@errors.rule(
    "callers-mistake",
    over=only(whole_replies, _mistake),
    needs=[Aspect.REQUEST],
    harm="clients that try a 5xx again, as the official SDKs do twice, repeat what can never succeed",
)
def callers_mistake(view: View) -> Iterable[Complaint]:
    """A mistake of the caller is refused with a 4xx status, not with a 5xx."""
    if view.status >= 500 and view.status not in ANOTHER_TIME:
        yield view, f"status {view.status} for {_mistake(view)}", "status 400"


_MADE_BY_MODELS = ("chat", "completions", "embeddings")


@errors.rule(
    "not-422",
    over=only(refusals, lambda view: view.endpoint in _MADE_BY_MODELS or is_of_responses(view.endpoint)),
    level=SHOULD,
    harm="`except openai.BadRequestError` does not catch it: the SDK raises UnprocessableEntityError",
)
def not_422(view: View) -> Iterable[Complaint]:
    """A request that cannot be read or carried out is refused with status 400, not 422."""
    if view.status == 422:
        yield view, "status 422", "status 400" if mistakes(view) else "status 400, if it is to be refused at all"
