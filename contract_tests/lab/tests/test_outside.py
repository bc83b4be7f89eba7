"""Outside judges: reports are read, what is not as known is a surprise, a judge that cannot run is named."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest
from rich.console import Console

from contract_tests.lab.outside.__main__ import Opinion, ask, print_opinions
from contract_tests.lab.outside.judges import JUDGES, PACED, Judge, known
from contract_tests.lab.tools.environments import NotInstalled
from contract_tests.lab.tools.processes import child_environment
from contract_tests.tests.shared import SHARED, needs_recordings, needs_spec
from fake_server import FakeServer
from fake_server.api.validate.chat import validate_chat

BY_NAME = {judge.name: judge for judge in JUDGES}
COMPLY, ROUTER, CANARY, PROBE = (
    BY_NAME["llm-comply"],
    BY_NAME["trustedrouter-provider-check"],
    BY_NAME["compatcanary"],
    BY_NAME["llmprobe"],
)
OUTCOMES = [{"id": name, "outcome": name} for name in ("pass", "fail", "unsupported", "inconclusive", "skipped")]
REFUSED: dict[str, Any] = {
    "reasoning": {"summary": "auto"},
    "top_k": 40,
    "thinking": {"type": "enabled"},
}


@pytest.mark.parametrize(
    ("judge", "report", "points"),
    [
        (
            COMPLY,
            {"results": [{"id": "a", "status": "passed"}, {"id": "b", "status": "failed"}]},
            "pass fail",
        ),
        (ROUTER, {"checks": [{"id": "a", "status": "pass"}, {"id": "b", "status": "warn"}]}, "pass warn"),
        (CANARY, {"results": [{"id": "a", "status": "pass"}, {"id": "b", "status": "fail"}]}, "pass fail"),
        (
            PROBE,
            {"conformance": {"results": [{"id": "a", "outcome": "pass"}, {"id": "b", "outcome": "fail"}]}},
            "pass fail",
        ),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_report_is_read(judge: Judge, report: Any, points: str) -> None:
    assert judge.points(json.dumps(report)) == dict(zip("ab", points.split(), strict=True))


def test_what_llmprobe_could_not_judge_is_no_point() -> None:
    assert PROBE.points(json.dumps({"conformance": {"results": OUTCOMES}})) == {"pass": "pass", "fail": "fail"}


@pytest.mark.parametrize("report", ["", "no report", "[]", "{}", '{"results": [], "checks": []}', '{"results": 7}'])
@pytest.mark.parametrize("judge", JUDGES, ids=lambda judge: judge.name)
def test_what_is_no_report_is_refused(judge: Judge, report: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 the message is the reader's or the parser's
        judge.points(report)


def test_surprises() -> None:
    known = {name: point.says for name, point in COMPLY.known.items()}
    assert Opinion(COMPLY, {"a": "pass", **known}).surprises == []
    assert Opinion(COMPLY, {"a": "fail", **known}).surprises == ["a is fail"]
    assert Opinion(COMPLY, dict.fromkeys(known, "skip")).surprises == ["chat-reasoning-summary is skip"]
    assert Opinion(COMPLY, dict.fromkeys(known, "pass")).surprises == ["chat-reasoning-summary now passes"]
    assert Opinion(COMPLY, {"a": "pass"}).surprises == ["chat-reasoning-summary is no longer reported"]


@pytest.mark.parametrize(("member", "value"), REFUSED.items())
def test_what_a_judge_asks_for_in_vain_is_no_member_of_a_chat_request(member: str, value: Any) -> None:
    request = {
        "model": "gpt-5",
        "reasoning_effort": "low",
        "messages": [{"role": "user", "content": "15 * 37?"}],
    }
    assert validate_chat(request) is None
    refusal = validate_chat({**request, member: value})
    assert refusal is not None
    assert member in refusal.message


@needs_spec
def test_the_published_spec_has_none_of_these_members() -> None:
    schemas = json.loads((SHARED / "openapi.json").read_text())["components"]["schemas"]
    members = set(_members(schemas, {"$ref": "#/components/schemas/CreateChatCompletionRequest"}))
    assert "reasoning_effort" in members
    assert members.isdisjoint(REFUSED)


def _members(schemas: Any, schema: Any) -> Iterator[str]:
    yield from schema.get("properties", ())
    below = [*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if "$ref" in schema:
        below.append(schemas[schema["$ref"].rpartition("/")[2]])
    for inner in below:
        yield from _members(schemas, inner)


@needs_recordings
def test_no_recorded_chat_request_to_openai_has_one_of_these_members() -> None:
    with (SHARED / "recordings" / "openai.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            recording = json.loads(line)
            is_chat = recording["endpoint"] == "chat/completions"
            body = recording["request"]["body"] if is_chat else None
            assert not isinstance(body, dict) or set(body).isdisjoint(REFUSED), recording["id"]


def test_every_known_point_has_a_judge_a_reason_and_evidence() -> None:
    assert set(known()) <= set(BY_NAME)
    for points in known().values():
        for point in points.values():
            assert point.says in ("fail", "warn", "skip")
            assert point.why
            assert point.evidence


def test_no_key_reaches_a_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "TR_PROVIDER_API_KEY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "secret")
    assert "secret" not in child_environment().values()
    assert "PATH" in child_environment()


def test_the_paced_answer_comes_in_pieces() -> None:
    """On a busy machine two pieces may be read at once; that they never come apart would be the fault."""
    ahead: list[float] = []
    with FakeServer([PACED], seed=1) as fake, openai.OpenAI(base_url=fake.base_url, api_key="any") as client:
        while not ahead or (ahead[-1] <= 0.01 and len(ahead) < 50):
            at = [
                (time.monotonic(), piece.choices[0].delta.content)
                for piece in client.chat.completions.create(
                    model="gpt-4o-mini",
                    messages=[{"role": "user", "content": "reply exactly PONG"}],
                    stream=True,
                )
            ]
            assert "".join(text or "" for _, text in at) == "PONG"
            ahead.append(at[-1][0] - next(when for when, text in at if text))
    assert ahead[-1] > 0.01


def test_the_table_shows_the_points_the_evidence_and_what_was_not_asked() -> None:
    page = io.StringIO()
    known_results = {name: point.says for name, point in ROUTER.known.items()}
    print_opinions([Opinion(ROUTER, {"a": "pass", **known_results})], Console(file=page, width=150))
    text = page.getvalue()
    assert "as known" in text
    assert all(place in text for point in ROUTER.known.values() for place in point.evidence)
    assert "not asked of trustedrouter-provider-check: perf" in text


def test_a_surprise_is_printed_by_name_with_the_report() -> None:
    page = io.StringIO()
    unheard = Opinion(COMPLY, {}, "skipped: it is not installed", skipped=True)
    print_opinions([Opinion(CANARY, {"models.list": "warn"}), unheard], Console(file=page, width=80))
    lines = [line.strip() for line in page.getvalue().splitlines()]
    assert lines[1].endswith("not as known")
    assert lines[2].endswith("skipped")
    assert "compatcanary: models.list is warn" in lines
    assert any(line.endswith(".cache/judges/compatcanary/report.json") for line in lines)
    assert "llm-comply: skipped: it is not installed" in lines


def test_a_judge_whose_tool_is_missing_is_skipped_by_name() -> None:
    opinion = ask(replace(CANARY, tool="no-such-tool"), "http://127.0.0.1:1/v1")
    assert opinion.skipped
    assert opinion.problem == "skipped: no-such-tool is not installed"


def test_a_judge_that_cannot_be_installed_is_a_failure() -> None:
    def install(judge: Judge) -> Path:
        raise NotInstalled("the index is not in reach")

    opinion = ask(replace(COMPLY, name="no-such-judge", install=install), "http://127.0.0.1:1/v1")
    assert (opinion.skipped, opinion.problem) == (False, "not installed: the index is not in reach")
