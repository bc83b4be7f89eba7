"""Each rule on several Responses, or on a conversation, is silent on traces that keep it, and alone on others."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest

from contract_tests.rules import judge_trace
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.tests.small_traces import said as chat
from fake_server.wire.exchange import Exchange, Request, Write

CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": '{"a": 1}'}
THOUGHT = {"type": "reasoning", "summary": []}
GONE = {"error": {"message": "There is none.", "code": None}}
RESPONSES, RESPONSE = "/v1/responses", "/v1/responses/resp_1"
CONVERSATION, ITEMS = "/v1/conversations/conv_1", "/v1/conversations/conv_1/items"


def view_of(value: Any, path: str = RESPONSES, method: str = "POST", status: int = 200, **asked: Any) -> View:
    """The exchange with this JSON value for its body; `asked` is the request's."""
    request = Request(method, path, body=json.dumps({"model": "m", **asked}).encode())
    return View(
        Exchange(request, status, (("Content-Type", "application/json"),), (Write(json.dumps(value).encode()),))
    )


def body(text: str | None = "An acorn", tokens: int = 9, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A Response that says `text` and has these items as well."""
    said = [] if text is None else [{"type": "message", "content": [{"type": "output_text", "text": text}]}]
    usage = {"input_tokens": tokens, "output_tokens": 3, "total_tokens": tokens + 3}
    head = {"id": "resp_1", "object": "response", "status": "completed", "incomplete_details": None}
    return {**head, "output": [*items, *said], "usage": usage, **more}


NUMBERS = count(2)


def response(*about: Any, **more: Any) -> View:
    return view_of(body(*about, **{"id": f"resp_{next(NUMBERS)}", **more}))


def streamed(*about: Any, **more: Any) -> View:
    event = {"type": "response.completed", "response": body(*about, **{"id": f"resp_{next(NUMBERS)}", **more})}
    request = Request("POST", RESPONSES, body=b'{"model": "m", "stream": true}')
    written = f"event: response.completed\ndata: {json.dumps(event)}\n\n".encode()
    return View(Exchange(request, 200, (("Content-Type", "text/event-stream"),), (Write(written),)))


def both(left: View, right: View, deterministic: bool | None = True) -> Trace:
    return Trace("t", {"response": left, "streamed response": right}, deterministic=deterministic)


def many(left: View, right: View) -> Trace:
    """Eight of each, of a target that words its answers in several ways."""
    numbers = ["", *(f" {number}" for number in range(2, 9))]
    sides = (("response", left), ("streamed response", right))
    return Trace("t", {f"{role}{number}": view for role, view in sides for number in numbers}, deterministic=False)


def parts(deterministic: bool | None = None, **roles: View) -> Trace:
    """The exchanges by role; `_` stands for a space."""
    return Trace("t", {role.replace("_", " "): view for role, view in roles.items()}, deterministic=deterministic)


def counted(number: int) -> View:
    return view_of({"object": "response.input_tokens", "input_tokens": number}, f"{RESPONSES}/input_tokens")


def read(value: Any, status: int = 200, path: str = RESPONSE) -> View:
    return view_of(value, path, "GET", status)


def listed(*texts: str, path: str = f"{RESPONSE}/input_items", method: str = "GET") -> View:
    data = [
        {"id": f"msg_{text}", "type": "message", "content": [{"type": "input_text", "text": text}]} for text in texts
    ]
    return view_of({"object": "list", "data": data}, path, method)


def made(**more: Any) -> View:
    return view_of(body(store=True, **more), input="What falls?")


def conversation(topic: str, method: str = "GET", **more: Any) -> View:
    value = {"id": "conv_1", "object": "conversation", "created_at": 1_796_000_000, "metadata": {"topic": topic}}
    return view_of({**value, **more}, CONVERSATION, method)


def deleted(what: str) -> View:
    return view_of({"id": "x", "deleted": True}, {"item": f"{ITEMS}/msg_1"}.get(what, RESPONSE), "DELETE")


CUT: dict[str, Any] = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
FILTERED: dict[str, Any] = {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}

TRACES: list[tuple[str, list[Trace], list[Trace]]] = [
    (
        "relations.response-same-output",
        [
            both(response(), streamed()),
            both(response("An acorn", 9, THOUGHT), streamed()),  # a model thinks, or does not
            many(response("An acorn"), streamed("An oak")),
            both(response("An acorn"), streamed("An oak"), None),
        ],
        [
            both(response(), streamed("An acor")),
            both(response(None, 9, CALL), streamed(None, 9, {**CALL, "arguments": "{}"})),
            both(response(None, 9, CALL), streamed("f()")),
            both(response("Hi", 9, CALL), streamed("Hi")),
            many(response(None, 9, CALL, CALL), streamed(None, 9, CALL)),
            both(response(), streamed(None)),
        ],
    ),
    (
        "relations.response-same-end",
        [both(response(**CUT), streamed(**CUT))],
        [
            both(response(**CUT), streamed()),
            both(response(**CUT), streamed(**FILTERED)),
            many(response(), streamed(**CUT)),
        ],
    ),
    (
        "relations.response-same-usage",
        [both(response(), streamed())],
        [both(response(), streamed("An acorn", 8)), many(response(), streamed("An acorn", 0))],
    ),
    (
        "relations.response-same-members",
        [both(response(model="m"), streamed(model="m")), both(response(), streamed(model="m"))],
        [
            both(response(model="m"), streamed()),
            both(response(tools=[]), streamed()),
            both(response(), streamed(usage={"input_tokens": 9})),
        ],
    ),
    (
        "relations.string-as-message",
        [parts(True, string=response(), message=response()), parts(None, string=response(), message=response("An", 1))],
        [
            parts(True, string=response(), message=response("An acorn", 12)),
            parts(True, string=response(), message=response("What?")),
        ],
    ),
    (
        "relations.as-chat",
        [
            parts(True, chat=chat("An acorn"), as_response=response()),
            parts(True, chat=chat("An acorn", "length"), as_response=response(**CUT)),
        ],
        [
            parts(True, chat=chat("An acorn"), as_response=response("An oak")),
            parts(True, chat=chat("An acorn", "length"), as_response=response()),
            parts(True, chat=chat("An acorn"), as_response=response(None, 9, CALL)),
        ],
    ),
    (
        "relations.as-chat-counted",
        [parts(chat=chat("Hi", usage={"prompt_tokens": 9}), as_response=response("Hi"))],
        [parts(chat=chat("Hi", usage={"prompt_tokens": 9}), as_response=response("Hi", 90))],
    ),
    (
        "relations.counted-beforehand",
        [parts(response=response(), counted=counted(9))],
        [parts(response=response(), counted=counted(8)), parts(response=response(), counted=counted(0))],
    ),
    (
        "relations.earlier-turn-counted",
        [parts(next_turn=response("Hi", 40), by_itself=response())],
        [parts(next_turn=response(), by_itself=response()), parts(next_turn=response("", 8), by_itself=response())],
    ),
    (
        "relations.instructions-once",
        [parts(instructed_turn=response("Hi", 400), turn_without=response("Hi", 60))],
        [
            parts(instructed_turn=response("Hi", 400), turn_without=response("Hi", 440)),
            parts(instructed_turn=response("Hi", 400), turn_without=response("Hi", 400)),
        ],
    ),
    (
        "relations.response-found",
        [
            parts(made=made(), read=read(GONE, 404), read_2=read(body(store=True))),
            parts(made=view_of(body(store=False)), read=read(GONE, 404)),  # it says that it keeps nothing
        ],
        [parts(made=made(), read=read(GONE, 404)), parts(made=made(), read=read(GONE, 404), read_2=read(GONE, 404))],
    ),
    (
        "relations.response-as-made",
        [parts(made=made(), read=read(body(store=True)))],
        [
            parts(made=made(), read=read(body("An oak", store=True))),
            parts(made=made(), read=read(body("An acorn", 7, store=True))),
            parts(made=made(model="m"), read=read(body(store=True, model="n"))),
            parts(made=made(), read=read(body(store=True, status="in_progress"))),
        ],
    ),
    (
        "relations.response-input-kept",
        [parts(made=made(), items=listed("What falls?"))],
        [parts(made=made(), items=listed()), parts(made=made(), items=listed("What falls?", "An acorn"))],
    ),
    (
        "relations.response-gone",
        [
            parts(Response_removed=deleted("Response"), Response_gone=read(GONE, 404)),
            parts(Response_removed=deleted("Response"), Response_gone=read(body()), Response_gone_2=read(GONE, 404)),
        ],
        [
            parts(Response_removed=deleted("Response"), Response_gone=read(body())),
            parts(conversation_removed=deleted("Response"), conversation_gone=conversation("oaks")),
            parts(item_removed=deleted("item"), item_gone=read({"id": "msg_1"}, path=f"{ITEMS}/msg_1")),
        ],
    ),
    (
        "relations.response-not-kept",
        [parts(not_to_be_kept=response(), looked_for=read(GONE, 404))],
        [parts(not_to_be_kept=response(), looked_for=read(body()))],
    ),
    (
        "relations.never-made",
        [Trace("t", {"never made: a Response": read(GONE, 404), "never made: a conversation": read(GONE, 400)})],
        [
            Trace("t", {"never made: a Response": read(body())}),
            Trace("t", {"never made: a conversation": read(GONE, 500)}),
            Trace("t", {"never made: a Response to delete": read({"deleted": True})}),
        ],
    ),
    (
        "relations.previous-refused",
        [parts(behind_nothing=view_of(GONE, status=400)), parts(behind_nothing=view_of(GONE, status=404))],
        [parts(behind_nothing=response()), parts(behind_nothing=response(None, 0))],
    ),
    (
        "relations.cancelled-for-good",
        [parts(cancelled=response(None, status="cancelled"), read_after=read(body(None, status="cancelled")))],
        [
            parts(cancelled=response(None, status="cancelled"), read_after=read(body())),
            parts(cancelled=response(None, status="cancelled"), read_after=read(body(None, status="in_progress"))),
        ],
    ),
    (
        "relations.conversation-kept",
        [parts(conversation=conversation("oaks", "POST"), conversation_read=conversation("oaks"))],
        [
            parts(conversation=conversation("oaks", "POST"), conversation_read=conversation("")),
            parts(conversation=conversation("oaks", "POST"), conversation_read=conversation("oaks", created_at=1)),
            parts(conversation_updated=conversation("oaks", "POST"), conversation_reread=conversation("trees")),
        ],
    ),
    (
        "relations.conversation-items-kept",
        [parts(items_added=listed("a", "b", path=ITEMS, method="POST"), items_listed=listed("a", "b", path=ITEMS))],
        [
            parts(items_added=listed("a", "b", path=ITEMS, method="POST"), items_listed=listed(*texts, path=ITEMS))
            for texts in (("b", "a"), ("a",), (), ("a", "a", "b"))
        ],
    ),
    (
        "relations.conversation-grows",
        [
            parts(turn=made(), items_after=listed(*texts, path=ITEMS))
            for texts in (("What falls?", "An acorn"), ("Hello", "What falls?", "An acorn"))
        ],
        [
            parts(turn=made(), items_after=listed(*texts, path=ITEMS))
            for texts in (
                ("What falls?",),
                (),
                ("An acorn", "What falls?"),
                ("What falls?", "An acorn", "What falls?", "An acorn"),
            )
        ],
    ),
]
SAMPLES = [(name, trace, True) for name, kept, _ in TRACES for trace in kept]
SAMPLES += [(name, trace, False) for name, _, broken in TRACES for trace in broken]


@pytest.mark.parametrize(("name", "trace", "is_kept"), SAMPLES, ids=[f"{name}-{kept}" for name, _, kept in SAMPLES])
def test_a_rule_is_silent_where_it_is_kept_and_alone_where_it_is_broken(name: str, trace: Trace, is_kept: bool) -> None:
    assert judge_trace(trace).ids() == (set() if is_kept else {name})


def test_each_rule_was_tried_on_what_keeps_it() -> None:
    applied = {name: judge_trace(kept[0]).applied for name, kept, _ in TRACES}
    assert [name for name in applied if name not in applied[name]] == []
