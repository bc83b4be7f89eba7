"""What a run says: seven outcomes, the result of a case, the report of a run, the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from contract_tests.rules.engine import Finding, Level
from fake_server.wire.exchange import Exchange


class Outcome(StrEnum):
    """What became of a case; the last four are never folded into pass or fail."""

    PASS = "pass"
    WARN = "warn"  # only SHOULD findings
    FAIL = "fail"  # at least one MUST finding
    UNSUPPORTED = "unsupported"  # the target says it does not have this
    NOT_REACHED = "not reached"  # the run ended or gave up before it
    SETUP_FAILED = "setup failed"  # what the case needs first did not work
    HARNESS_FAILED = "harness failed"  # the kit itself failed


class ExitCode(IntEnum):
    """What `contract` exits with."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    UNREACHABLE = 3
    HARNESS = 4


def failing(findings: Iterable[Finding], fail_on: Level) -> bool:
    """Whether there is a finding of the level `fail_on` or of a stronger one."""
    order = list(Level)
    return any(order.index(one.rule.level) <= order.index(fail_on) for one in findings)


@dataclass(frozen=True)
class CaseResult:
    """One case as it went: `findings` of its exchanges and of its relations, `reason` where it is no pass."""

    case_id: str
    section: str
    title: str
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    applied: frozenset[str] = frozenset()
    not_reached: frozenset[str] = frozenset()
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class RunReport:
    """A whole run. `target` is the base URL that was judged, `model` the one asked for."""

    target: str
    model: str
    results: tuple[CaseResult, ...]
    requests: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    stopped: str = ""
    applied: Counter[str] = field(default_factory=Counter)

    @property
    def findings(self) -> Iterator[Finding]:
        for result in self.results:
            yield from result.findings

    def exit_code(self, fail_on: Level = Level.MUST) -> ExitCode:
        """The exit code by the contract's table; `fail_on` SHOULD (or NOTE) widens what counts.

        A run that was stopped is no pass, whatever it reached; chat has to be reached where it was asked.
        """
        outcomes = {result.outcome for result in self.results}
        if Outcome.HARNESS_FAILED in outcomes:
            return ExitCode.HARNESS
        if failing(self.findings, fail_on):
            return ExitCode.FINDINGS
        chat = [one for one in self.results if one.section.startswith("chat")] or self.results
        reached = any(one.outcome in (Outcome.PASS, Outcome.WARN, Outcome.FAIL) for one in chat)
        return ExitCode.OK if reached and not self.stopped else ExitCode.UNREACHABLE
