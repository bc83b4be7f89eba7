"""The preflight: where valid requests are all refused, one line says what was answered and what to do, exit 3."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from contract_tests.lab.tools.command import run_contract
from contract_tests.run.outcome import ExitCode, Outcome
from contract_tests.run.run import Options, Unreachable, run
from contract_tests.tests.small_target import (
    MODEL,
    Answerer,
    Asked,
    SmallTarget,
    completed,
    lead_astray,
    of,
    refusal,
    reply,
    report_of,
    sensible,
)
from fake_server import FakeServer
from fake_server.wire.bounds import Bounds

KEY = "sk-the-key-of-this-test-0123"
SELECT = ("chat", "tools", "errors", "http", "relations")


@pytest.fixture(autouse=True)
def _hostile_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    lead_astray(monkeypatch)


def to_chat(said: bytes) -> Answerer:
    return lambda asked: said if asked.body else None


def to_all(said: bytes) -> Answerer:
    return lambda asked: said


def stopped(answer: Answerer, **options: object) -> tuple[str, list[Asked]]:
    """Why a run against this target ended before its first case, and what the target was asked."""

    async def go() -> tuple[str, list[Asked]]:
        async with SmallTarget(answer) as small:
            quick = Bounds(connect=1, first_byte=0.2, idle=0.2, exchange=0.5, grace=0.05)
            with pytest.raises(Unreachable) as caught:
                await run(Options(small.base_url, **{"select": SELECT, "bounds": quick, **options}))  # type: ignore[arg-type]
            return str(caught.value), small.asked

    said, asked = completed(go())
    assert len(asked) <= 8
    assert "\n" not in said
    return said, asked


PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
UNKNOWN = refusal(404, "The model `gpt-3.5-turbo` does not exist.", code="model_not_found")
IN_STREAM = reply(200, b'data: {"error": {"message": "no upstream"}}\n\n', kind="text/event-stream")
FAILED_DICT = reply(200, {"error": {"message": "no upstream", "code": 502}})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (to_all(reply(502, PAGE, kind="text/html")), ["status 502", "502 Bad Gateway", "whether its upstream answers"]),
        (to_chat(refusal(503, "overloaded")), ["status 503: overloaded", "a dict and a stream"]),
        (to_chat(UNKNOWN), ["status 404: The model", "--model", f"it lists {MODEL}"]),
        (to_chat(refusal(400, "Invalid model name passed in model=x")), ["status 400", "--model"]),
        (to_chat(refusal(500, "model 'x' not found, try pulling it")), ["status 500", "--model"]),
        (to_chat(refusal(401, "Missing bearer")), ["status 401: Missing bearer", "requires a key; set OPENAI_API_KEY"]),
        (to_chat(refusal(500, "AuthenticationError: no api key")), ["status 500", "requires a key"]),
        (to_chat(reply(200, b"")), ["status 200, no body", "an answer has a body"]),
        (to_chat(reply(204, b"")), ["status 204, no body"]),
        (to_chat(reply(200, b" \n", kind="text/plain")), ["status 200, no body"]),
        (
            to_chat(reply(200, b"<html><body>Please sign in</body></html>", kind="text/html")),
            ["Please sign in", "a web page: check the URL, or set OPENAI_API_KEY"],
        ),
        (to_all(reply(403, b"Forbidden", kind="text/plain")), ["status 403: Forbidden", "requires a key"]),
        (to_chat(refusal(429, "no", "Retry-After: 3600")), ["status 429: no", "wait"]),
        (to_chat(refusal(429, "Used up.", code="insufficient_quota")), ["status 429: Used up.", "quota"]),
        (to_chat(reply(307, b"", "Location: https://x.invalid/v1")), ["status 307, to https://x.invalid/v1"]),
        (to_chat(refusal(400, "x-provider is required")), ["status 400", "--header N:V", "no key was sent"]),
        (lambda asked: b"" if asked.body else None, ["no byte of a reply had arrived", "see the target's log"]),
        (
            lambda asked: (IN_STREAM if asked.json.get("stream") else refusal(502, "down")) if asked.body else None,
            ["a dict: status 502: down", "a stream: status 200: no upstream"],
        ),
        (lambda asked: (IN_STREAM if asked.json.get("stream") else FAILED_DICT) if asked.body else None, ["upstream"]),
        (to_chat(reply(200, {"success": False, "message": "invalid token"})), ["status 200: invalid token", "a key"]),
        (to_chat(reply(200, {"success": False, "errors": [{"code": 7, "message": "Oh"}]})), ["status 200", "Oh"]),
        (to_chat(reply(200, {"choices": None, "error": {"message": "no credits"}})), ["status 200: no credits"]),
        (to_chat(reply(200, [{"error": {"code": 503, "message": "overloaded"}}])), ["status 200", "overloaded"]),
        (to_chat(reply(200, {"fault": {"faultstring": "Quota"}})), ["status 200", "Quota"]),
        (to_chat(reply(200, {"code": 40001, "msg": "no such app"})), ["status 200", "no such app"]),
        (to_chat(reply(200, PAGE, kind="text/html")), ["status 200: 502 Bad Gateway"]),
        (to_chat(reply(200, b"", kind="application/json")), ["status 200"]),
        (to_chat(reply(204, b"", kind="text/plain")), ["status 204"]),
        (to_chat(reply(200, b"data: [DONE]\n\n", kind="text/event-stream")), ["status 200"]),
        (to_chat(reply(200, b"data: upstream gone\n\n", kind="text/event-stream")), ["status 200: upstream gone"]),
    ],
)  # fmt: skip
def test_where_every_valid_request_is_refused_one_line_says_so(answer: Answerer, words: list[str]) -> None:
    said, asked = stopped(answer)
    assert [word for word in words if word not in said] == [], said
    assert not any("authorization" in one.headers for one in asked), "no key, no header"


def test_a_target_that_stays_silent_is_told_from_one_that_refuses() -> None:
    async def hang(asked: Asked) -> bytes | None:
        return await asyncio.sleep(60, None) if asked.body else None

    said, _ = stopped(hang)
    assert "no byte of a reply came for 0.2 s (bound: first_byte)); raise --first-byte-timeout" in said


def test_a_key_that_is_refused_where_none_is_needed() -> None:
    def answer(asked: Asked) -> bytes | None:
        return refusal(401, f"Incorrect API key {KEY}") if "authorization" in asked.headers else None

    said, _ = stopped(answer, api_key=KEY)
    assert "answers without one; unset OPENAI_API_KEY" in said
    assert KEY not in said


def test_a_key_that_is_refused_where_one_is_needed() -> None:
    said, asked = stopped(to_all(refusal(401, "Incorrect API key")), api_key=KEY)
    assert "refuses the key; set OPENAI_API_KEY or --key-env to one that" in said
    assert {one.headers.get("authorization") for one in asked} == {f"Bearer {KEY}", None}


@pytest.mark.parametrize("refuses_stream", [True, False])
def test_one_form_that_is_answered_is_enough_to_go_on(refuses_stream: bool) -> None:
    def answer(asked: Asked) -> bytes | None:
        refused = asked.body and bool(asked.json.get("stream")) is refuses_stream
        return refusal(500, "not in this form") if refused else None

    report, _ = report_of(answer, "chat.short", "chat.stream.short")
    outcomes = {of(report, case_id).outcome for case_id in ("chat.short", "chat.stream.short")}
    assert outcomes == {Outcome.PASS, Outcome.FAIL}


def test_models_that_need_a_key_do_not_hide_a_chat_that_needs_none() -> None:
    report, _ = report_of(lambda asked: None if asked.body else refusal(401, "who?"), "chat.short")
    assert of(report, "chat.short").outcome is Outcome.PASS


def test_chat_is_not_asked_where_no_case_asks_it() -> None:
    report, small = report_of(to_chat(refusal(500, "no")), "models")
    assert report.exit_code() is ExitCode.OK
    assert [one for one in small.asked if one.body] == []


@pytest.mark.parametrize("section", ["completions", "embeddings"])
@pytest.mark.parametrize(("status", "words"), [(502, "whether its upstream answers"), (401, "requires a key")])
def test_a_run_without_chat_asks_its_own_endpoint_first(section: str, status: int, words: str) -> None:
    said, asked = stopped(to_chat(refusal(status, "no")), select=(section,))
    assert f"status {status}: no" in said
    assert words in said
    assert {one.path for one in asked if one.body} == {f"/v1/{section}"}


@pytest.mark.parametrize("section", ["models", "moderations"])
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refusal(403, "no"), ["models: status 403: no", "requires a key"]),
        (refusal(401, "who?"), ["models: status 401: who?", "requires a key"]),
        (reply(502, PAGE, kind="text/html"), ["502 Bad Gateway", "see the target's log"]),
        (reply(200, {"success": False, "message": "invalid token"}), ["status 200: invalid token"]),
        (reply(200, {"error": {"message": "no upstream"}}), ["status 200: no upstream"]),
    ],
)
def test_where_only_the_list_is_asked_a_target_that_refuses_all_is_told(
    section: str, answer: bytes, words: list[str]
) -> None:
    said, _ = stopped(to_all(answer), select=(section,))
    assert [word for word in words if word not in said] == [], said


@pytest.mark.parametrize(
    ("listing", "rest"), [(refusal(403, "no list"), None), (refusal(500, "oops"), refusal(401, "who?"))]
)
def test_a_list_that_alone_is_refused_is_a_finding(listing: bytes, rest: bytes | None) -> None:
    report, _ = report_of(lambda asked: listing if asked.path.startswith("/v1/models") else rest, "models")
    assert report.exit_code() is ExitCode.FINDINGS


@pytest.mark.parametrize("section", ["completions", "embeddings"])
def test_an_endpoint_that_is_not_there_is_no_refusal(section: str) -> None:
    report, _ = report_of(to_chat(refusal(404, "Not Found")), section)
    assert {result.outcome for result in report.results} == {Outcome.UNSUPPORTED}


def test_a_limit_parameter_that_is_refused_is_no_refusal_of_the_target() -> None:
    def answer(asked: Asked) -> bytes | None:
        refused = "max_tokens" in asked.json
        return refusal(400, "Use 'max_completion_tokens' instead.", param="max_tokens") if refused else None

    report, _ = report_of(answer, "chat.short")
    assert of(report, "chat.short").outcome is Outcome.PASS


def test_the_model_of_the_first_chat_case_is_asked() -> None:
    _, small = report_of(sensible, "models", "tools.auto", model=MODEL, models={"tools": "yours"})
    assert [one.json["model"] for one in small.asked if one.body] == ["yours", "yours"]


def test_without_a_key_no_request_has_one_main_included() -> None:
    report, small = report_of(sensible, "client", "chat.short", "http.keep-alive", bounds=Bounds())
    assert of(report, "client.main-stream").outcome is Outcome.PASS
    assert not any("authorization" in one.headers for one in small.asked)
    captured = [exchange for result in report.results for exchange in result.exchanges]
    assert not any(name.lower() == "authorization" for one in captured for name, _ in one.request.headers or ())


def test_the_command_says_it_in_one_line_and_exits_with_3(tmp_path: Path) -> None:
    script = tmp_path / "down.yaml"
    script.write_text("- name: down\n  reply: {error: {status: 502, message: upstream down}}\n")
    with FakeServer([script]) as fake:
        process = run_contract("run", fake.url)
        requests = len(fake.requests)
    assert (process.returncode, requests) == (ExitCode.UNREACHABLE, 3)
    assert process.stderr == (
        "contract: the target cannot be judged: a valid chat request has no answer (a dict and a stream: status 502: "
        "upstream down); see the target's log, and whether its upstream answers (exit code 3)\n"
    )


def test_a_proxy_that_says_in_plain_text_that_it_speaks_tls() -> None:
    said = b"Client sent an HTTP request to an HTTPS server.\n"
    text, _ = stopped(to_all(reply(400, said, kind="text/plain")))
    assert "status 400: Client sent an HTTP request to an HTTPS server." in text
