"""A model that thinks before it answers: it gets room for that, and what had no word is said to prove little."""

from __future__ import annotations

import asyncio
import json
from io import StringIO
from typing import Any

import pytest
from junitparser import JUnitXml
from rich.console import Console

from contract_tests.report.files import as_json
from contract_tests.report.terminal import Terminal
from contract_tests.rules.engine.answers import is_wordless
from contract_tests.run.outcome import ExitCode, Outcome, RunReport
from contract_tests.run.preflight import ROOM, TOKENS
from contract_tests.run.run import Options, Plan, run
from contract_tests.tests import planted
from contract_tests.tests.junit_of_run import as_junit
from contract_tests.tests.small_target import Asked, completion, of, refusal, report_of
from contract_tests.tests.small_traces import CALL, said, streamed
from fake_server.testing.server import FakeServer

LIMITED = ("chat.max-tokens", "chat.max-completion-tokens", "chat.stream.max-tokens", "relations.length")


def limit_of(asked: dict[str, Any]) -> int | None:
    return asked.get("max_completion_tokens", asked.get("max_tokens"))


def thinking(need: int, thought: dict[str, Any]) -> planted.Bug:
    """Answers that say only `thought` where the limit is below `need` tokens."""

    def think(reply: planted.Reply) -> None:
        limit = limit_of(reply.asked) if reply.status == 200 and "messages" in reply.asked else None
        if limit is None or limit >= need:
            return
        if reply.streamed:
            first, *_ = reply.events
            (choice, *_) = first["choices"]
            thinks = {**first, "choices": [{**choice, "delta": {"role": "assistant", **thought}}]}
            ends = {**first, "choices": [{**choice, "delta": {}, "finish_reason": "length"}]}
            reply.events = [thinks, ends, planted.DONE]
        else:
            value = reply.value
            for choice in value["choices"]:
                message = {"role": "assistant", "content": None, "refusal": None, **thought}
                choice.update(message=message, finish_reason="length")
            reply.value = value

    return think


def ran(bug: planted.Bug, *select: str) -> tuple[RunReport, list[Plan]]:
    plans: list[Plan] = []
    with FakeServer(seed=1) as fake, planted.Planted(fake.base_url, bug) as proxy:
        return asyncio.run(run(Options(proxy.base_url, select=select), on_plan=plans.append)), plans


def limits_of(report: RunReport) -> dict[str, set[int | None]]:
    bodies: dict[str, set[int | None]] = {}
    for result in report.results:
        for exchange in result.exchanges:
            bodies.setdefault(result.case_id, set()).add(limit_of(json.loads(exchange.request.body)))
    return bodies


@pytest.mark.parametrize(
    "thought",
    [
        {"content": "", "reasoning_content": "We are asked"},
        {"content": None, "reasoning": "We are asked"},
        {"content": ""},
        {"content": "<think>\nWe are asked"},
        {"content": "\n"},
    ],
)
def test_a_model_that_thinks_has_room_for_it(thought: dict[str, Any]) -> None:
    report, plans = ran(thinking(300, thought), "chat.short", "chat.stream.short", "tools.required", *LIMITED)
    assert report.notes[0] == f"the model has no word within {TOKENS} tokens: 1,000 are added to the limits of answers"
    sent = limits_of(report)
    assert sent["chat.short"] == sent["chat.stream.short"] == {TOKENS + ROOM}
    assert sent["chat.max-tokens"] == {5}
    assert max(filter(None, sent["relations.length"])) <= 20
    wordless = {result.case_id for result in report.results if result.answers[1]}
    assert wordless == {*LIMITED}
    assert "(chat.max-tokens, chat.max-completion-tokens, chat.stream.max-tokens and 1 more)" in report.notes[1]
    (plan,) = plans
    assert plan.max_tokens > 4 * ROOM


def test_a_model_of_which_max_tokens_is_refused_has_room_too() -> None:
    """As o1 and gpt-5 do: they take max_completion_tokens alone."""
    bug = thinking(300, {"content": ""})

    def answer(reply: planted.Reply) -> None:
        if "max_tokens" in reply.asked:
            reply.status = 400
            message = "Unsupported parameter: 'max_tokens' is not supported with this model."
            error = {"message": message, "type": "invalid_request_error", "param": "max_tokens", "code": None}
            reply.value = {"error": {**error, "code": "unsupported_parameter"}}
        else:
            bug(reply)

    report, _ = ran(answer, "chat.short", "chat.parts")
    assert [result.outcome for result in report.results] == [Outcome.PASS] * 2
    assert limits_of(report)["chat.short"] == {TOKENS + ROOM}
    assert any("1,000 are added" in note for note in report.notes)


def test_a_model_that_never_comes_to_a_word_gets_no_more_room() -> None:
    report, _ = ran(thinking(10**9, {"content": ""}), "chat.short", "chat.stream.short")
    assert limits_of(report)["chat.short"] == {TOKENS}
    assert report.notes == (
        f"the model has no word within {TOKENS} tokens, nor within 1,000 more",
        "2 of 2 answers end at their limit before the first word (chat.short, chat.stream.short): a pass proves little",
    )


@pytest.mark.parametrize("param", ["max_tokens", None])
def test_where_a_longer_limit_is_refused_the_short_one_stays(param: str | None) -> None:
    def answer(asked: Asked) -> bytes | None:
        limit = limit_of(asked.json) if asked.path.endswith("completions") else None
        if limit and limit > 512:
            return refusal(400, "max_tokens is too large: 1032. This model supports at most 512.", param=param)
        return completion("", finish="length") if limit else None

    report, _ = report_of(answer, "chat.short")
    (sent,) = (json.loads(exchange.request.body) for exchange in of(report, "chat.short").exchanges)
    assert sent["max_tokens"] == TOKENS
    assert report.notes[0] == f"the model has no word within {TOKENS} tokens, a limit with 1,000 more is refused"


@pytest.mark.parametrize("select", [("chat.short", "chat.max-tokens"), ("embeddings",), ("completions",)])
def test_other_models_are_asked_as_ever_and_nothing_is_said(select: tuple[str, ...]) -> None:
    report, _ = ran(planted.no_bug, *select)
    assert report.notes == ()
    assert report.exit_code() is ExitCode.OK


def test_the_note_is_in_every_report() -> None:
    report, _ = ran(thinking(10**9, {"content": ""}), "chat.short", "chat.stream.short")
    note = report.notes[-1]
    assert note in json.loads(as_json(report, ExitCode.OK))["notes"]
    suites = JUnitXml.fromstring(as_junit(report, ExitCode.OK).encode())
    for suite in suites:
        assert note in [item.value for item in suite.properties() if item.name == "note"]  # type: ignore[no-untyped-call]
    shown = StringIO()
    Terminal(Console(file=shown, width=200)).print_outcomes(report)
    assert note in shown.getvalue()


@pytest.mark.parametrize(
    ("view", "wordless"),
    [
        (said("", "length"), True),
        (said(None, "length"), True),
        (said("<think>Hm", "length"), True),
        (streamed("", "length"), True),
        (said("<think>Hm</think>Hi", "length"), False),
        (said("H", "length"), False),
        (said("", "stop"), False),
        (said(None, "length", tool_calls=[CALL]), False),
        (said(None, "tool_calls", tool_calls=[CALL]), False),
        (streamed("Hi", "length"), False),
    ],
)
def test_what_has_no_word(view: Any, wordless: bool) -> None:
    assert is_wordless(view) is wordless
