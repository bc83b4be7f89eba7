"""Whether a candidate still fails the same way: the same rule at the same kind of place, and nothing new."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from contract_tests.rules import RULES, judge
from contract_tests.rules.engine.judge import MAX_COMPLAINTS, Finding, Rule
from contract_tests.rules.engine.judge import judge as judge_by
from fake_server.wire.exchange import Exchange

Signature = tuple[str, bool, tuple[str, ...], str]
"""Of a finding: rule, whether it is in an event, path with `*` for indexes, what was seen without values."""

_DATA = re.compile(
    r"""(?xs) "(?:[^"\\]|\\.)+(?:"|$) | (?<![A-Za-z])'(?:[^'\\]|\\.)+(?:'|$)
       | [{\[].* | (?<!choice[ ])(?<!call[ ])(?<!\d)\d+(?:\.\d+)? """
)


def signature(finding: Finding) -> Signature:
    """What must stay the same of a finding: a member of the wrong type does not become a missing one."""
    path = tuple("*" if isinstance(step, int) else step for step in finding.place.path)
    return finding.rule.id, finding.place.event is not None, path, _shape(finding.actual)


def _shape(text: str) -> str:
    """The text with `…` for each string, nested value and number in it; which choice it is stays."""
    return _DATA.sub(lambda match: f"{match.group()[0]}…" if not match.group()[0].isdigit() else "0", text)


class NothingNew:
    """Holds for exchanges in which the rules find nothing that they did not find in the first one.

    A rule reports a few faults of an exchange only. One that reported so many may report others.
    """

    def __init__(self, exchange: Exchange) -> None:
        found = judge(exchange).findings
        counts = Counter(one.rule.id for one in found)
        self._many = {name for name, count in counts.items() if count >= MAX_COMPLAINTS}
        self._known = {signature(one) for one in found}

    def __call__(self, exchange: Exchange) -> bool:
        return self.holds(judge(exchange).findings)

    def holds(self, findings: Iterable[Finding]) -> bool:
        return all(one.rule.id in self._many or signature(one) in self._known for one in findings)


class BreaksRule:
    """Holds for exchanges that break `rule` as the first one does, and break nothing new.

    Once a candidate has lost the finding of another rule, no later one may have it again. Raises
    ValueError where the first one does not break the rule.
    """

    def __init__(self, rule: Rule, exchange: Exchange) -> None:
        self.rule = rule
        self.wanted = {signature(one) for one in judge(exchange).findings if one.rule.id == rule.id}
        if not self.wanted:
            raise ValueError(f"the exchange does not break {rule.id}")
        self._nothing_new = NothingNew(exchange)
        # What silences the rule has to be asked with it; generic rules are silenced by any other.
        self._first = (
            () if rule.generic else (rule, *(RULES[name] for name in rule.yields_to if name in RULES))
        )
        self.others = judge(exchange).ids() - {rule.id}

    def __call__(self, exchange: Exchange) -> bool:
        if self._first and not self._broken(judge_by(self._first, exchange).findings):
            return False
        findings = judge(exchange).findings
        others = {one.rule.id for one in findings} - {self.rule.id}
        if not self._broken(findings) or not others <= self.others or not self._nothing_new.holds(findings):
            return False
        self.others = others
        return True

    def _broken(self, findings: Iterable[Finding]) -> bool:
        return any(signature(one) in self.wanted for one in findings)
