"""Before blame: whether the target is still there, and whether a case that failed beside others fails alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from time import monotonic

from contract_tests.rules import judge_trace
from contract_tests.rules.engine.judge import Finding, Level
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.run.outcome import REACHED, CaseResult, Outcome
from contract_tests.run.play import BY_THE_CLOCK, not_reached, play_case
from contract_tests.run.preflight import ask_plainly, describe_answer, is_refused
from contract_tests.run.put_off import ACCEPTED, is_only_put_off
from contract_tests.target.ask import Case
from contract_tests.target.errors import Unreachable
from contract_tests.target.session import Session
from fake_server.wire.exchange import Ending
from fake_server.wire.room import Share

CROWD, OFTEN, ALONE = 3, 2, 3
"""How many times a case is played at once, in how many of them the failure is to come again, and how many times it
is to pass alone after that: a failure that comes and goes by itself is not blamed on the others."""
MOST_AT_ONCE = 8
"""How many times a case is played at once where as many cases are, so that a target has as much to do as before."""
SHARE = 0.15
"""The part of the run's time that may be spent on playing cases again."""
PAUSES = (0.0, 0.5, 2.0)
"""Seconds before each of the plain requests that must all be refused before it is an outage."""


class Turns:
    """Who may send requests: cases beside each other, or one of them alone."""

    def __init__(self) -> None:
        self._running = self._begun = 0
        self._door = asyncio.Lock()
        self._idle = asyncio.Event()

    @asynccontextmanager
    async def beside(self) -> AsyncIterator[list[str]]:
        """Send requests beside others. The list that is yielded is not empty afterwards if there were any."""
        async with self._door:
            self._running += 1
            self._begun += 1
        company, begun = ["another case"] * (self._running - 1), self._begun
        try:
            yield company
        finally:
            company += ["a later case"] * (self._begun - begun)
            self._running -= 1
            self._idle.set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Send requests while nobody else does; waits for the cases that are being played."""
        async with self._door:
            while self._running:
                self._idle.clear()
                await self._idle.wait()
            yield


class Player:
    """Plays the cases of a run; `waiting` holds those whose requests must still be affordable."""

    def __init__(self, session: Session, waiting: Iterable[Case]) -> None:
        self.session, self.waiting = session, waiting
        self._turns = Turns()
        self._confirmed: set[tuple[str, str]] = set()
        self._under_load: set[str] = set()
        """Rules that a crowd breaks and a case alone does not, so that chance is ruled out."""
        self._passing: set[str] = set()
        """The pages that came in place of an answer, and did not come again."""
        self._outage = ""
        self._seconds = 0.0

    async def play(self, case: Case) -> CaseResult:
        """Play a case. A failure stands if the target is there, and if the case fails alone as well."""
        share = Share(self.session.replies)
        try:
            result = await self._play(case, share)
        finally:
            share.release()
        self.session.strike(case.id, result.exchanges)
        return result

    async def _play(self, case: Case, share: Share) -> CaseResult:
        if case.alone:
            async with self._turns.alone():
                result, company = await play_case(case, self.session), []
        else:
            async with self._turns.beside() as company:
                result = await play_case(case, self.session)
        share.count(result.size)  # it may wait for its turn to be asked again
        if result.outcome in (Outcome.FAIL, Outcome.SETUP_FAILED) and not is_only_put_off(result):
            doubtful = bool(company) or any(not part.passes for part in result.put_off)
            return await self._doubt(case, result, bool(company), asks_again=doubtful and self._is_news(result))
        return result

    async def _doubt(self, case: Case, failed: CaseResult, in_company: bool, *, asks_again: bool) -> CaseResult:
        """What stands of a failure: nothing in an outage, and where it is asked again what it is alone."""
        refused = not self.session.is_late() and any(is_refused(View(exchange)) for exchange in failed.exchanges)
        if refused or (asks_again and not self.session.is_late()):
            async with self._turns.alone():
                if refused and await self._is_outage(case):
                    return not_reached(case, self.session.stopped)
                if asks_again and self._can_afford(len(failed.exchanges)):
                    began = monotonic()
                    result = await self._play_alone(case, failed, in_company)
                    self._seconds += monotonic() - began
                    return result
        if asks_again:
            self.session.not_asked_alone.append(case.id)
        return failed

    def _is_news(self, result: CaseResult) -> bool:
        """Whether a MUST finding is unlike all that were seen in cases that were played alone, or of a passing page."""
        passing = any(part.page and part.kind in self._passing for part in result.put_off)
        return passing or not _seen(result.findings) <= self._confirmed

    async def _play_alone(self, case: Case, beside: CaseResult, in_company: bool) -> CaseResult:
        """What stands of a failure beside others, with everybody else waiting."""
        alone = await play_case(case, self.session)
        gone = any(is_refused(View(exchange)) for exchange in alone.exchanges) and await self._is_outage(case)
        if gone or alone.outcome not in (*REACHED, Outcome.UNSUPPORTED):
            return beside
        self._confirmed |= _seen(alone.findings)
        again = {part.kind for part in alone.put_off}
        self._passing |= {part.kind for part in beside.put_off if part.page and part.kind not in again}
        pages = {finding.rule.id for part in beside.put_off if part.page for finding in part.findings}
        healed = _ids(beside) - _ids(alone) - BY_THE_CLOCK - pages  # a page that comes and goes is nobody's load
        size = max(CROWD, min(self.session.options.concurrency, MOST_AT_ONCE))
        if in_company and healed - self._under_load and self._can_afford((size + ALONE) * len(beside.exchanges)):
            crowd = await asyncio.gather(*(play_case(case, self.session) for _ in range(size)))
            often = {rule for rule in healed if sum(rule in _ids(result) for result in crowd) >= OFTEN}
            for _ in range(ALONE if often else 0):
                often -= _ids(await play_case(case, self.session))
            self._under_load |= often
        return confirm(beside, alone, healed & self._under_load if in_company else set())

    def _can_afford(self, requests: int) -> bool:
        """Whether so many more leave enough for the cases that wait; the time for asking again is limited too."""
        if self._seconds > SHARE * self.session.options.run_seconds or self.session.is_late():
            return False
        wanted = requests + sum(other.requests for other in self.waiting)
        spare = self.session.options.max_requests - self.session.requests
        return wanted <= spare and not self.session.stopped

    async def _is_outage(self, case: Case) -> bool:
        """Whether plain requests, which were answered before the first case, are refused now; stops the run."""
        session = self.session
        if self._outage or session.stopped or session.plain is None:
            return bool(self._outage)
        for pause in PAUSES:
            await asyncio.sleep(pause)
            try:
                reply = await ask_plainly(session, session.plain)
            except Unreachable:  # the limit on requests
                return False
            if reply.status == 429 or not is_refused(reply):
                return False
            if reply.exchange.ending is Ending.TIMED_OUT:
                break
        self._outage = session.stopped = session.options.mask(
            f"from {case.id} on the target answers no valid request ({describe_answer(reply)}); "
            "what was judged before stands"
        )
        return True


def confirm(beside: CaseResult, alone: CaseResult, under_load: set[str]) -> CaseResult:
    """What stands of a case that failed beside others, after it was played alone.

    What is broken alone stands as it is. The rules `under_load` are named by relations.as-alone; the form in which
    requests are put off is none of them. What is broken beside others and may have been chance stands as well: it came.
    """
    musts = [finding for finding in beside.findings if finding.rule.level is Level.MUST]
    about = [finding for part in beside.put_off for finding in part.findings]
    under_load = under_load - ({finding.rule.id for finding in about} - {ACCEPTED})
    chance = [finding for finding in musts if finding.rule.id not in {*_ids(alone), *under_load}]
    only_beside = {finding.rule.id: finding.actual for finding in reversed(musts) if finding.rule.id in under_load}
    said = judge_trace(Trace(beside.case_id, {}, only_beside=only_beside))
    worse = bool(only_beside or chance)
    healed = [
        replace(part, findings=tuple(finding for finding in part.findings if finding in chance), passes=True)
        for part in beside.put_off
    ]
    if healed and only_beside.keys() == {ACCEPTED}:  # told once as well
        healed.append(replace(healed[0], findings=said.findings))
    return replace(
        alone,
        outcome=Outcome.FAIL if worse else alone.outcome,
        findings=(*said.findings, *chance, *alone.findings),
        exchanges=(*beside.exchanges, *alone.exchanges) if worse else alone.exchanges,
        applied=beside.applied | alone.applied | said.applied,
        seconds=beside.seconds + alone.seconds,
        put_off=(*(part for part in healed if part.findings), *alone.put_off),
    )


def _ids(result: CaseResult) -> set[str]:
    """The MUST rules that a case breaks."""
    return {rule for rule, _ in _seen(result.findings)}


def _seen(findings: Iterable[Finding]) -> set[tuple[str, str]]:
    """The MUST findings by rule and what was seen."""
    return {(finding.rule.id, finding.actual) for finding in findings if finding.rule.level is Level.MUST}
