"""The report of a run as JUnit XML."""

from __future__ import annotations

from collections.abc import Iterable

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from contract_tests.report.findings import format_finding, mask
from contract_tests.report.tolerances import format_reason
from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import CaseResult, ExitCode, Outcome, RunReport, failing


def as_junit(report: RunReport, code: ExitCode, secrets: Iterable[str] = (), fail_on: Level = Level.MUST) -> str:
    """The report as JUnit XML: a test case for each case, with its findings as the failure.

    A case fails if it has findings of the level `fail_on` or higher, or if a required section lacks it. Other
    findings, and tolerated ones with the reason, are in its system-out.
    """
    lacking = {case_id: lack.section for lack in report.lacking for case_id in lack.cases}
    suite = TestSuite("openai-contract")
    suite.add_property("target", _xml(mask(report.target, secrets)))
    suite.add_property("model", _xml(report.model))
    suite.add_property("exit_code", str(int(code)))
    suite.add_property("tolerated", str(sum(1 for _ in report.tolerated)))
    for result in report.results:
        case = TestCase(result.case_id, f"contract.{result.section}", round(result.seconds, 3))
        text = _xml(mask("\n".join(format_finding(finding) for finding in result.findings), secrets))
        known = "\n".join(
            f"{format_finding(covered.finding)}\n    tolerated {format_reason(covered.entry)}"
            for covered in result.tolerated
        )
        known = _xml(mask(known, secrets))
        mark = _mark(result, text, _xml(mask(result.reason, secrets)), fail_on)
        if result.case_id in lacking and isinstance(mark, Skipped):
            mark = Failure(f"{lacking[result.case_id]} is required; {mark.message}")
        if mark is not None:
            case.result = [mark]
        beside = "\n".join(part for part in (text if mark is None else "", known) if part)
        if beside:
            case.system_out = beside
        suite.add_testcase(case)
    document = JUnitXml()
    document.add_testsuite(suite)
    document.update_statistics()  # type: ignore[no-untyped-call]
    xml: bytes = document.tostring()  # type: ignore[no-untyped-call]
    return '<?xml version="1.0" encoding="utf-8"?>\n' + xml.decode()


def _mark(result: CaseResult, text: str, reason: str, fail_on: Level) -> Failure | Error | Skipped | None:
    match result.outcome:
        case Outcome.FAIL | Outcome.WARN | Outcome.PASS if result.outcome is Outcome.FAIL or failing(
            result.findings, fail_on
        ):
            rules = sorted({finding.rule.id for finding in result.findings})
            mark = Failure(", ".join(rules) or reason)
            mark.text = text
            return mark
        case Outcome.HARNESS_FAILED | Outcome.SETUP_FAILED:
            return Error(f"{result.outcome}: {reason}")
        case Outcome.UNSUPPORTED | Outcome.NOT_REACHED:
            return Skipped(f"{result.outcome}: {reason}")
    return None


def _xml(text: str) -> str:
    """The text without characters that XML 1.0 cannot carry."""
    return "".join(char if char in "\t\n" or (char >= " " and char.isprintable()) else "�" for char in text)
