"""Whether a target carries a client, from a run of the requests that the client was seen to send."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from contract_tests.ready.arrival import Arrival, State, is_witnessing
from contract_tests.ready.asking import ERROR, FAILED, end_of, says_something
from contract_tests.ready.effects import Effect, effect_on, verdicts_on
from contract_tests.ready.seen import SeenClient, Verdicts
from contract_tests.report.breakage import NOT_ASKED
from contract_tests.rules.engine.judge import Finding, Level
from contract_tests.rules.engine.view import View
from contract_tests.run.outcome import CaseResult, ExitCode, Outcome, RunReport

REFUSED = "relations.accepted"
"""The rule that a valid request is answered: without an answer no client goes on."""
NO_ANSWER = "no answer"
LOST = "lost"
"""The verdict on every client where something that it sends does not reach the model."""


@dataclass(frozen=True)
class Obstacle:
    """What was found in the answer to a request, and what becomes of the client: `verdicts` by name of the table.

    `finding` is None where the answer breaks no rule and yet does not come to its end; `what` then says how.
    """

    case_id: str
    effect: Effect
    verdicts: Verdicts
    finding: Finding | None = None
    what: str = ""


@dataclass(frozen=True)
class Readiness:
    """What came of the requests of a client: which obstacles stop it, and which do not or were not measured."""

    client: SeenClient
    api: str
    report: RunReport
    obstacles: Sequence[Obstacle]
    arrivals: Sequence[Arrival] = ()

    @property
    def not_shown(self) -> list[Arrival]:
        """What was sent and of which nobody knows whether it reaches the model."""
        return [arrival for arrival in self.arrivals if arrival.state is State.NOT_SHOWN]

    def of(self, effect: Effect) -> list[Obstacle]:
        """The obstacles with this effect."""
        return [obstacle for obstacle in self.obstacles if obstacle.effect is effect]

    @property
    def not_judged(self) -> list[CaseResult]:
        """The requests of which nothing is known: a limit was met, or judging failed."""
        known = (Outcome.PASS, Outcome.WARN, Outcome.FAIL)
        return [result for result in self.report.results if result.outcome not in known]

    @property
    def exit_code(self) -> ExitCode:
        """0 where the client is carried, 1 where an obstacle stops it, 3 where not all was judged or arrives."""
        if any(result.outcome is Outcome.HARNESS_FAILED for result in self.report.results):
            return ExitCode.HARNESS
        if self.of(Effect.STOPS):
            return ExitCode.FINDINGS
        unknown = self.not_judged or self.not_shown or self.report.stopped
        return ExitCode.UNREACHABLE if unknown else ExitCode.OK


def weigh(client: SeenClient, api: str, report: RunReport, arrivals: Sequence[Arrival] = ()) -> Readiness:
    """Weigh what a run of the client's requests found by what was measured on the client, and what did not arrive.

    What asks for the latter is no request of the client: rules that its answers break weigh nothing.
    """
    results = [result for result in report.results if not is_witnessing(result.case_id)]
    lost = [
        Obstacle(each.case_id, Effect.STOPS, dict.fromkeys(client.columns, LOST), what=_describe(each))
        for each in arrivals
        if each.state is State.LOST
    ]
    found = [obstacle for result in results for obstacle in _obstacles(result, client)]
    return Readiness(client, api, report, [*lost, *found], arrivals)


def _describe(arrival: Arrival) -> str:
    return f"{arrival.thing}: never seen by the model; {arrival.what}"


def _obstacles(result: CaseResult, client: SeenClient) -> Iterator[Obstacle]:
    """What was found in the answer to one request; that there is none, or none to be read, where no rule says so."""
    found = [_weigh_finding(result.case_id, finding, client) for finding in result.findings]
    view = None if result.emptied or not result.exchanges else View(result.exchanges[-1])
    stops = any(obstacle.effect is Effect.STOPS for obstacle in found)
    if view is not None and view.ok and not stops and not says_something(view) and not end_of(view)[0]:
        verdicts = dict.fromkeys(client.columns, "empty")  # whatever else was measured: there is nothing to be read
        musts = [each for each in found if each.finding and each.finding.rule.level is Level.MUST]
        for obstacle in musts:
            yield replace(obstacle, effect=Effect.STOPS, verdicts=verdicts)
        if not musts:
            yield Obstacle(result.case_id, Effect.STOPS, verdicts, what="the answer has no text and no call")
        found = [obstacle for obstacle in found if obstacle not in musts]
    yield from found
    if view is not None and not stops:
        yield from _weigh_end(result.case_id, view, client)


def _weigh_end(case_id: str, view: View, client: SeenClient) -> Iterator[Obstacle]:
    """That an answer did not come to its end, which breaks no rule."""
    how, said = end_of(view)
    if not how:
        return
    verdicts = {column: client.ends.get(how, {}).get(column, NOT_ASKED) for column in client.columns}
    effect = effect_on(verdicts)
    if how in (FAILED, ERROR):  # what a client makes of it varies; an answer it has not
        effect = Effect.STOPS
        verdicts = {
            column: verdict if verdict.startswith("raises") else NO_ANSWER for column, verdict in verdicts.items()
        }
    yield Obstacle(case_id, effect, verdicts, what=f"the answer ends as {how}: {said}")


def _weigh_finding(case_id: str, finding: Finding, client: SeenClient) -> Obstacle:
    if finding.rule.id == REFUSED:
        return Obstacle(case_id, Effect.STOPS, dict.fromkeys(client.columns, NO_ANSWER), finding)
    verdicts = verdicts_on(finding, client)
    return Obstacle(case_id, effect_on(verdicts, finding.rule.level, client.acts_on), verdicts, finding)


def grouped(obstacles: Iterable[Obstacle]) -> dict[str, list[Obstacle]]:
    """Obstacles by rule, or by what they say where they break none; in the order in which they were met."""
    groups: dict[str, list[Obstacle]] = {}
    for obstacle in obstacles:
        groups.setdefault(obstacle.finding.rule.id if obstacle.finding else obstacle.what, []).append(obstacle)
    return groups
