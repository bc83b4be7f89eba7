"""The JUnit report of a run, as the command writes it."""

from __future__ import annotations

from collections.abc import Iterable

from contract_tests.report.files import run_document
from contract_tests.report.forms.junit import format_junit
from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import ExitCode, RunReport


def as_junit(report: RunReport, code: ExitCode, secrets: Iterable[str] = (), fail_on: Level = Level.MUST) -> str:
    """The report of a run as JUnit XML."""
    return format_junit(run_document(report, code, secrets, fail_on))
