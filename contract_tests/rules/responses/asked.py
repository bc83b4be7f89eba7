"""Section responses: the answer beside what was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node, show
from contract_tests.rules.engine.response_stream import items_of
from contract_tests.rules.engine.view import View
from contract_tests.rules.errors.response_mistakes import forces_without_tools
from contract_tests.rules.formats.fitting import Fitting
from contract_tests.rules.formats.structured import read_json
from contract_tests.rules.responses.reply import responses
from contract_tests.rules.responses.subjects import (
    CREATED,
    answers_to_requests,
    completed,
    finished,
    has_refusal,
    texts_of,
)
from contract_tests.rules.shared.limits import stops_within_a_sentence
from fake_server.relay.redact import excerpt, holds_dummy
from fake_server.wire.exchange import Aspect

ECHOED = (
    *("store", "temperature", "top_p", "max_output_tokens", "tool_choice", "parallel_tool_calls", "background"),
    "truncation",
)
"""What comes back as it was sent."""
UNSENT = ("instructions", "max_output_tokens", "max_tool_calls", "previous_response_id", "safety_identifier", "user")
"""What is null where it was not sent. A prompt template may bring any of it."""
LEAST_LIMIT = 16
"""What `max_output_tokens` is at least."""


def _echoes(view: View) -> Iterator[tuple[Node, Node]]:
    """What was sent, beside what came back of it."""
    for root in answers_to_requests(view):
        for name in ECHOED:
            if view.request[name]:
                yield root[name], view.request[name]
        for name in () if view.request["prompt"] else UNSENT:
            if root[name].there and not view.request[name].there:
                yield root[name], view.request[name]
        sent, form = view.request["text"]["format"], root["text"]["format"]
        for name in ("type", "name", "strict", "schema"):
            if sent[name] and sent[name].value != "":
                yield form[name], sent[name]


@responses.rule(
    "echoes",
    over=_echoes,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    yields_to=(".members", ".refuses-wrong-values"),
    harm="a parameter that does not come back was not read: the caller believes what does not hold",
)
def echoes(node: Node, sent: Node) -> Iterable[Complaint]:
    """`store`, `text.format.type` and the like come back as they were sent, `user` and the like null where not sent."""
    if not sent.there:
        if node.value is not None:
            yield node, str(node), "null: it was not sent", "the caller is shown what another asked for, or nobody"
    elif not is_same(node.value, sent.value):
        yield node, str(node), str(sent)


def is_same(first: Any, second: Any, aside: frozenset[str] = frozenset()) -> bool:
    """Whether what came back says what was sent: true is not 1, and objects may have more members than were sent.

    Which draft a schema names does not come back; members of the names in `aside` are not compared.
    """
    waiting = [(first, second)]
    while waiting:
        seen, sent = waiting.pop()
        if isinstance(sent, dict) and isinstance(seen, dict):
            names = [name for name in sent if name != "$schema" and name not in aside]
            if not all(name in seen for name in names):
                return False
            waiting += ((seen[name], sent[name]) for name in names)
        elif seen != sent or (type(seen) is bool) is not (type(sent) is bool):
            return False
    return True


def _continued(view: View) -> Iterator[tuple[Node, Node]]:
    """Answers to requests that go on from an earlier Response."""
    sent = view.request["previous_response_id"]
    for root in answers_to_requests(view) if sent.text else ():
        yield root["previous_response_id"], sent


@responses.rule(
    "previous",
    over=_continued,
    needs=[Aspect.REQUEST],
    see=see.CONVERSATION_STATE,
    basis="the API reference: what came before is the context of this Response; no client measured compares the ids",
    harm="the model answers without the turns before, and nobody is told",
)
def previous(node: Node, sent: Node) -> Iterable[Complaint]:
    """A Response that goes on from another has the `previous_response_id` that was sent."""
    if node.value != sent.value:
        renamed = bool(node.text)
        harm = "who follows the turns back asks for a Response by an id that it was never given" if renamed else ""
        yield node, f"{node}, another id" if renamed else f"{node}: nothing says that it was read", str(sent), harm


def with_choice(view: View) -> Iterator[tuple[Node, Node]]:
    """Completed Responses with the `tool_choice` of their request, where it decides."""
    choice = view.request["tool_choice"]
    may_be_had = choice and not forces_without_tools(view.request)
    for root in completed(view) if view.endpoint == CREATED and may_be_had else ():
        if not has_refusal(root):
            yield root, choice


_OF_TYPE = {"function": "function_call", "custom": "custom_tool_call"}


@responses.rule(
    "tool-choice",
    over=with_choice,
    needs=[Aspect.REQUEST],
    see=see.FUNCTIONS,
    harm="agents that force a call get prose, or run what they forbade",
)
def tool_choice(root: Node, choice: Node) -> Iterable[Complaint]:
    """`tool_choice` required brings a call, a named tool brings a call of it, and none brings no call."""
    called = [(item.text_of("type"), item) for item in items_of(root) if _is_call(item.text_of("type"))]
    if choice.value == "none":
        for _, item in [each for each in called if each[0] in _OF_TYPE.values()][:1]:
            yield item, f"a call of {item['name']}", "no call"
        return
    required = choice.value == "required" or (
        choice.text_of("type") == "allowed_tools" and choice["mode"].value == "required"
    )
    if required and not called:
        yield root["output"], "no call", "a call: tool_choice is required"
    kind, name = _OF_TYPE.get(choice.text_of("type")), choice["name"].text
    if kind and name and not any(seen == kind and item["name"].value == name for seen, item in called):
        yield root["output"], f"no call of {show(name)}", f"a call of {show(name)}"


def _is_call(kind: str) -> bool:
    return kind.endswith("_call") or kind in ("mcp_approval_request", "mcp_list_tools")


def _formatted(view: View) -> Iterator[tuple[Node, Node, Fitting]]:
    """The texts of completed Responses that were to be JSON, with the format that was sent."""
    form = view.request["text"]["format"]
    if view.endpoint != CREATED or form.text_of("type") not in ("json_schema", "json_object"):
        return
    fitting = Fitting()
    for root in completed(view):
        texts = [] if has_refusal(root) else texts_of(root)
        yield from ((node, form, fitting) for node in texts if node.text and not holds_dummy(node.text))


@responses.rule(
    "format",
    over=_formatted,
    needs=[Aspect.REQUEST],
    yields_to=(".refuses-wrong-values",),
    see=see.STRUCTURED,
    harm="`json.loads(response.output_text)` raises, or typed clients fail to parse the answer",
)
def format_(node: Node, form: Node, fitting: Fitting) -> Iterable[Complaint]:
    """With `text.format` json_schema or json_object the text is JSON, and fits the schema where that is strict."""
    count, value = read_json(node.text)
    if not count:
        yield node, f"{excerpt(node.text, 50)!r}", "a JSON text"
    elif form.text_of("type") == "json_object" and not isinstance(value, dict):
        yield node, f"{excerpt(node.text, 50)!r}", "a JSON object"
    elif form["strict"].value is True and (wrong := _misfit(value, form["schema"], fitting)):
        yield node, wrong, "JSON that fits the schema"


def _misfit(value: Any, schema: Node, fitting: Fitting) -> str:
    return fitting.violation(value, schema.value) if schema.kind == "object" else ""


def _limited(view: View) -> Iterator[tuple[Node, float]]:
    """The output tokens of finished Responses beside their limit."""
    limit = view.request["max_output_tokens"].number
    for root in finished(view) if view.endpoint == CREATED and limit else ():
        if root["usage"]["output_tokens"].number is not None:
            yield root["usage"]["output_tokens"], limit or 0


@responses.rule(
    "limit",
    over=_limited,
    needs=[Aspect.REQUEST],
    see=see.RESPONSE_CREATE,
    harm="callers pay for more than they allowed",
)
def limit(node: Node, most: float) -> Iterable[Complaint]:
    """`usage.output_tokens` is at most the `max_output_tokens` of the request."""
    if (node.number or 0) > most:
        yield node, str(node), f"at most {show(most)}"


def _with_limited_text(view: View) -> Iterator[tuple[Node, Node, float]]:
    """Responses to a request with a limit that end in a text: the Response, the text and the limit."""
    most = view.request["max_output_tokens"].number
    for root in finished(view) if view.endpoint == CREATED and most else ():
        texts, types = texts_of(root), [item.text_of("type") for item in items_of(root)]
        if texts and types[-1] == "message":
            yield root, texts[-1], most or 0


@responses.rule(
    "length-said",
    over=_with_limited_text,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    see=see.RESPONSE_CREATE,
    harm="a text that was cut off is taken for a whole one",
)
def length_said(root: Node, text: Node, most: float) -> Iterable[Complaint]:
    """A Response that used all of `max_output_tokens` and stops in mid-sentence does not claim to be completed."""
    used_all = root["usage"]["output_tokens"].number == most
    if used_all and root.text_of("status") == "completed" and stops_within_a_sentence(text.text):
        yield root["status"], f"completed, after {show(most)} tokens and in mid-sentence", '"incomplete"'


def _with_small_limit(view: View) -> Iterator[View]:
    """Replies to requests whose limit is below the least."""
    given = view.request["max_output_tokens"]
    small = given.kind == "integer" and given.value < LEAST_LIMIT
    if view.endpoint == CREATED and view.status and view.status < 500 and small and view.status != 429:
        yield view


@responses.rule(
    "least-limit",
    over=_with_small_limit,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    see=see.RESPONSE_CREATE,
    harm="what works against this server is refused by OpenAI",
)
def least_limit(view: View) -> Iterable[Complaint]:
    """A `max_output_tokens` below 16 is refused."""
    if view.status < 400 and not view.is_failed_success:
        yield view, f"status {view.status}", "status 400, param max_output_tokens"


@responses.rule(
    "unknown-model",
    over=lambda view: [view] if view.endpoint == CREATED and _is_unknown_model(view) else [],
    level=SHOULD,
    yields_to=("errors.callers-mistake",),
    see=see.RESPONSE_CREATE,
    harm="clients that tell a wrong model from a wrong path by status and param cannot",
)
def unknown_model(view: View) -> Iterable[Complaint]:
    """An unknown model is refused with status 400 and `param` "model", where chat completions say 404."""
    if view.status != 400:
        yield view, f"status {view.status}", "status 400"
    elif view.root["error"]["param"].value != "model":
        yield view.root["error"]["param"], str(view.root["error"]["param"]), '"model"'


def _is_unknown_model(view: View) -> bool:
    return view.is_refusal and view.root["error"]["code"].value == "model_not_found"


@responses.rule(
    "unknown-previous",
    over=lambda view: [view] if view.endpoint == CREATED and _is_unknown_previous(view) else [],
    see=see.CONVERSATION_STATE,
    harm="clients that begin anew where the earlier Response is gone do not notice that it is",
)
def unknown_previous(view: View) -> Iterable[Complaint]:
    """An unknown `previous_response_id` is refused with status 400 or 404, and nothing else."""
    if view.status not in (400, 404):
        harm = "clients repeat a 5xx, which can never succeed" if view.status >= 500 else ""
        yield view, f"status {view.status}", "status 400 or 404", harm


def _is_unknown_previous(view: View) -> bool:
    return view.is_refusal and view.root["error"]["code"].value == "previous_response_not_found"
