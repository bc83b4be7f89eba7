"""What a run reports: seven outcomes, the result of a case, the report of the run, the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum

from contract_tests.rules.engine.judge import Finding, Level
from contract_tests.rules.evidence import describe_server
from contract_tests.target.options import below
from contract_tests.tolerance.entry import Ledger, Tolerated
from fake_server.wire.exchange import Exchange


class Outcome(StrEnum):
    """What became of a case; the last four are never folded into pass or fail."""

    PASS = "pass"
    WARN = "warn"  # only SHOULD findings, or MUST ones that are tolerated
    FAIL = "fail"  # at least one MUST finding
    UNSUPPORTED = "unsupported"  # the target says it does not have this
    NOT_REACHED = "not reached"  # the run ended or gave up before it
    SETUP_FAILED = "setup failed"  # what the case needs first did not work
    HARNESS_FAILED = "harness failed"  # the kit itself failed


MOST_KEPT = 256 * 1024 * 1024
"""Bytes of the exchanges that a run keeps, in all cases together; of what comes on top only the heads are kept."""
REACHED = (Outcome.PASS, Outcome.WARN, Outcome.FAIL)


class ExitCode(IntEnum):
    """What `contract` exits with."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    UNREACHABLE = 3
    HARNESS = 4


def failing(findings: Iterable[Finding], fail_on: Level) -> bool:
    """Whether there is a finding of the level `fail_on` or of a stronger one; a NOTE never fails."""
    return is_failing((finding.rule.level for finding in findings), fail_on)


def is_failing(levels: Iterable[Level], fail_on: Level) -> bool:
    """Whether a finding of one of these levels fails."""
    order = list(Level)
    return any(order.index(level) <= order.index(fail_on) for level in levels if level is not Level.NOTE)


@dataclass(frozen=True)
class PutOff:
    """The `findings` of a reply that put a valid request off; `kind` is what such replies have in common.

    `passes` tells that it comes and goes: the same request is answered at another time. `page` tells that it is a page
    in place of an answer, which one kind of request may get each time: it passes where its own case was answered later.
    """

    kind: str
    findings: tuple[Finding, ...]
    passes: bool
    page: bool = False


@dataclass(frozen=True)
class CaseResult:
    """How one case went: `findings` of its exchanges and relations, `reason` if it is not a pass.

    `tolerated` holds the findings that a profile or a baseline covers; they are not in `findings`. `traceback`
    is that of the kit's own failure. `lacks` is what an unsupported case says the target does not have. `answers` is
    how many replies had choices, and in how many of them each ended at its limit before the first word. `emptied`
    tells that the `exchanges`, once judged, lost the bodies of their replies. `put_off` holds those of the `findings`
    that are about replies which put a valid request off.
    """

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
    tolerated: tuple[Tolerated, ...] = ()
    traceback: str = ""
    lacks: frozenset[str] = frozenset()
    answers: tuple[int, int] = (0, 0)
    emptied: bool = False
    put_off: tuple[PutOff, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the exchanges."""
        return sum(exchange.size for exchange in self.exchanges)

    def without_bodies(self) -> CaseResult:
        """The result without the bodies of its replies, for which there is no room."""
        exchanges = tuple(exchange.but(writes=(), trailers=()) for exchange in self.exchanges)
        return replace(self, exchanges=exchanges, emptied=True)


@dataclass(frozen=True)
class Lack:
    """Cases of a required section that were not judged, all with one outcome and one reason."""

    section: str
    outcome: Outcome
    reason: str
    cases: tuple[str, ...]


@dataclass(frozen=True)
class RunReport:
    """A whole run. `target` is the base URL that was judged, `model` the one asked for.

    `command` is the command line of the run, to which `--select CASE` can be added. `required` holds the sections
    (or prefixes of case ids) of which every case must be reached; `started` is when the run began, in ISO 8601;
    `ledger` tells what became of the entries of profile and baseline; `config` is the file of options, if any, and
    `recordings` are the files of saved exchanges, by label. `selected` says in words of the command line why not all
    cases were asked, and `left_out` how many of each section were not; both are empty where all were.
    """

    target: str
    model: str
    results: tuple[CaseResult, ...]
    requests: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    stopped: str = ""
    applied: Counter[str] = field(default_factory=Counter)
    required: tuple[str, ...] = ()
    command: str = ""
    started: str = ""
    ledger: Ledger = field(default_factory=Ledger)
    config: str = ""
    recordings: dict[str, str] = field(default_factory=dict)
    selected: tuple[str, ...] = ()
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def server(self) -> dict[str, str]:
        """What the target, and what is before it, say of themselves in header fields."""
        exchanges = (exchange for result in self.results for exchange in result.exchanges)
        return describe_server(field for exchange in exchanges for field in exchange.headers)

    @property
    def findings(self) -> Iterator[Finding]:
        """The findings that count: those that are not tolerated."""
        for result in self.results:
            yield from result.findings

    @property
    def tolerated(self) -> Iterator[Tolerated]:
        """What a profile or a baseline covers."""
        for result in self.results:
            yield from result.tolerated

    @property
    def lacking(self) -> list[Lack]:
        """What is missing from the required sections, in their order."""
        cases_by_reason: dict[tuple[str, Outcome, str], list[str]] = {}
        for section in self.required:
            for result in self.results:
                if result.outcome not in REACHED and below(result.case_id, section):
                    key = (section, result.outcome, result.reason)
                    cases_by_reason.setdefault(key, []).append(result.case_id)
        return [Lack(*key, tuple(cases)) for key, cases in cases_by_reason.items()]

    def exit_code(self, fail_on: Level = Level.MUST) -> ExitCode:
        """The exit code by the contract's table; `fail_on` SHOULD widens what counts.

        A run that was stopped is no pass, whatever it reached; chat has to be reached where it was asked.
        A required section that the target does not have counts as a finding, one that could not be asked
        leaves the run without a verdict.
        """
        outcomes = {result.outcome for result in self.results}
        lacking = {lack.outcome for lack in self.lacking}
        if Outcome.HARNESS_FAILED in outcomes:
            return ExitCode.HARNESS
        if failing(self.findings, fail_on) or Outcome.UNSUPPORTED in lacking:
            return ExitCode.FINDINGS
        chat = [result for result in self.results if result.section.startswith("chat")] or self.results
        reached = any(result.outcome in REACHED for result in chat)
        return ExitCode.OK if reached and not lacking and not self.stopped else ExitCode.UNREACHABLE
