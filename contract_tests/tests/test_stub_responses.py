"""The Response of a stream's first events with few of its members: one finding, whichever are missing."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import pytest

from contract_tests.rules import judge
from contract_tests.rules.engine.judge import MUST, SHOULD, Judgement
from fake_server.wire import fixture

STREAM = fixture.load(Path(__file__).parents[2] / "fixtures/conforming/response-stream.yaml").exchange
STATE = ("id", "object", "created_at", "model", "status", "output")
REQUIRED = (*STATE, "parallel_tool_calls", "tool_choice", "tools")


def judge_with(keep: Collection[str] | None = None, drop: Collection[str] = ()) -> Judgement:
    """What is found where the Response of the events before the end has these members alone, or all but some."""
    lines = []
    for line in STREAM.payload.decode().split("\n"):
        if line.startswith(("data: {", "data:{")):
            event = json.loads(line.partition(":")[2])
            if event["type"] in ("response.created", "response.in_progress"):
                whole = event["response"]
                kept = {name: whole[name] for name in whole if (keep is None or name in keep) and name not in drop}
                event["response"] = kept
            line = f"data: {json.dumps(event)}"
        lines.append(line)
    return judge(STREAM.with_payload("\n".join(lines).encode()))


@pytest.mark.parametrize(
    ("keep", "wanted"),
    [
        (["id"], "responses.stream.one-response"),
        (["id", "object", "status"], "responses.stream.one-response"),  # llama.cpp
        (["id", "object", "status", "created_at"], "responses.stream.one-response"),
        ([name for name in STATE if name != "output"], "responses.stream.shape"),
        (STATE, "responses.stream.shape"),
        (REQUIRED, "responses.stream.same-parameters"),
    ],
)
def test_a_response_with_few_members_is_one_finding(keep: list[str], wanted: str) -> None:
    """llama.cpp's first events were told thrice: no `created_at`, "taken for finished" for want of `output`."""
    assert judge_with(keep).ids(MUST, SHOULD) == {wanted}


@pytest.mark.parametrize(
    "name", sorted(json.loads(STREAM.payload.decode().split("data:")[1].split("\n")[0])["response"])
)
def test_one_member_that_is_missing_is_one_finding_at_most(name: str) -> None:
    judged = judge_with(drop=[name])
    assert len(judged.ids(MUST, SHOULD)) <= 1
    assert not any("believes" in finding.harm or "taken for" in finding.harm for finding in judged.findings)


def test_a_status_that_is_missing_is_not_called_finished() -> None:
    (finding, *_) = judge_with(drop=["status"]).findings
    assert finding.rule.id == "responses.stream.early-is-empty"
    assert finding.harm == "code that reads `event.response.status` finds none in this event"
