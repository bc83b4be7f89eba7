"""What is lost or changed on the way in, and what real clients send: each is named, and nothing else is."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from contract_tests.cases.prompts import BOOKING
from contract_tests.rules import judge_trace
from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import Outcome, RunReport
from contract_tests.run.run import Options, run
from contract_tests.tests import planted
from contract_tests.tests.small_target import Asked, completion, of, refusal, reply, report_of
from contract_tests.tests.small_traces import asked_back, by_default
from fake_server.testing.server import FakeServer


def ran(edit: planted.Edit | None, *select: str, bug: planted.Bug = planted.no_bug) -> RunReport:
    """A run over a proxy that edits requests on their way to the fake."""
    with FakeServer(seed=1) as fake, planted.Planted(fake.base_url, bug, edit) as proxy:
        return asyncio.run(run(Options(proxy.base_url, select=select)))


def found(report: RunReport) -> set[str]:
    return {finding.rule.id for finding in report.findings}


def of_role(asked: dict[str, Any], role: str) -> list[dict[str, Any]]:
    return [message for message in asked.get("messages", ()) if message.get("role") == role]


def without_names(asked: dict[str, Any]) -> None:
    for message in asked.get("messages", ()):
        message.pop("name", None)


def without_a_turn(asked: dict[str, Any]) -> None:
    if len(asked["messages"]) > 2:
        del asked["messages"][0]


def last_message_alone(asked: dict[str, Any]) -> None:
    del asked["messages"][:-1]


def short_results(asked: dict[str, Any]) -> None:
    for message in of_role(asked, "tool"):
        if isinstance(message["content"], str):
            message["content"] = message["content"][:40]
        else:
            message["content"] = message["content"][:1]


def second_result_empty(asked: dict[str, Any]) -> None:
    for message in of_role(asked, "tool")[1:]:
        message["content"] = ""


def first_part_alone(role: str) -> planted.Edit:
    """Keep only `content[0]` of messages of this role."""

    def edit(asked: dict[str, Any]) -> None:
        for message in of_role(asked, role):
            if isinstance(message.get("content"), list):
                message["content"] = message["content"][:1]

    return edit


def first_part_as_string(asked: dict[str, Any]) -> None:
    for message in asked.get("messages", ()):
        if isinstance(message.get("content"), list) and message["role"] != "user":
            message["content"] = message["content"][0]["text"]


def text_beside_calls_alone(asked: dict[str, Any]) -> None:
    """Keep what is in parts beside a tool call only as its first part."""
    for message in of_role(asked, "assistant"):
        if message.get("tool_calls") and isinstance(message.get("content"), list):
            message["content"] = message["content"][0]["text"]


def bare_tools(asked: dict[str, Any]) -> None:
    for tool in asked.get("tools", ()):
        tool["function"]["description"] = ""


def without_enums(asked: dict[str, Any]) -> None:
    for tool in asked.get("tools", ()):
        for schema in tool["function"].get("parameters", {}).get("properties", {}).values():
            schema.pop("enum", None)


@pytest.mark.parametrize(
    ("edit", "case_id", "hidden_in"),
    [
        (first_part_alone("system"), "chat.parts", ["part 2 of a system message"]),
        (first_part_alone("assistant"), "chat.parts", ["part 2 of an assistant message"]),
        (first_part_as_string, "chat.parts", ["part 2 of a system message", "part 2 of an assistant message"]),
        (first_part_alone("assistant"), "tools.call-in-parts", ["part 2 of an assistant message with a call"]),
        (text_beside_calls_alone, "tools.call-in-parts", ["part 2 of an assistant message with a call"]),
        (short_results, "tools.parts", ["part 2 of a tool's result"]),
        (bare_tools, "tools.described", ["a tool's description"]),
        (without_enums, "tools.described", ["a parameter's enum"]),
    ],
)
def test_what_is_lost_says_where_it_stood(edit: planted.Edit, case_id: str, hidden_in: list[str]) -> None:
    report = ran(edit, case_id)
    assert found(report) == {"relations.asked-back"}
    assert [finding.expected.partition(", which stands in ")[2] for finding in report.findings] == hidden_in


def no_tools_by_default(asked: dict[str, Any]) -> None:
    if "tool_choice" not in asked:
        asked.pop("tools", None)


@pytest.mark.parametrize(
    ("edit", "case_id", "rule"),
    [
        (without_names, "chat.name", "relations.name-counted"),
        (without_a_turn, "chat.long-history", "usage.prompt-size"),
        (last_message_alone, "chat.turns", "relations.asked-back"),
        (short_results, "tools.history", "usage.prompt-size"),
        (short_results, "tools.parts", "relations.asked-back"),
        (second_result_empty, "tools.two-results", "usage.prompt-size"),
        (no_tools_by_default, "tools.bare", "relations.offered-by-default"),
    ],
)
def test_what_is_lost_on_the_way_in_is_named(edit: planted.Edit, case_id: str, rule: str) -> None:
    report = ran(edit, case_id)
    assert found(report) == {rule}
    assert of(report, case_id).outcome is Outcome.WARN


def test_nothing_is_named_where_all_arrives() -> None:
    names = ("chat", "tools", "models", "errors", "embeddings")
    report = ran(None, *names)
    assert found(report) == {"errors.allow"}  # the proxy's own


def test_a_model_that_cannot_repeat_is_no_witness() -> None:
    for trace in (asked_back("", ""), asked_back("", "ka", "", ""), by_default(*[False, True] * 3), by_default(False)):
        assert judge_trace(trace).applied & {"relations.asked-back", "relations.offered-by-default"} == set()


# -- what a proxy makes of arguments


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("guests", "4"),
        ("guests", 4.5),
        ("outside", "true"),
        ("dishes", "fish, rice"),
        ("dishes", [{"name": "fish"}]),
        ("host", '{"name": "Ada", "age": 36}'),
        ("host", {"name": "Ada", "age": 36, "extra": 1}),
    ],
)
def test_arguments_of_another_type_are_named(name: str, value: Any) -> None:
    def change(answered: planted.Reply) -> None:
        root = answered.value
        for choice in root.get("choices", ()):
            for call in choice["message"].get("tool_calls", ()):
                arguments = {**json.loads(call["function"]["arguments"]), name: value}
                call["function"]["arguments"] = json.dumps(arguments)
        answered.value = root

    report = ran(None, "tools.strict", bug=change)
    assert {rule.rule.id for rule in report.findings if rule.rule.level is Level.MUST} == {"tools.strict-kept"}


def test_streamed_arguments_of_another_type_are_named() -> None:
    def change(answered: planted.Reply) -> None:
        events = answered.events
        pieces = [
            call["function"]
            for event in events
            if event != planted.DONE
            for choice in event["choices"]
            for call in choice["delta"].get("tool_calls", ())
        ]
        whole = json.loads("".join(piece["arguments"] for piece in pieces))
        for piece in pieces:
            piece["arguments"] = ""
        pieces[-1]["arguments"] = json.dumps({**whole, "guests": "four"})
        answered.events = events

    report = ran(None, "tools.stream-strict", bug=lambda answered: change(answered) if answered.streamed else None)
    assert {found.rule.id for found in report.findings if found.rule.level is Level.MUST} == {"tools.strict-kept"}


def test_a_strict_tool_has_parameters_of_every_type() -> None:
    kinds = str(BOOKING["function"]["parameters"])
    for kind in ("string", "integer", "number", "boolean", "array", "object", "null"):
        assert f"'{kind}'" in kinds


# -- requests that real clients send


def refusing(condition: Any) -> Any:
    return lambda asked: refusal(400, "I do not take this.") if condition(asked.json) else None


def in_parts_of(asked: dict[str, Any], role: str) -> bool:
    return any(isinstance(message["content"], list) for message in of_role(asked, role) if "content" in message)


def beside_calls(asked: dict[str, Any], content: str | None) -> bool:
    """Whether a tool call stands beside this content, which is there."""
    made = (message for message in asked.get("messages", ()) if message.get("tool_calls"))
    return any(message.get("content", ...) == content for message in made)


@pytest.mark.parametrize(
    ("case_id", "condition"),
    [
        ("chat.nulls", lambda asked: None in asked.values()),
        ("chat.parts", lambda asked: any(isinstance(one.get("content"), list) for one in asked.get("messages", ()))),
        ("chat.parts", lambda asked: in_parts_of(asked, "system")),
        ("chat.parts", lambda asked: in_parts_of(asked, "assistant")),
        ("tools.parts", lambda asked: any("content" not in one for one in asked.get("messages", ()))),
        ("tools.call-in-parts", lambda asked: in_parts_of(asked, "assistant")),
        ("tools.history", lambda asked: beside_calls(asked, None)),
        ("tools.two-results", lambda asked: beside_calls(asked, "")),
        ("tools.bare", lambda asked: any("parameters" not in tool["function"] for tool in asked.get("tools", ()))),
        ("tools.bare", lambda asked: "tools" in asked and "tool_choice" not in asked),
    ],
)
def test_a_request_of_real_clients_is_to_be_answered(case_id: str, condition: Any) -> None:
    report, _ = report_of(refusing(condition), case_id)
    assert of(report, case_id).outcome is Outcome.FAIL
    assert {"relations.accepted"} <= found(report)


def test_a_null_that_is_refused_is_not_left_out_from_then_on() -> None:
    def answer(asked: Asked) -> bytes | None:
        if "temperature" in asked.json and asked.json["temperature"] is None:
            return refusal(400, "Invalid type", param="temperature")
        return None

    report, target = report_of(answer, "chat.nulls", concurrency=1)
    assert of(report, "chat.nulls").outcome is Outcome.FAIL
    assert report.notes == ()
    assert any("temperature" in asked.json for asked in target.asked)


@pytest.mark.parametrize("case_id", ["errors.unknown-member", "errors.plain-text"])
def test_what_is_odd_may_be_answered_or_refused_but_not_fail(case_id: str) -> None:
    for said, rules in (
        (completion(), set()),
        (refusal(400, "no"), set()),
        (refusal(500, "oops"), {"errors.callers-mistake"}),
    ):

        def answer(asked: Asked, said: bytes = said) -> bytes | None:
            odd = "no_such_member" in asked.json or asked.headers.get("content-type", "").startswith("text/plain")
            return said if odd else None

        report, _ = report_of(answer, case_id)
        assert {one.rule.id for one in report.findings if one.rule.level is not Level.NOTE} == rules


@pytest.mark.parametrize(
    ("case_id", "count", "rule"),
    [
        ("errors.no-tokens", 2, "errors.refuses-wrong-values"),
        ("errors.tool-choice", 3, "errors.refuses-wrong-values"),
        ("errors.response-format", 6, "errors.refuses-wrong-format"),
    ],
)
def test_what_is_wrong_is_to_be_refused(case_id: str, count: int, rule: str) -> None:
    report, _ = report_of(lambda asked: completion("{}") if asked.path.endswith("completions") else None, case_id)
    assert [one.rule.id for one in report.findings].count(rule) == count


def test_an_unknown_encoding_that_is_answered_is_named() -> None:
    with (
        FakeServer(seed=1) as fake,
        planted.Planted(fake.base_url, planted.no_bug, lambda asked: asked.pop("encoding_format", None)) as proxy,
    ):
        report = asyncio.run(run(Options(proxy.base_url, select=("embeddings.unknown-encoding",))))
    assert found(report) == {"errors.refuses-wrong-values"}


# -- models


def models(*ids: str, by_slash: int = 200, by_code: int = 200) -> Any:
    """A target that lists these models, and answers a look-up by a slash and by %2F with a status of its own."""

    def answer(asked: Asked) -> bytes | None:
        if asked.path == "/v1/models":
            entries = [{"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "me"} for name in ids]
            return reply(200, {"object": "list", "data": entries})
        if asked.path.startswith("/v1/models/"):
            name = asked.path.removeprefix("/v1/models/").replace("%2F", "/")
            status = by_code if "%2F" in asked.path else by_slash
            if name not in ids or status != 200:
                return refusal(404, f"The model {name} does not exist", code="model_not_found", param="model")
            return reply(200, {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "me"})
        return None

    return answer


@pytest.mark.parametrize(
    ("answer", "model", "rules", "count"),
    [
        (models("tree-7b"), "tree-7b", set(), 1),
        (models("tree-7b"), "an-alias", set(), 1),
        (models("tree-7b", by_slash=404), "an-alias", {"relations.accepted"}, 1),
        (models("org/tree-7b"), "org/tree-7b", set(), 2),
        (models("org/tree-7b", by_code=404), "org/tree-7b", {"relations.model-by-slash"}, 2),
        (models("org/tree-7b", by_slash=404), "org/tree-7b", {"relations.model-by-slash"}, 2),
        (models("org/tree-7b", by_slash=404, by_code=404), "org/tree-7b", {"relations.accepted"}, 2),
    ],
)
def test_a_listed_model_can_be_looked_up(answer: Any, model: str, rules: set[str], count: int) -> None:
    report, _ = report_of(answer, "models.retrieve", model=model)
    assert found(report) == rules
    assert len(of(report, "models.retrieve").exchanges) == count


# -- keys


@pytest.mark.parametrize("where", ["body", "header"])
def test_a_key_that_comes_back_is_named_and_masked(where: str) -> None:
    key = "sk-live-4c1e77a0b2d9"

    def answer(asked: Asked) -> bytes | None:
        if asked.is_preflight or not asked.path.endswith("completions"):
            return None
        sent = asked.headers.get("authorization", "")
        said = completion("Hello.")
        if where == "body":
            return completion(f"Hello, {sent}.")
        return said.replace(b"X-Request-Id", f"X-Sent: {sent}\r\nX-Request-Id".encode(), 1)

    report, _ = report_of(answer, "chat.short", api_key=key)
    assert found(report) == {"http.key-kept"}
    assert key not in str(report)
