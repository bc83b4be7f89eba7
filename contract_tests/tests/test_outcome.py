"""The exit code of a run, by the table of the README."""

from __future__ import annotations

import pytest

from contract_tests.rules import RULES
from contract_tests.rules.engine.judge import Finding, Level
from contract_tests.rules.engine.node import Place
from contract_tests.run.outcome import CaseResult, ExitCode, Outcome, RunReport

SHOULD = Finding(RULES["errors.not-422"], Place(), "status 422")
MUST = Finding(RULES["chat.id"], Place(), "no id")


def result(section: str, outcome: Outcome, *findings: Finding) -> CaseResult:
    return CaseResult(f"{section}.one", section, "one", outcome, findings)


def code(*results: CaseResult, stopped: str = "", fail_on: Level = Level.MUST) -> ExitCode:
    return RunReport("http://t/v1", "m", results, stopped=stopped).exit_code(fail_on)


CHAT, MODELS = result("chat", Outcome.PASS), result("models", Outcome.PASS)


def test_chat_that_passes_is_fine() -> None:
    assert code(CHAT, MODELS) is ExitCode.OK
    assert code(CHAT, result("tools", Outcome.UNSUPPORTED)) is ExitCode.OK


def test_chat_that_was_asked_has_to_be_reached() -> None:
    assert code(result("chat", Outcome.NOT_REACHED), MODELS) is ExitCode.UNREACHABLE
    assert code(MODELS) is ExitCode.OK, "only models were asked"
    assert code(result("models", Outcome.NOT_REACHED)) is ExitCode.UNREACHABLE


def test_a_run_that_was_stopped_is_no_pass() -> None:
    assert code(CHAT, stopped="the run was interrupted") is ExitCode.UNREACHABLE
    assert code(result("chat", Outcome.FAIL, MUST), stopped="interrupted") is ExitCode.FINDINGS


@pytest.mark.parametrize(("fail_on", "expected"), [(Level.MUST, ExitCode.OK), (Level.SHOULD, ExitCode.FINDINGS)])
def test_should_counts_where_it_is_told_to(fail_on: Level, expected: ExitCode) -> None:
    assert code(result("chat", Outcome.WARN, SHOULD), fail_on=fail_on) is expected


def test_a_fault_of_the_kit_outranks_all() -> None:
    assert code(result("chat", Outcome.FAIL, MUST), result("tools", Outcome.HARNESS_FAILED)) is ExitCode.HARNESS
