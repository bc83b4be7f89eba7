"""One case from its first request to its result."""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic

from contract_tests.rules import judge, judge_trace
from contract_tests.rules.engine.answers import answers, is_wordless
from contract_tests.rules.engine.judge import Finding, Judgement, Level
from contract_tests.rules.evidence import with_evidence
from contract_tests.run.outcome import CaseResult, Outcome, PutOff
from contract_tests.run.put_off import ACCEPTED, make_put_off, puts_off
from contract_tests.target.ask import Ask, Case
from contract_tests.target.environment import keys_of_environment
from contract_tests.target.errors import NotReached, Refused, SetupFailed, Unsupported
from contract_tests.target.options import Options
from contract_tests.target.session import Session
from fake_server.relay.redact import excerpts_without, replace_known
from fake_server.relay.redact.dummies import dummy
from fake_server.wire.exchange import Exchange, recut

_ROOT = Path(__file__).parents[2]

_STATUS = "errors.not-422"
LEFT_OUT = "not judged by all rules: the run's time was up, or a reply holds too many values"

Judged = tuple[Judgement, tuple[PutOff, ...], tuple[int, int]]
"""The judgement of a case, what of it is about replies that put a request off, and its `answers`."""

_OUTCOMES: dict[type[Exception], Outcome] = {
    NotReached: Outcome.NOT_REACHED,
    Unsupported: Outcome.UNSUPPORTED,
    SetupFailed: Outcome.SETUP_FAILED,
    Refused: Outcome.FAIL,
}
"""What each way out of a case makes of it."""


async def play_case(case: Case, session: Session) -> CaseResult:
    """Play the case and judge its exchanges. Raises nothing but CancelledError."""
    ask = Ask(case, session)
    try:
        return await _play(ask, case, session)
    finally:
        ask.share.release()


async def _play(ask: Ask, case: Case, session: Session) -> CaseResult:
    began = monotonic()
    outcome, reason, trouble = await _send_requests(case, ask)
    lacks = trouble.lacks if isinstance(trouble, Unsupported) else frozenset()
    session.judging.add(case.id)
    try:
        judgement, put_off, answered = await _judge_in_turn(ask)
    except Exception as error:
        outcome, reason, trouble = Outcome.HARNESS_FAILED, f"judging failed: {_format_error(error)}", error
        judgement, put_off, answered = Judgement(), (), (0, 0)
    if judgement.left_out and outcome in (None, Outcome.FAIL):
        outcome, reason = Outcome.NOT_REACHED, LEFT_OUT
    session.judging.discard(case.id)
    own = None if isinstance(trouble, tuple(_OUTCOMES)) else trouble  # the kit itself failed with it
    outcome = _outcome_with(outcome, judgement)
    if outcome is Outcome.FAIL and not judgement.ids(Level.MUST):
        outcome, reason = Outcome.HARNESS_FAILED, f"{reason}, and no rule says why"
    exchanges = [view.exchange for view in ask.views]
    options = session.options
    return CaseResult(
        case.id,
        case.section,
        case.title,
        outcome,
        judgement.findings,
        tuple(_masked_exchange(exchange, options) for exchange in exchanges),
        judgement.applied,
        judgement.not_reached,
        options.mask(reason),
        monotonic() - began,
        traceback=options.mask("".join(traceback.format_exception(own)) if own else ""),
        lacks=lacks,
        answers=answered,
        put_off=put_off,
    )


def not_reached(case: Case, reason: str) -> CaseResult:
    """The result of a case that was not played, or not to its end."""
    return CaseResult(case.id, case.section, case.title, Outcome.NOT_REACHED, reason=reason)


async def _send_requests(case: Case, ask: Ask) -> tuple[Outcome | None, str, Exception | None]:
    """Play the case: the outcome if it did not come to its end and why, None if the findings decide.

    The third value is what was raised.
    """
    try:
        if ask.session.stopped:
            raise NotReached(ask.session.stopped)
        await case.play(ask)
    except tuple(_OUTCOMES) as why:
        return next(outcome for kind, outcome in _OUTCOMES.items() if isinstance(why, kind)), str(why), why
    except Exception as error:
        return Outcome.HARNESS_FAILED, _format_error(error), error
    return None, "", None


def _format_error(error: Exception) -> str:
    """What was raised, and the last line of the kit that it came from."""
    frames = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    places = [f"{path.relative_to(_ROOT)}:{line}" for path, line in frames if path.is_relative_to(_ROOT)]
    where = f" ({places[-1]})" if places else ""
    return f"{type(error).__name__}: {error}".rstrip(": ") + where


async def _judge_in_turn(ask: Ask) -> Judged:
    """The judgement of a case, on a thread; one after the other: each may take all the memory.

    When the time of the run is up, what was found until then stands.
    """
    async with ask.session.turn_to_judge:
        judging = asyncio.get_running_loop().run_in_executor(None, _judge_case, ask)
        try:
            return await asyncio.shield(judging)
        except asyncio.CancelledError:
            if not ask.session.is_late():
                raise
            return await judging  # which looks at the same clock, and ends soon


