"""What works in one case of a run is not unsupported in another: it is a finding, and says where it works."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from contract_tests.run.outcome import CaseResult, ExitCode, Outcome, RunReport
from contract_tests.run.run import Options, run
from contract_tests.tests import planted
from contract_tests.tests.small_target import of
from fake_server.testing.server import FakeServer


def refusing(param: str, **members: Any) -> planted.Bug:
    """Refuse requests with these members, and name `param`."""

    def bug(reply: planted.Reply) -> None:
        if members.items() <= reply.asked.items():
            error = {"message": f"{param} is not supported", "type": "invalid_request_error"}
            reply.status, reply.kind = 400, "application/json"
            reply.value = {"error": {**error, "param": param, "code": None}}

    return bug


def ran(bug: planted.Bug, *select: str, **options: Any) -> tuple[RunReport, list[CaseResult]]:
    shown: list[CaseResult] = []
    with FakeServer(seed=1) as fake, planted.Planted(fake.base_url, bug) as proxy:
        plan = Options(proxy.base_url, select=select, **options)
        return asyncio.run(run(plan, shown.append)), shown


@pytest.mark.parametrize(
    ("bug", "broken", "works"),
    [
        (refusing("n", n=2, stream=True), "chat.stream.n", "chat.n"),
        (refusing("tool_choice", tool_choice="required", stream=True), "tools.stream-required", "tools.required"),
        (refusing("logprobs", logprobs=True, stream=True), "logprobs.stream", "logprobs.dict"),
    ],
)
def test_what_works_elsewhere_is_not_unsupported(bug: planted.Bug, broken: str, works: str) -> None:
    report, shown = ran(bug, broken, works)
    result = of(report, broken)
    assert result.outcome is Outcome.FAIL
    (finding,) = result.findings
    assert finding.rule.id == "relations.accepted"
    assert f"works in {works}" in finding.actual
    assert finding.evidence is not None
    assert report.exit_code() is ExitCode.FINDINGS
    assert {one.case_id: one.outcome for one in shown} == {one.case_id: one.outcome for one in report.results}


def test_another_value_may_be_unsupported() -> None:
    report, _ = ran(refusing("tool_choice", tool_choice="required"), "tools.required", "tools.auto", "tools.none")
    assert of(report, "tools.required").outcome is Outcome.UNSUPPORTED
    report, _ = ran(refusing("stop", stop="four five"), "chat.stop", "chat.stream.stop")
    assert of(report, "chat.stream.stop").outcome is Outcome.UNSUPPORTED


def test_a_parameter_of_another_endpoint_may_be_unsupported() -> None:
    def bug(reply: planted.Reply) -> None:
        if "prompt" in reply.asked:
            refusing("n", n=2)(reply)

    report, _ = ran(bug, "chat.n", "completions.n")
    assert of(report, "completions.n").outcome is Outcome.UNSUPPORTED


def test_what_fails_elsewhere_does_not_work_there() -> None:
    def bug(reply: planted.Reply) -> None:
        refusing("n", n=2, stream=True)(reply)
        if reply.asked.get("n") == 2 and not reply.streamed and reply.status == 200:
            reply.value = {**reply.value, "choices": reply.value["choices"][:1]}

    report, _ = ran(bug, "chat.n", "chat.stream.n")
    assert of(report, "chat.n").outcome is Outcome.FAIL
    assert of(report, "chat.stream.n").outcome is Outcome.UNSUPPORTED


def test_a_path_that_is_there_in_one_case_is_there_in_all() -> None:
    def bug(reply: planted.Reply) -> None:
        if isinstance(reply.asked.get("input"), list):
            reply.status, reply.kind = 404, "application/json"
            reply.body = json.dumps(
                {"error": {"message": "Not found", "type": "e", "param": None, "code": None}}
            ).encode()

    report, _ = ran(bug, "embeddings.one", "embeddings.list")
    result = of(report, "embeddings.list")
    assert result.outcome is Outcome.FAIL
    assert [finding.actual for finding in result.findings] == [
        "POST /embeddings is answered like an unknown path: status 404; it works in embeddings.one"
    ]


def test_what_works_nowhere_is_unsupported() -> None:
    report, shown = ran(refusing("n", n=2), "chat.n", "chat.stream.n")
    assert {result.outcome for result in (*report.results, *shown)} == {Outcome.UNSUPPORTED}
    assert report.exit_code() is not ExitCode.OK
