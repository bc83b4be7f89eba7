"""What became of each probe: one word, and a table of how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from contract_tests.rules.engine.judge import Finding, Level
from contract_tests.run.outcome import REACHED, CaseResult

PRESERVED, REFUSED, DECLARED, CHANGED, DROPPED, INVENTED = STATES = (
    "preserved",
    "refused",
    "declared",
    "changed",
    "dropped",
    "invented",
)
"""What a proxy can do to what passes through it. It may refuse a request by the name of what it does not take."""
MISSING = "missing"


def state_of(result: CaseResult) -> str:
    """The state of a probe: the worst that was found, '' for one that was not judged."""
    if result.outcome not in REACHED:
        return ""
    side = f"sandwich.{result.section.partition('.')[0]}"
    found = {_state(finding) for finding in result.findings if _counts(finding, side)}
    if found:
        return next(state for state in reversed(STATES) if state in found)
    if any(_counts(each.finding, side) for each in result.tolerated):
        return DECLARED
    return PRESERVED if len(result.exchanges) > 1 else REFUSED


def _counts(finding: Finding, side: str) -> bool:
    """Whether a finding is about this side, and about more than a header field that only logs and meters need."""
    return finding.rule.section == side and (finding.rule.level is Level.MUST or bool(finding.place.path))


def _state(finding: Finding) -> str:
    if finding.actual == MISSING or finding.actual.endswith(f": {MISSING}"):
        return DROPPED
    return INVENTED if finding.expected == MISSING else CHANGED


def count_states(results: Iterable[CaseResult]) -> dict[str, Counter[str]]:
    """How often each state was found, by the section of the probes."""
    counts: dict[str, Counter[str]] = {}
    for result in results:
        if state := state_of(result):
            counts.setdefault(result.section, Counter())[state] += 1
    return counts
