"""The report of a run as JUnit XML."""

from __future__ import annotations

from collections.abc import Sequence

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from contract_tests.report.document import RUN, CaseIn, Document, FindingIn, Run
from contract_tests.report.findings import format_finding_in, rank_in
from contract_tests.report.forms.parts import one_line
from contract_tests.report.not_asked import describe_selection, why_no_verdict
from contract_tests.report.tolerances import format_reason_in
from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import Outcome, is_failing
from fake_server.wire.text import printable


def format_junit(document: Document) -> str:
    """A run as JUnit XML: a suite for each section, a test case for each case, with its findings as the failure.

    A case fails if it has findings of the level `fail_on` or higher, or if a required section lacks it. Other
    findings, and tolerated ones with the reason, are in its system-out. Where the run has no verdict, a suite of its
    own has an error that says why. The notes on the run are properties. The time
    of a suite is that of its cases, which are played beside each other; the time of the document is the run's.
    Raises ValueError for a judgement, which has no cases.
    """
    if document["format"] != RUN:
        raise ValueError("a judgement has no cases")
    lacking = {case_id: lack["section"] for lack in document.get("lacking", ()) for case_id in lack["cases"]}
    xml = JUnitXml("openai-contract")
    sections: dict[str, list[TestCase]] = {}
    for case in document["cases"]:
        sections.setdefault(case["section"], []).append(_case(document, case, lacking))
    for section, cases in sections.items():
        suite = _suite(document, section)
        suite.add_testcases(cases)  # all at once: after each call everything in the suite is counted anew
        xml.add_testsuite(suite)
    if document["verdict"] not in ("pass", "fail"):  # else a document of passes and skipped cases would be green
        suite = _suite(document, "verdict")
        suite.add_testcase(_without_verdict(document))
        xml.add_testsuite(suite)
    xml.update_statistics()  # type: ignore[no-untyped-call]
    xml.time = round(document["seconds"], 3)
    if started := document.get("started"):
        xml._elem.set("timestamp", _xml(started))
    text: bytes = xml.tostring()  # type: ignore[no-untyped-call]
    return '<?xml version="1.0" encoding="utf-8"?>\n' + text.decode()


def _suite(document: Run, section: str) -> TestSuite:
    suite = TestSuite(_xml(section))
    if started := document.get("started"):
        suite.timestamp = _xml(started)
    suite.add_property("target", _xml(document["target"]))
    suite.add_property("model", _xml(document["model"]))
    suite.add_property("exit_code", str(document["exit_code"]))
    suite.add_property("tolerated", str(document["summary"]["tolerated"]))
    if selection := describe_selection(document):
        suite.add_property("selected", _xml(selection))
    for note in document["notes"]:
        suite.add_property("note", _xml(note))
    for name, value in document.get("server", {}).items():
        suite.add_property(_xml(f"server {name}"), _xml(value))
    return suite


def _without_verdict(document: Run) -> TestCase:
    element = TestCase("the run has a verdict", "contract.verdict", 0)
    element.result = [Error(_xml(one_line(why_no_verdict(document))), document["verdict"])]
    return element


def _case(document: Run, case: CaseIn, lacking: dict[str, str]) -> TestCase:
    element = TestCase(_xml(case["id"]), _xml(f"contract.{case['section']}"), round(case["seconds"], 3))
    findings = sorted(case["findings"], key=rank_in)
    levels = [Level(finding["level"]) for finding in findings]
    fails = case["outcome"] == "fail" or is_failing(levels, Level(document.get("fail_on", Level.MUST)))
    failed = [finding for finding in findings if fails and finding["level"] != Level.NOTE]
    other = [finding for finding in findings if not fails or finding["level"] == Level.NOTE]
    mark = _mark(case, failed)
    if case["id"] in lacking and isinstance(mark, Skipped):
        mark = Failure(_xml(f"{lacking[case['id']]} is required; {mark.message}"), "required")
    if mark is not None:
        element.result = [mark]
    parts = [format_finding_in(finding) for finding in other]
    for finding in case.get("tolerated", ()):
        parts.append(f"{format_finding_in(finding)}\n    tolerated {format_reason_in(finding['tolerated'])}")
    if parts:
        element.system_out = _xml("\n".join(parts))
    return element


def _mark(case: CaseIn, failed: Sequence[FindingIn]) -> Failure | Error | Skipped | None:
    """What a case is besides a pass; its type is the level of its worst finding, or the outcome."""
    reason, outcome = _xml(case["reason"]), case["outcome"]
    match outcome:
        case Outcome.HARNESS_FAILED | Outcome.SETUP_FAILED:
            return Error(f"{outcome}: {reason}", outcome)
        case Outcome.UNSUPPORTED | Outcome.NOT_REACHED:
            return Skipped(f"{outcome}: {reason}", outcome)
    if not failed and outcome != "fail":
        return None
    rules = dict.fromkeys(finding["rule"] for finding in failed)
    mark = Failure(_xml(", ".join(rules)) or reason, failed[0]["level"] if failed else outcome)
    mark.text = _xml("\n".join(format_finding_in(finding) for finding in failed))
    return mark


def _xml(text: str) -> str:
    """The text without characters that XML 1.0 cannot carry or a terminal would act on."""
    return printable(text, "\t\n")