def _judge_case(ask: Ask) -> Judged:
    """What the rules say of each exchange of the case, and of all of them together."""
    secrets = (*ask.session.options.secrets, *keys_of_environment())
    with excerpts_without(lambda: secrets):
        judgement, put_off = _judge_all(ask, secrets)
    answered = [] if judgement.left_out else [view for view in ask.views if view.ok and any(answers(view))]
    return judgement, put_off, (len(answered), sum(map(is_wordless, answered)))


def _judge_all(ask: Ask, secrets: Sequence[str]) -> tuple[Judgement, tuple[PutOff, ...]]:
    trace = ask.trace()
    is_late = ask.session.is_late
    single = [(judge(view, is_late), (view,)) for view in ask.views]
    broken = frozenset[str]().union(*(judgement.ids(Level.MUST) for judgement, _ in single))
    roles = {id(view): role for role, view in trace.roles.items()}
    beside = find_only_beside({roles.get(id(view), ""): judgement for judgement, (view,) in single})
    if beside:
        single = [(_without(judgement, beside), views) for judgement, views in single]
    trace = replace(trace, broken=broken, only_beside=beside or None)
    parts = [*(judgement for judgement, _ in single), judge_trace(trace, is_late)]
    seen = [*single, (parts[-1], tuple(trace.roles.values()))]
    findings: list[Finding] = []
    about: dict[int, list[Finding]] = {}
    refused = {id(found.where) for found in parts[-1].findings if found.rule.id == ACCEPTED}
    for part, views in seen:
        for found, shown in zip(part.findings, with_evidence(part.findings, views, secrets), strict=True):
            if found.rule.id == _STATUS and id(views[0]) in refused:
                continue  # with which status a valid request is refused, is no fault of its own
            findings.append(shown)
            if not found.rule.relation or found.rule.id == ACCEPTED:
                about.setdefault(id(found.where if found.rule.relation else views[0]), []).append(shown)
    put_off = [make_put_off(view, about[id(view)]) for view in ask.views if id(view) in about and puts_off(view)]
    judgement = Judgement(
        tuple(findings),
        frozenset().union(*(part.applied for part in parts)),
        frozenset().union(*(part.not_reached for part in parts)),
        frozenset().union(*(part.left_out for part in parts)),
    )
    return judgement, tuple(put_off)


BY_THE_CLOCK = frozenset({"chat.stream.same-created", "completions.stream.same-created"})
"""Rules that a slow reply breaks and a quick one does not: other requests make a reply slow, and are not to blame."""
ENOUGH_ALONE = 8
"""Answers to a caller who is alone that must all be right before the others are to blame for what is wrong."""


def find_only_beside(by_role: Mapping[str, Judgement]) -> dict[str, str]:
    """What was seen of the MUST rules that no caller who is alone breaks, and half of those at the same time do."""
    callers, alone = (
        [judgement for role, judgement in by_role.items() if role.startswith(begin)] for begin in ("caller", "alone")
    )
    if len(alone) < ENOUGH_ALONE:
        return {}
    kept = {rule for judgement in alone for rule in judgement.ids(Level.MUST)}
    broken = Counter(rule for judgement in callers for rule in judgement.ids(Level.MUST) - kept - BY_THE_CLOCK)
    seen = {finding.rule.id: finding.actual for judgement in callers for finding in reversed(judgement.findings)}
    return {rule: seen[rule] for rule, count in broken.items() if 2 * count >= len(callers)}


def _without(judgement: Judgement, rules: Mapping[str, str]) -> Judgement:
    """The judgement without the findings of some rules."""
    return replace(judgement, findings=tuple(found for found in judgement.findings if found.rule.id not in rules))


def _outcome_with(outcome: Outcome | None, judged: Judgement) -> Outcome:
    """The final outcome: a MUST finding is a failure, whatever else went wrong."""
    if outcome is Outcome.HARNESS_FAILED:
        return outcome
    if judged.ids(Level.MUST):
        return Outcome.FAIL
    if outcome is not None:
        return outcome
    return Outcome.WARN if judged.ids(Level.SHOULD) else Outcome.PASS


# -- secrets that a target sends back


def _masked_exchange(exchange: Exchange, options: Options) -> Exchange:
    """The exchange with each secret in its reply replaced by a dummy."""
    payload, head = exchange.payload, str(exchange.headers)
    leaked = [secret for secret in options.distinct_secrets if secret.encode() in payload or secret in head]
    if not leaked:
        return exchange
    for secret in leaked:
        payload = payload.replace(secret.encode(), dummy(len(secret.encode())).encode())
    headers = tuple((name, replace_known(value, leaked)) for name, value in exchange.headers)
    return exchange.but(writes=recut(payload, exchange.writes), headers=headers)
