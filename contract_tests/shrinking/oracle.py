"""The question asked of each candidate: does it break the same rule, or main(), in the same way, and no other rule?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from contract_tests.rules import RULES
from contract_tests.rules.engine.judge import MAX_COMPLAINTS, Finding, Rule, judge
from contract_tests.rules.engine.limits import IsLate
from contract_tests.rules.judged import Judged
from contract_tests.target.main_program import MainOutcome, run_main_program
from fake_server.ending import run_loop
from fake_server.replay.playback import Playback
from fake_server.wire.exchange import Exchange

TIMEOUT = 10.0
"""Seconds for one run of main(), which has an SDK to load; a reply that never ends uses all of them."""
_VARYING = re.compile(r"\d+(?:\.\d+)?")
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
    shape = _DATA.sub(lambda match: "0" if match[0][0].isdigit() else f"{match[0][0]}…", finding.actual)
    return finding.rule.id, finding.place.event is not None, path, shape


class NothingNew:
    """Holds for exchanges with no finding that the original does not have.

    A rule reports at most MAX_COMPLAINTS places of an exchange. If it reported that many, any of its places
    is accepted: it may be one that was not reported.
    """

    def __init__(self, original: Judged) -> None:
        counts = Counter(finding.rule.id for finding in original.findings)
        self._many = {rule_id for rule_id, count in counts.items() if count >= MAX_COMPLAINTS}
        self._known = {signature(finding) for finding in original.findings}

    def holds(self, findings: Iterable[Finding]) -> bool:
        """Whether all of these findings are ones that the original has."""
        return all(finding.rule.id in self._many or signature(finding) in self._known for finding in findings)


class BreaksRule:
    """Holds for exchanges that break `rule` the way the original does, and break nothing new.

    Once a candidate has lost the finding of another rule, no later one may have it again. One that is not judged to
    its end, because it `is_late`, counts as keeping the rule. Raises ValueError if the original does not break it.
    """

    def __init__(self, rule: Rule, original: Judged, is_late: IsLate | None = None) -> None:
        self.rule, self._is_late = rule, is_late
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
        candidate = Judged(exchange, self._is_late)
        if self._first and not self._is_broken(judge(self._first, candidate.view, self._is_late).findings):
            return False
        if candidate.judgement.left_out:
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


class MainFails:
    """Holds for exchanges on which main() fails as on the original, and that break no rule it keeps.

    The rules are checked first: they cost a thousandth of a run. Raises ValueError if main() does not fail
    because of the reply: another endpoint, a reply that it can read, or a failure of main() itself.
    """

    def __init__(self, original: Judged, is_late: IsLate | None = None) -> None:
        self._is_late = is_late
        if original.view.endpoint != "chat":
            request = original.exchange.request
            raise ValueError(
                f"main() sends POST /v1/chat/completions; this is a reply to {request.method} {request.path}"
            )
        self.outcome = run_main(original.exchange)
        if self.outcome.code == 0:
            raise ValueError("main() does not fail on it: it prints the answer and exits with code 0")
        if self.outcome.is_own_fault:
            raise ValueError(f"main() itself failed, not because of the reply: {self.outcome.line}")
        self._nothing_new = NothingNew(original)

    def __call__(self, exchange: Exchange) -> bool:
        candidate = Judged(exchange, self._is_late)
        if candidate.judgement.left_out or not self._nothing_new.holds(candidate.findings):
            return False
        return kind_of(run_main(exchange)) == kind_of(self.outcome)


def kind_of(outcome: MainOutcome) -> tuple[int, str]:
    """What stays the same from run to run: the exit code, and the line without its numbers."""
    return outcome.code, _VARYING.sub("0", outcome.line)


def run_main(exchange: Exchange) -> MainOutcome:
    """How main() takes the reply of an exchange, played to it as recorded but without the pauses."""
    return run_loop(_run(exchange))


async def _run(exchange: Exchange) -> MainOutcome:
    body = exchange.request.json()
    streamed = isinstance(body, dict) and body.get("stream") is True
    request = replace(exchange.request, target="/v1/chat/completions")
    options = () if streamed else ("--no-stream",)
    async with Playback([exchange.but(request=request)], speed=0, match="order") as served:
        try:
            return await run_main_program(served.base_url, *options, seconds=TIMEOUT, slack=5.0)
        except TimeoutError:
            return MainOutcome(8, "client.py did not end by itself", False)
