"""Applies tolerances to the findings in recordings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from contract_tests.recordings.judging import Summary
from contract_tests.rules.engine.judge import Finding
from contract_tests.tolerance.entry import Ledger, ToleranceEntry, Tolerated, make_ledger, split_tolerated


def tolerate_in_recordings(
    summary: Summary, entries: Sequence[ToleranceEntry], today: date, labels: Iterable[str]
) -> tuple[tuple[Finding, ...], tuple[Tolerated, ...], Ledger]:
    """The findings that count, those that are tolerated, and the ledger.

    `labels` names the recordings that were judged.
    """
    judged = tuple(labels)

    def looked(entry: ToleranceEntry) -> bool:
        selected = not summary.selected or entry.rule in summary.selected
        return selected and any(entry.may_be_in(label) for label in judged)

    ledger = make_ledger(summary.findings, entries, today, looked)
    return *split_tolerated(summary.findings, entries, today), ledger
