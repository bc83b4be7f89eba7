"""The verdict of the rules on a difference of shape, so that `contract diff` allows what `contract run` allows.

The types of the SDK decide first (`verdicts.py`); the rules, which judge a run, overrule them: a form that a MUST or
SHOULD rule finds fault with has drifted, and one that no rule finds fault with, or only a NOTE, is allowed. Two
replies of others are left to the types, and the rule is named.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

from contract_tests.diffing.difference import Difference, Kind, Role, Side
from contract_tests.diffing.verdicts import Verdict
from contract_tests.report.findings import rank
from contract_tests.rules import judge
from contract_tests.rules.engine.judge import MAX_COMPLAINTS, Finding, Level
from contract_tests.rules.engine.node import show_path

THE_BODY = "the body"
"""Where two bodies are of different kinds."""
_BLAME = {Role.OTHER: Verdict.DRIFTED, Role.FAKE: Verdict.OUTDATED, Role.GENUINE: Verdict.BEHIND}


class RulesOnSide:
    """What the rules find in the reply of one side, by path without indexes; the worst finding of each path."""

    def __init__(self, side: Side) -> None:
        self.role = side.role
        findings = judge(side.view).findings
        self.faults: dict[str, Finding] = {}
        """What is broken at MUST or SHOULD, the worst first: the first finding of each rule."""
        for finding in sorted(findings, key=rank):
            if finding.rule.level is not Level.NOTE:
                self.faults.setdefault(finding.rule.id, finding)
        counts = Counter(finding.rule.id for finding in findings if finding.rule.generic)
        self.more = next((rule_id for rule_id, number in counts.items() if number >= MAX_COMPLAINTS), "")
        """A rule about every member that may be broken at more places than it reports."""
        self._by_path = {path_of(finding): finding for finding in sorted(findings, key=rank, reverse=True)}

    def at(self, where: str) -> Finding | None:
        """The finding at exactly this path."""
        return next((self._by_path[path] for path in _paths(where) if path in self._by_path), None)


def path_of(finding: Finding) -> str:
    """The place of a finding, as the path of a difference is written."""
    return re.sub(r"\[\d+\]", "[]", show_path(finding.place.path))


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


def apply_rules(differences: Iterable[Difference], a: RulesOnSide, b: RulesOnSide) -> list[Difference]:
    """The differences with the verdicts of the rules.

    What would be allowed is not where one side alone breaks a rule at what holds that place, or at what is in it; the
    worst such rule is named first.
    """
    judged = [overrule(difference, a, b) for difference in differences]
    named = {difference.rule for difference in judged}
    faults = [(side, other, finding) for side, other in ((a, b), (b, a)) for finding in side.faults.values()]
    for side, other, finding in sorted(faults, key=lambda fault: _is_within(fault[2])):
        rule_id = finding.rule.id
        if rule_id in other.faults or rule_id in named:
            continue
        is_about = _about(finding)
        for at, difference in enumerate(judged):
            if difference.verdict is Verdict.ALLOWED and is_about(difference):
                judged[at] = replace(difference, verdict=_BLAME[side.role], rule=rule_id)
                break
    return judged


def _is_within(finding: Finding) -> tuple[bool, bool]:
    """Sorts what is found of the body as a whole before what is in it, and before what is found of the status."""
    return bool(finding.place.path), finding.place.offset is None


def _about(finding: Finding) -> Callable[[Difference], bool]:
    """Whether a difference is about the place of a finding, what holds it or is in it, or about what the rule names."""
    place = path_of(finding)
    words = set(re.findall(r"[a-z]+(?:_[a-z]+)*", f"{finding.rule.id} {finding.rule.clause} {finding.actual}"))

    def is_about(difference: Difference) -> bool:
        paths = _paths(difference.where)
        nested = place != "" and any(path.startswith(place) or place.startswith(path) for path in paths)
        return difference.where == THE_BODY or nested or any(re.split(r"\W+", path)[-1] in words for path in paths)

    return is_about
