"""The verdict of the rules on a difference of shape, so that `contract diff` allows what `contract run` allows.

The types of the SDK decide first (`verdicts.py`); the rules, which judge a run, overrule them: a form that a MUST or
SHOULD rule finds fault with has drifted, and one that no rule finds fault with, or only a NOTE, is allowed. Two
replies of others are left to the types, and the rule is named.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from contract_tests.diffing.difference import Difference, Kind, Role, Side
from contract_tests.diffing.verdicts import Verdict
from contract_tests.report.findings import rank
from contract_tests.rules import judge
from contract_tests.rules.engine.judge import MAX_COMPLAINTS, Finding, Level
from contract_tests.rules.engine.node import show_path

_BLAME = {Role.OTHER: Verdict.DRIFTED, Role.FAKE: Verdict.OUTDATED, Role.GENUINE: Verdict.BEHIND}


class RulesOnSide:
    """What the rules find in the reply of one side, by path without indexes; the worst finding of each path."""

    def __init__(self, side: Side) -> None:
        self.role = side.role
        findings = judge(side.view).findings
        counts = Counter(finding.rule.id for finding in findings if finding.rule.generic)
        self.more = next((rule_id for rule_id, number in counts.items() if number >= MAX_COMPLAINTS), "")
        """A rule about every member that may be broken at more places than it reports."""
        self._by_path = {
            re.sub(r"\[\d+\]", "[]", show_path(finding.place.path)): finding
            for finding in sorted(findings, key=rank, reverse=True)
        }

    def at(self, where: str) -> Finding | None:
        """The finding at exactly this path."""
        return next((self._by_path[path] for path in _paths(where) if path in self._by_path), None)


def _paths(where: str) -> tuple[str, str]:
    """The path of a difference as findings have it: a message that was put together stands in deltas."""
    path = where.rpartition(": ")[2]
    return path, path.replace(".message", ".delta")


def overrule(difference: Difference, a: RulesOnSide, b: RulesOnSide) -> Difference:
    """The difference with the verdict of the rules, and the rule that is broken."""
    if difference.kind is not Kind.SHAPE or difference.verdict is None:
        return difference
    findings = [(side, side.at(difference.where)) for side in (a, b)]
    faults = [(side, found) for side, found in findings if found and found.rule.level is not Level.NOTE]
    if len(faults) == 1:
        (side, found), undecided = faults[0], difference.verdict in (Verdict.A_KNOWN, Verdict.B_KNOWN)
        return replace(difference, verdict=difference.verdict if undecided else _BLAME[side.role], rule=found.rule.id)
    noted = next((found.rule.id for _, found in findings if found), "")
    if difference.verdict is not Verdict.DRIFTED or noted or not (a.more or b.more):
        allowed = difference.verdict is Verdict.DRIFTED
        return replace(difference, verdict=Verdict.ALLOWED if allowed else difference.verdict, rule=noted)
    return replace(difference, rule=a.more or b.more)
