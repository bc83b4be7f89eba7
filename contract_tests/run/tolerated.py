"""Applies tolerances once, after judging and before the exit code and the reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from contract_tests.cases import CASES
from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import CaseResult, Outcome, RunReport
from contract_tests.tolerance.entry import ToleranceEntry, make_ledger, split_tolerated

_JUDGED = (Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNSUPPORTED)
_TO_ITS_END = (Outcome.PASS, Outcome.WARN)


def tolerate_in_run(report: RunReport, entries: Sequence[ToleranceEntry], today: date) -> RunReport:
    """The report with what is tolerated kept apart from what counts."""
    results = tuple(tolerate_in_case(result, entries, today) for result in report.results)
    by_id = {result.case_id: result for result in report.results}

    def looked(entry: ToleranceEntry) -> bool:
        """Whether every case that the entry may mean was judged, and the rule applied in one of them.

        A case that failed may have ended before the rule could apply. An entry that means no case at all
        counts as looked at: it is out of date.
        """
        meant = [case_id for case_id in CASES if entry.may_be_in(case_id)]
        results = [by_id[case_id] for case_id in meant if case_id in by_id]
        judged = [result for result in results if result.outcome in _JUDGED]
        looked = (entry.rule in result.applied or result.outcome in _TO_ITS_END for result in judged)
        return len(judged) == len(meant) and (not meant or any(looked))

    return replace(report, results=results, ledger=make_ledger([*report.findings], entries, today, looked))


def tolerate_in_case(result: CaseResult, entries: Sequence[ToleranceEntry], today: date) -> CaseResult:
    """Tolerate what is known. A failure with no MUST finding left becomes a warning, not a pass."""
    counting, tolerated = split_tolerated(result.findings, entries, today)
    outcome = result.outcome
    if outcome is Outcome.FAIL and not any(finding.rule.level is Level.MUST for finding in counting):
        outcome = Outcome.WARN
    return replace(result, findings=counting, tolerated=tolerated, outcome=outcome)
