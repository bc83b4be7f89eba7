"""A live run: how it finds the target, what it does with trouble, and that it always ends with a report."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from contract_tests.run.outcome import CaseResult, ExitCode, Outcome, RunReport
from contract_tests.run.run import NoModel, Options, Plan, Unreachable, UsageError, run
from contract_tests.tests.small_target import (
    Asked,
    SmallTarget,
    completed,
    completion,
    lead_astray,
    of,
    refusal,
    reply,
    report_of,
    sensible,
)


@pytest.fixture(autouse=True)
def _hostile_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    lead_astray(monkeypatch)


def _ids(result: CaseResult) -> set[str]:
    return {one.rule.id for one in result.findings}


# -- finding the target


@pytest.mark.parametrize("path", ["/v1", "/v1/", "", "/"])
def test_the_url_is_found_with_and_without_v1(path: str) -> None:
    report, target = report_of(sensible, "chat.short", url=f"http://127.0.0.1:PORT{path}")
    assert report.target == target.base_url
    assert of(report, "chat.short").outcome is Outcome.PASS
    assert bool(report.notes) == ("v1" not in path)


def test_a_target_below_another_path_without_v1() -> None:
    def answer(asked: Asked) -> bytes:
        path = asked.path.removeprefix("/api")
        if path == asked.path or path.startswith("/v1"):
            return refusal(404, "no")
        return sensible(Asked(asked.method, f"/v1{path}", asked.headers, asked.body))

    report, target = report_of(answer, "chat.short", url="http://127.0.0.1:PORT/api/v1")
    assert report.target == f"http://127.0.0.1:{target.port}/api"
    assert report.exit_code() is ExitCode.OK


def test_a_target_without_models_is_found_by_a_chat_request() -> None:
    def answer(asked: Asked) -> bytes | None:
        return refusal(404, "no") if "models" in asked.path else None

    report, target = report_of(answer, "chat.short", "models", url="http://127.0.0.1:PORT")
    assert report.target == target.base_url
    assert any("lists no models" in note for note in report.notes)
    assert of(report, "models.list").outcome is Outcome.UNSUPPORTED
    assert report.exit_code() is ExitCode.OK


def test_nobody_there() -> None:
    with pytest.raises(Unreachable, match="refused"):
        asyncio.run(run(Options("http://127.0.0.1:1/v1")))


@pytest.mark.parametrize(
    ("said", "why"),
    [(refusal(404, "what?"), "check the URL"), (refusal(401, "who are you?"), "requires a key")],
)
def test_a_target_that_answers_nothing_of_ours(said: bytes, why: str) -> None:
    with pytest.raises(Unreachable, match=why):
        report_of(lambda asked: said)


@pytest.mark.parametrize(
    ("name", "typed"), [("gpt-4o-mini", "--model gpt-4o-mini"), ("my model; x", "--model 'my model; x'")]
)
def test_the_only_model_is_named_as_it_is_typed(name: str, typed: str) -> None:
    assert str(NoModel([name])).endswith(f"name the one that it lists: {typed}")


def test_a_model_must_be_named_where_the_usual_one_is_not_listed() -> None:
    def answer(asked: Asked) -> bytes | None:
        listed = {"object": "list", "data": [{"id": "mine"}, {"id": "yours"}]}
        return reply(200, listed) if asked.path.endswith("/models") else None

    with pytest.raises(NoModel) as caught:
        report_of(answer)
    assert caught.value.listed == ("mine", "yours")
    assert "mine, yours (as in --model mine)" in str(caught.value)
    report, target = report_of(answer, "chat.short", "tools.auto", model="mine", models={"tools": "yours"})
    assert report.model == "mine"
    assert [one.json["model"] for one in target.asked if one.body] == ["mine", "mine", "yours"]


@pytest.mark.parametrize(
    "options",
    [
        {"url": "ftp://127.0.0.1"},
        {"url": "http://user:secret@127.0.0.1"},
        {"select": ("chat.nope",)},
        {"select": ("cha",)},
        {"concurrency": 0},
        {"headers": (("bad name", "x"),)},
        {"ca_file": "/no/such/file", "url": "https://127.0.0.1:PORT"},
        {"api_key": "line\nbreak"},
    ],
)
def test_options_that_cannot_be_used(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        report_of(sensible, **options)


def test_the_plan_is_said_first_and_results_as_they_come() -> None:
    said: list[Plan | CaseResult] = []

    async def go() -> RunReport:
        async with SmallTarget() as target:
            return await run(Options(target.base_url, select=("chat.short", "errors")), said.append, said.append)

    report = completed(go())
    plan = said[0]
    assert isinstance(plan, Plan)
    assert plan.cases == 25 == len(said) - 1
    assert plan.requests >= report.requests >= 34
    assert plan.max_tokens == 216 + 32
    assert set(said[1:]) == set(report.results)


# -- outcomes


def test_a_refusal_that_names_the_parameter_is_unsupported() -> None:
    def answer(asked: Asked) -> bytes | None:
        return refusal(400, "n must be 1", param="n") if asked.json.get("n") == 2 else None

    result = of(report_of(answer, "chat.n")[0], "chat.n")
    assert (result.outcome, result.findings) == (Outcome.UNSUPPORTED, ())
    assert "n must be 1" in result.reason


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        (refusal(400, "no"), "relations.accepted"),
        (refusal(500, "n is too much for me"), "relations.accepted"),
        (refusal(404, "no such path"), "relations.accepted"),
        (reply(200, b""), "http.body-not-empty"),
        (completion(), "chat.choice-count"),
    ],
)
def test_anything_else_is_a_failure(said: bytes, rule: str) -> None:
    report, _ = report_of(lambda asked: said if asked.json.get("n") else None, "chat.n")
    assert rule in _ids(of(report, "chat.n"))
    assert report.exit_code() is ExitCode.FINDINGS


def test_what_a_case_needs_first_is_not_there() -> None:
    report, _ = report_of(lambda asked: reply(200, {"text": "?"}) if asked.body else None, "chat.own-message")
    assert of(report, "chat.own-message").outcome is Outcome.FAIL
    assert "to send back" in of(report, "chat.own-message").reason


def test_a_fault_of_a_case_is_the_harness(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(case: object, session: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("contract_tests.run.play.judge", broken)
    report, _ = report_of(sensible, "chat.short")
    assert of(report, "chat.short").outcome is Outcome.HARNESS_FAILED
    assert report.exit_code() is ExitCode.HARNESS


def test_a_parameter_that_only_saves_is_given_up() -> None:
    def answer(asked: Asked) -> bytes | None:
        told = "Unsupported parameter: use 'max_completion_tokens'"
        return refusal(400, told, param="max_tokens") if "max_tokens" in asked.json else None

    report, target = report_of(answer, "chat.short", "chat.max-tokens", concurrency=1)
    assert of(report, "chat.short").outcome is Outcome.PASS
    assert target.asked[-2].json["max_completion_tokens"] == 32
    assert of(report, "chat.max-tokens").outcome is Outcome.UNSUPPORTED
    assert any("max_completion_tokens" in note for note in report.notes)


# -- what a refusal earns


def test_a_name_that_only_occurs_in_a_refusal_is_not_unsupported() -> None:
    def answer(asked: Asked) -> bytes | None:
        return refusal(400, "Invalid model name passed in") if "ada" in str(asked.json) else None

    result = of(report_of(answer, "chat.name")[0], "chat.name")
    assert (result.outcome, _ids(result)) == (Outcome.FAIL, {"relations.accepted"})


def test_an_error_of_another_form_says_which_parameter_it_refuses() -> None:
    def answer(asked: Asked) -> bytes | None:
        wrong = {"loc": ["body", "tool_choice"], "msg": "Input should be 'auto'", "type": "enum"}
        return reply(422, {"detail": [wrong]}) if "tool_choice" in asked.json else None

    result = of(report_of(answer, "tools.required")[0], "tools.required")
    assert _ids(result) == {"errors.object", "errors.not-422"}
    assert "tool_choice is refused: Input should be 'auto'" in result.findings[0].actual
    result = of(report_of(lambda asked: answer(asked) or None, "relations.calls")[0], "relations.calls")
    assert result.outcome is Outcome.FAIL


@pytest.mark.parametrize("status", [400, 413, 500])
def test_a_request_too_long_for_the_model_is_not_reached(status: int) -> None:
    message = "This model's maximum context length is 512 tokens. However, you requested 612 tokens."

    def answer(asked: Asked) -> bytes | None:
        return refusal(status, message, code="context_length_exceeded") if len(asked.body) > 1000 else None

    result = of(report_of(answer, "chat.long-system")[0], "chat.long-system")
    assert result.outcome is Outcome.NOT_REACHED
    assert "relations.accepted" not in _ids(result)
    assert "context is too short" in result.reason


def test_a_model_that_reads_no_pictures_is_unsupported() -> None:
    def answer(asked: Asked) -> bytes | None:
        return refusal(400, "tiny is not a multimodal model") if b"image_url" in asked.body else None

    result = of(report_of(answer, "chat.image")[0], "chat.image")
    assert (result.outcome, _ids(result)) == (Outcome.UNSUPPORTED, set())
    assert "reads no pictures" in result.reason


def test_the_status_of_a_refused_valid_request_is_no_finding_of_its_own() -> None:
    """As gpt4free refuses `stream: null`."""
    wrong = {"loc": ["body", "stream"], "message": "Input should be a valid boolean", "type": "bool_type"}

    def answer(asked: Asked) -> bytes | None:
        return reply(422, {"detail": [wrong]}) if "stream" in asked.json and asked.json["stream"] is None else None

    result = of(report_of(answer, "chat.nulls")[0], "chat.nulls")
    assert _ids(result) == {"relations.accepted", "errors.object"}
    assert result.findings[-1].actual == "dict: status 422: stream is refused: Input should be a valid boolean"
