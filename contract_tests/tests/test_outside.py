"""Outside judges: their reports are read, what is not as known is a surprise, who cannot run is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contract_tests import sdks
from contract_tests.outside.__main__ import Opinion, ask
from contract_tests.outside.judges import JUDGES, Judge

BY_NAME = {judge.name: judge for judge in JUDGES}
COMPLY, ROUTER, CANARY = (
    BY_NAME["llm-comply"],
    BY_NAME["trustedrouter-provider-check"],
    BY_NAME["compatcanary"],
)


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
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_a_report_is_read(judge: Judge, report: Any, points: str) -> None:
    assert judge.points(json.dumps(report)) == dict(zip("ab", points.split(), strict=True))


@pytest.mark.parametrize(
    "report", ["", "no report", "[]", "{}", '{"results": [], "checks": []}', '{"results": 7}']
)
@pytest.mark.parametrize("judge", JUDGES, ids=lambda one: one.name)
def test_what_is_no_report_is_told(judge: Judge, report: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 the message is the reader's or the parser's
        judge.points(report)


def test_surprises() -> None:
    known = dict.fromkeys(COMPLY.known, "fail")
    assert Opinion(COMPLY, {"a": "pass", **known}).surprises == []
    assert Opinion(COMPLY, {"a": "fail", **known}).surprises == ["a is fail"]
    assert Opinion(COMPLY, dict.fromkeys(known, "pass")).surprises == [
        "chat-reasoning-summary is passed by now"
    ]
    assert Opinion(COMPLY, {"a": "pass"}).surprises == ["chat-reasoning-summary is no point any more"]
    now_and_then = dict.fromkeys(ROUTER.known, "warn") | {"stream.incremental-delivery": "pass"}
    assert Opinion(ROUTER, now_and_then).surprises == []


def test_a_judge_whose_tool_is_missing_is_skipped_by_name() -> None:
    opinion = ask(replace(CANARY, tool="no-such-tool"), "http://127.0.0.1:1/v1")
    assert opinion.skipped
    assert opinion.trouble == "skipped: no-such-tool is not installed"


def test_a_judge_that_cannot_be_installed_is_a_failure() -> None:
    def install(judge: Judge, home: Path) -> None:
        raise sdks.SdkUnavailable("the index is not in reach")

    opinion = ask(replace(COMPLY, name="no-such-judge", install=install), "http://127.0.0.1:1/v1")
    assert (opinion.skipped, opinion.trouble) == (False, "not installed: the index is not in reach")
