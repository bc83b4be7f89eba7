"""The question asked of each candidate: does it break the same rule in the same way, and no other rule?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from contract_tests.rules import RULES
from contract_tests.rules.engine.judge import MAX_COMPLAINTS, Finding, Rule, judge
from contract_tests.rules.judged import Judged
from fake_server.wire.exchange import Exchange

Signature = tuple[str, bool, tuple[str, ...], str]
"""Rule id, whether the place is in an event, path with `*` for indexes, what was seen without its values."""

# Strings, the rest of a nested value, and numbers, except those that name a choice or a call.
_DATA = re.compile(
    r"""(?xs) "(?:[^"\\]|\\.)+(?:"|$) | (?<![A-Za-z])'(?:[^'\\]|\\.)+(?:'|$)
       | [{\[].* | (?<!choice[ ])(?<!call[ ])(?<!\d)\d+(?:\.\d+)? """
)


def signature(finding: Finding) -> Signature:
    """What must stay the same of a finding: a member of the wrong type must not become a missing one."""
    path = tuple("*" if isinstance(step, int) else step for step in finding.place.path)
    return finding.rule.id, finding.place.event is not None, path, _shape(finding.actual)


def _shape(text: str) -> str:
    """The text with every string and nested value replaced by `…` and every number by 0."""
    return _DATA.sub(lambda match: f"{match.group()[0]}…" if not match.group()[0].isdigit() else "0", text)


class NothingNew:
    """Holds for exchanges with no finding that the original does not have.

    A rule reports at most MAX_COMPLAINTS places of an exchange. If it reported that many, any of its places
    is accepted: it may be one that was not reported.
    """

    def __init__(self, original: Judged) -> None:
        counts = Counter(finding.rule.id for finding in original.findings)
        self._many = {rule_id for rule_id, count in counts.items() if count >= MAX_COMPLAINTS}
        self._known = {signature(finding) for finding in original.findings}

    def __call__(self, exchange: Exchange) -> bool:
        return self.holds(Judged(exchange).findings)

    def holds(self, findings: Iterable[Finding]) -> bool:
        """Whether all of these findings are ones that the original has."""
        return all(finding.rule.id in self._many or signature(finding) in self._known for finding in findings)


class BreaksRule:
    """Holds for exchanges that break `rule` the way the original does, and break nothing new.

    Once a candidate has lost the finding of another rule, no later one may have it again. Raises ValueError
    if the original does not break the rule.
    """

    def __init__(self, rule: Rule, original: Judged) -> None:
        self.rule = rule
        self.wanted = {signature(finding) for finding in original.findings if finding.rule.id == rule.id}
        if not self.wanted:
            raise ValueError(f"the exchange does not break {rule.id}")
        self._nothing_new = NothingNew(original)
        # Most candidates fail this quick question: is the rule itself still broken? The rules that silence
        # it have to be asked with it; a generic rule may be silenced by any other, so it has no short cut.
        self._first = (
            () if rule.generic else (rule, *(RULES[rule_id] for rule_id in rule.yields_to if rule_id in RULES))
        )
        self.others = original.ids() - {rule.id}

    def __call__(self, exchange: Exchange) -> bool:
        candidate = Judged(exchange)
        if self._first and not self._is_broken(judge(self._first, candidate.view).findings):
            return False
        others = candidate.ids() - {self.rule.id}
        if not self._is_broken(candidate.findings) or not others <= self.others:
            return False
        if not self._nothing_new.holds(candidate.findings):
            return False
        self.others = others
        return True

    def _is_broken(self, findings: Iterable[Finding]) -> bool:
        return any(signature(finding) in self.wanted for finding in findings)
