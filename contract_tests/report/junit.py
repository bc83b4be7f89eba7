"""The report of a run as JUnit XML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from contract_tests.report.findings import format_finding, rank
from contract_tests.report.tolerances import format_reason
from contract_tests.rules.engine.judge import Finding, Level
from contract_tests.run.outcome import CaseResult, ExitCode, Outcome, RunReport, failing
from fake_server.relay.redact import mask_excerpt
from fake_server.wire.text import printable


def as_junit(report: RunReport, code: ExitCode, secrets: Iterable[str] = (), fail_on: Level = Level.MUST) -> str:
    """The report as JUnit XML: a suite for each section, a test case for each case, with its findings as the failure.

    A case fails if it has findings of the level `fail_on` or higher, or if a required section lacks it. Other
    findings, and tolerated ones with the reason, are in its system-out; the notes on the run are properties. The time
    of a suite is that of its cases, which are played beside each other; the time of the document is the run's.
    """
    lacking = {case_id: lack.section for lack in report.lacking for case_id in lack.cases}
    document = JUnitXml("openai-contract")
    suites: dict[str, TestSuite] = {}
    for result in report.results:
        if result.section not in suites:
            suites[result.section] = _suite(report, code, result.section, tuple(secrets))
        suites[result.section].add_testcase(_case(report, result, lacking, tuple(secrets), fail_on))
    for suite in suites.values():
        document.add_testsuite(suite)
    document.update_statistics()  # type: ignore[no-untyped-call]
    document.time = round(report.seconds, 3)
    if report.started:
        document._elem.set("timestamp", report.started)
    xml: bytes = document.tostring()  # type: ignore[no-untyped-call]
    return '<?xml version="1.0" encoding="utf-8"?>\n' + xml.decode()


def _suite(report: RunReport, code: ExitCode, section: str, secrets: Sequence[str]) -> TestSuite:
    suite = TestSuite(section)
    if report.started:
        suite.timestamp = report.started
    suite.add_property("target", _xml(report.target, secrets))
    suite.add_property("model", _xml(report.model, secrets))
    suite.add_property("exit_code", str(int(code)))
    suite.add_property("tolerated", str(sum(1 for _ in report.tolerated)))
    for note in report.notes:
        suite.add_property("note", _xml(note, secrets))
    for name, value in report.server.items():
        suite.add_property(f"server {name}", _xml(value, secrets))
    return suite


def _case(
    report: RunReport, result: CaseResult, lacking: dict[str, str], secrets: Sequence[str], fail_on: Level
) -> TestCase:
    case = TestCase(result.case_id, f"contract.{result.section}", round(result.seconds, 3))
    fails = result.outcome is Outcome.FAIL or failing(result.findings, fail_on)
    findings = sorted(result.findings, key=rank)
    failed = [finding for finding in findings if fails and finding.rule.level is not Level.NOTE]
    other = [finding for finding in findings if finding not in failed]
    mark = _mark(result, failed, report.command, secrets)
    if result.case_id in lacking and isinstance(mark, Skipped):
        mark = Failure(f"{lacking[result.case_id]} is required; {mark.message}", "required")
    if mark is not None:
        case.result = [mark]
    parts = [format_finding(finding, command=report.command) for finding in other]
    parts += [
        f"{format_finding(covered.finding)}\n    tolerated {format_reason(covered.entry)}"
        for covered in result.tolerated
    ]
    if parts:
        case.system_out = _xml("\n".join(parts), secrets)
    return case


def _mark(
    result: CaseResult, failed: Sequence[Finding], command: str, secrets: Sequence[str]
) -> Failure | Error | Skipped | None:
    """What a case is besides a pass; its type is the level of its worst finding, or the outcome."""
    reason = _xml(result.reason, secrets)
    match result.outcome:
        case Outcome.HARNESS_FAILED | Outcome.SETUP_FAILED:
            return Error(f"{result.outcome}: {reason}", result.outcome.value)
        case Outcome.UNSUPPORTED | Outcome.NOT_REACHED:
            return Skipped(f"{result.outcome}: {reason}", result.outcome.value)
    if not failed and result.outcome is not Outcome.FAIL:
        return None
    rules = dict.fromkeys(finding.rule.id for finding in failed)
    mark = Failure(", ".join(rules) or reason, failed[0].rule.level.value if failed else result.outcome.value)
    mark.text = _xml("\n".join(format_finding(finding, command=command) for finding in failed), secrets)
    return mark


def _xml(text: str, secrets: Iterable[str]) -> str:
    """The text, masked, without characters that XML 1.0 cannot carry or a terminal would act on."""
    return printable(mask_excerpt(text, secrets), "\t\n")
