"""A live run: find the target, announce the plan, play every case, report the results."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from contract_tests.cases import CASES, Case, select
from contract_tests.rules import RULES
from contract_tests.run import outcome
from contract_tests.run.again import Player
from contract_tests.run.contradicted import contradict
from contract_tests.run.find import prepare, session_for
from contract_tests.run.outcome import CaseResult, RunReport
from contract_tests.run.play import not_reached
from contract_tests.run.preflight import TOKENS, find_plain_case, may_think
from contract_tests.run.put_off import describe_pages, settle
from contract_tests.run.together import work_together
from contract_tests.target.endpoints import CHAT
from contract_tests.target.errors import NoModel, Unreachable, UsageError
from contract_tests.target.options import Options, Plan
from contract_tests.target.session import Session
from fake_server.relay.redact import excerpts_without
from fake_server.wire.text import did_you_mean

__all__ = ["NoModel", "Options", "Plan", "Unreachable", "UsageError", "run"]

OnResult = Callable[[CaseResult], None]
OnPlan = Callable[[Plan], None]


async def run(
    options: Options,
    on_result: OnResult | None = None,
    on_plan: OnPlan | None = None,
    cases: Sequence[Case] = (),
    path: str = CHAT,
) -> RunReport:
    """Play every selected case against the target and judge all exchanges.

    `on_plan` is called once before the first case, `on_result` after each, both on the loop. With `cases` those are
    played in place of the registered ones, and a target that lists no models is found by a request to `path`. Raises
    UsageError for options that cannot be used, Unreachable if nothing answers, NoModel if no model was
    named and the usual one is not listed. A run that is cancelled or interrupted while cases are played
    returns the report so far; its `stopped` says so.
    """
    with excerpts_without(lambda: options.secrets):
        chosen = list(cases) or choose_cases(options)
        plain_case = None if cases else find_plain_case(chosen)
        return await _run(options, on_result, on_plan, chosen, plain_case, path)


async def _run(
    options: Options,
    on_result: OnResult | None,
    on_plan: OnPlan | None,
    cases: list[Case],
    plain_case: tuple[str, str] | None,
    path: str,
) -> RunReport:
    began, started = monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    options.check()
    session, prefixes = session_for(options)
    async with session:
        try:
            async with asyncio.timeout(options.run_seconds):
                await prepare(session, prefixes, plain_case, path)
        except TimeoutError as error:
            raise Unreachable(f"the target was not found within {options.run_seconds:g} s") from error
        if on_plan:
            on_plan(make_plan(cases, session))
        results: dict[str, CaseResult] = {}
        session.stopped = await _ask_all(cases, session, results, on_result) or session.stopped
        waited = [result.case_id for result in results.values() if _waits(result)]
        for result in contradict(results.values()):  # what is unsupported is known when all was asked
            results[result.case_id] = result
        for line in describe_pages(results.values()):
            session.note(line)
        for result in settle((results[case.id] for case in cases if case.id in results), session.stopped):
            results[result.case_id] = result
        if on_result:
            for case_id in waited:
                on_result(results[case_id])
        for case in cases:
            if case.id not in results:
                judging = "not judged: " if case.id in session.judging else ""
                results[case.id] = not_reached(case, judging + session.stopped)
                if on_result:
                    on_result(results[case.id])
    report = _report(cases, session, results, started, monotonic() - began)
    return replace(report, **_left_out(options, cases))


def choose_cases(options: Options) -> list[Case]:
    """The cases that `options.select` names. Raises UsageError for a prefix that names none."""
    try:
        return select(options.select)
    except KeyError as error:
        name = error.args[0]
        if name in RULES or any(rule.section == name for rule in RULES.values()):
            hint = f"it names rules, and a run selects cases; `contract judge --select {name}` reports on them"
        else:
            known = {end for case_id in CASES for end in (case_id, case_id.rpartition(".")[0])}
            hint = did_you_mean(name, known, "--list shows them all", 3)
        raise UsageError(f"no case is called {name!r} or lies below it; {hint}") from error


def make_plan(cases: list[Case], session: Session) -> Plan:
    """What the run costs at most, with what was sent to find the target."""
    return Plan(
        len(cases),
        min(session.requests + sum(case.requests for case in cases), session.options.max_requests),
        sum(case.tokens + session.room * case.requests * may_think(case) for case in cases)
        + (TOKENS + session.room if find_plain_case(cases) else 0),
        session.base_url,
        session.model,
    )


def _waits(result: CaseResult) -> bool:
    """Whether what becomes of a result depends on those of other cases."""
    return bool(result.lacks or result.put_off)


async def _ask_all(
    cases: list[Case], session: Session, results: dict[str, CaseResult], on_result: OnResult | None
) -> str:
    """Fill `results`. Returns why not all cases were played, '' if they were."""
    waiting = deque(cases)
    player = Player(session, waiting)
    kept = 0

    async def work() -> None:
        nonlocal kept
        while waiting and not session.is_late():
            case = waiting.popleft()
            result = await player.play(case)
            if kept + result.size > outcome.MOST_KEPT:
                result = result.without_bodies()
            kept += result.size
            results[case.id] = result
            if on_result and not _waits(result):
                on_result(result)

    return await work_together(work, waiting, session)


def _describe_wordless(results: Sequence[CaseResult]) -> str:
    """How many answers ended before their first word, and in which cases; '' for none."""
    count, wordless = (sum(counts) for counts in zip(*(result.answers for result in results), strict=True))
    if not wordless:
        return ""
    ids = [result.case_id for result in results if result.answers[1]]
    what = f"{wordless} of {count} answers end at their limit before the first word"
    return f"{what} ({_list_some(ids)}): a pass proves little"


def _list_some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")


def _left_out(options: Options, cases: Sequence[Case]) -> dict[str, Any]:
    """What the report says of a selection: its words, and how many cases of each section it leaves out."""
    asked = {case.id for case in cases}
    left_out = Counter(case.section for case in CASES.values() if case.id not in asked)
    if not options.select or not left_out:
        return {}
    return {"selected": tuple(f"--select {prefix}" for prefix in options.select), "left_out": left_out}


def _report(
    cases: list[Case], session: Session, results: Mapping[str, CaseResult], started: str, seconds: float
) -> RunReport:
    ordered = tuple(results[case.id] for case in cases)
    if wordless := _describe_wordless(ordered):
        session.note(wordless)
    if beside := session.not_asked_alone:
        missing = "for which requests or time were missing; --concurrency 1 asks one case at a time"
        session.note(f"failed beside other cases and not asked alone: {_list_some(beside)}, {missing}")
    applied = Counter(rule for result in ordered for rule in result.applied)
    return RunReport(
        session.base_url,
        session.model,
        ordered,
        session.requests,
        seconds,
        tuple(session.notes),
        session.stopped,
        applied,
        command=session.options.command,
        started=started,
    )
