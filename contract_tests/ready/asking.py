"""The requests of a client as cases of a run, and what ended an answer though no rule is broken."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from contract_tests.ready.bodies import Body, going_on
from contract_tests.ready.seen import APIS, SeenClient, SeenRequest, expand
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.response_stream import FINAL
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.said import said_in, text_of_reply
from contract_tests.run.outcome import RunReport
from contract_tests.run.preflight import NO_ENDPOINT, describe_answer
from contract_tests.target.ask import Ask, Case
from contract_tests.target.errors import Refused
from contract_tests.target.refusals import is_about_model
from fake_server.relay.redact import excerpt

_RESPONSES = APIS["responses"].removeprefix("/")
_ABOUT_KEY = (401, 403, 407)
_CALLS = ("tool_calls", "function_call")
CALL = "call"
"""What the names of the requests begin with that are to be answered by a call."""
TEXT_DELTA = "response.output_text.delta"
FAILED, INCOMPLETE, ERROR = "failed", "incomplete", "error event"
"""How an answer can end without being whole."""


def cases_of(client: SeenClient, api: str) -> Sequence[Case]:
    """What the client sends by this API, each request a case that is called `API.NAME`."""
    requests = client.requests[api]
    before = {request.name: request for request in requests}
    return [_case(request, api, before.get(request.after)) for request in requests]


def _case(request: SeenRequest, api: str, before: SeenRequest | None) -> Case:
    async def play(ask: Ask) -> None:
        role = "stream" if request.is_stream else "dict"
        body = expand(request.body)
        if before is not None:
            said = said_in(await send(ask, before, expand(before.body), "call"))
            body = going_on(body, said.root) if said else None
            if body is None:
                return  # the tools are not called: the witness says so
        view = await send(ask, request, body, role)
        ask.valid.add(role)
        if not view.ok:
            raise Refused(f"status {view.status or 'none'}")

    return Case(f"{api}.{request.name}", "", 2 if before else 1, 0, (), play)


async def send(ask: Ask, request: SeenRequest, body: Body, role: str) -> View:
    """Send a request of the client with another body, for the model of the run."""
    sent = json.dumps({**body, "model": ask.model}, ensure_ascii=False).encode()
    return await ask.raw(request.method, request.path, sent, request.headers, role=role)


def trouble_of(report: RunReport) -> str:
    """Why nothing could be judged: every request was refused for its key or its model, or failed; else ''."""
    views = [View(exchange) for result in report.results for exchange in result.exchanges]
    if not views or any(view.ok for view in views):
        return ""
    view = views[0]
    if is_about_model(view):
        todo = f"name a model that it has with --model, {report.model} was asked for"
    elif view.status in _ABOUT_KEY:
        todo = "set OPENAI_API_KEY or --key-env to a key that it, or its upstream, accepts"
    elif not view.status or (view.status >= 500 and view.status not in NO_ENDPOINT):
        todo = "see the target's log, and whether its upstream answers"
    else:
        return ""
    return f"none of the client's requests has an answer ({describe_answer(view)}); {todo}"


def end_of(view: View) -> tuple[str, str]:
    """How the answer to a request for a Response ended if it is not whole, and what was said of it; else two ''."""
    if view.endpoint != _RESPONSES or not view.ok:
        return "", ""
    root = view.root
    if view.form == "events":
        events = [payload.node for payload in view.payloads]
        finals = [event["response"] for event in events if event.text_of("type") in FINAL]
        errors = [event for event in events if event.text_of("type") == "error"]
        if errors and not finals:
            return ERROR, _said(errors[0]["message"].text or errors[0]["error"]["message"].text or str(errors[0]))
        if not finals:
            return "", ""
        root = finals[0]
    if root["status"].value == FAILED:
        error = root["error"]
        return FAILED, _said(": ".join(filter(None, (error["code"].text, error["message"].text))) or str(error))
    if root["status"].value == INCOMPLETE:
        return INCOMPLETE, _said(root["incomplete_details"]["reason"].text or str(root["incomplete_details"]))
    return "", ""


def _said(text: str) -> str:
    return excerpt(" ".join(text[:1000].split()), 160)


def calls_in(view: View) -> list[str]:
    """The names of the tools that are called in an answer; those that the server runs itself go by their types."""
    if view.endpoint != _RESPONSES:
        calls = [call for said in _said_in(view) for call in (*said["tool_calls"], said)]
        named = [call[kind]["name"].text for call in calls for kind in ("function", "custom", "function_call")]
        return [name for name in named if name]
    called = [node for node in _items_and_events(view) if node.text_of("type").endswith("_call")]
    return [node["name"].text or node.text_of("type").removesuffix("_call") for node in called]


def text_in(view: View) -> str:
    """All that an answer says in text, in whichever of its places: a client reads one of them."""
    if view.endpoint != _RESPONSES:
        return "".join(said["content"].text for said in _said_in(view))
    nodes = list(_items_and_events(view))
    pieces = "".join(node["delta"].text for node in nodes if node.text_of("type") == TEXT_DELTA)
    whole = [part["text"].text for node in nodes for part in node["content"]]
    return "\n".join((pieces, *whole, text_of_reply(view)))


def says_something(view: View) -> bool:
    """Whether a client finds a text, a refusal or a call in the answer."""
    if view.endpoint != _RESPONSES:
        return _chat_has(view, "content", "refusal", *_CALLS)
    return has_call(view) or any(
        node["delta"].text or any(part["text"].text or part["refusal"].text for part in node["content"])
        for node in _items_and_events(view)
    )


def has_call(view: View) -> bool:
    """Whether a tool is called in the answer."""
    if view.endpoint != _RESPONSES:
        return _chat_has(view, *_CALLS)
    return any(node.text_of("type").endswith("_call") for node in _items_and_events(view))


def _chat_has(view: View, *names: str) -> bool:
    """Whether a message, or a piece of one, has something in one of these members."""
    return any(said[name] and said[name].value for said in _said_in(view) for name in names)


def _said_in(view: View) -> Iterator[Node]:
    """The messages of a chat completion, or the pieces of them in its chunks."""
    for root in (view.root, *view.chunks):
        for choice in root["choices"]:
            yield choice["message"]
            yield choice["delta"]


def _items_and_events(view: View) -> Iterator[Node]:
    """The items of a Response; in a stream the events and the items that they add or close."""
    if view.form != "events":
        yield from view.root["output"]
        return
    for payload in view.payloads:
        yield payload.node
        yield payload.node["item"]
