"""Secrets stay with the target; main() runs in a process that a hostile environment cannot lead away."""

from __future__ import annotations

import os

import pytest

from contract_tests.run.outcome import Outcome
from contract_tests.run.run import Options
from contract_tests.tests.small_target import Asked, completion, of, refusal, report_of, sensible, to_cases
from fake_server.wire.bounds import Bounds


@pytest.fixture(autouse=True)
def _hostile_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://proxy.invalid:9")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere.invalid/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")


def test_the_key_goes_to_the_target_and_nowhere_else() -> None:
    key = "sk-very-secret-1"
    told = refusal(400, f"Incorrect API key provided: {key}", f"X-Echo: {key}")
    report, target = report_of(to_cases(lambda asked: told if asked.body else None), "chat.short", api_key=key)
    assert {one.headers["authorization"] for one in target.asked} == {f"Bearer {key}"}
    assert {one.rule.id for one in of(report, "chat.short").findings} == {"relations.accepted", "http.key-kept"}
    assert key not in repr(report)


def test_secrets_are_told_by_the_names_of_headers() -> None:
    headers = (("X-Team", "assistants"), ("Authorization", "Bearer abcdefgh"), ("X-Api-Key", "ijklmnop"))
    options = Options("http://127.0.0.1", headers=headers, query=(("access_token", "qrstuvwx"),))
    assert options.secrets == ("abcdefgh", "ijklmnop", "qrstuvwx")


def test_main_prints_what_the_target_says() -> None:
    report, target = report_of(sensible, "client", bounds=Bounds(), api_key="sk-another-key")
    assert [one.outcome for one in report.results] == [Outcome.PASS] * 2
    assert {one.headers["authorization"] for one in target.asked} == {"Bearer sk-another-key"}
    assert report.applied["client.main-stream"] == 1
    assert os.environ["OPENAI_API_KEY"] == "sk-of-the-environment"


def test_main_without_an_answer_is_a_finding() -> None:
    def answer(asked: Asked) -> bytes | None:
        return completion() if asked.json.get("stream") else None

    report, _ = report_of(answer, "client.main-stream", bounds=Bounds())
    result = of(report, "client.main-stream")
    assert {one.rule.id for one in result.findings} == {"client.main-stream", "chat.stream.is-stream"}
    assert any("JSON although a stream was asked for" in one.actual for one in result.findings)
