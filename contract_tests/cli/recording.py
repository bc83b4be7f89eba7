"""The log of a recording: a line for each saved fixture, with what changed and which rules it breaks."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from time import monotonic, process_time
from typing import Any

from contract_tests.cli.shared_options import format_changed_answer
from contract_tests.recordings.judging import SECONDS
from contract_tests.report.findings import count
from contract_tests.report.terminal import Terminal
from contract_tests.rules import RULES, judge
from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import CaseResult
from contract_tests.run.run import Options
from fake_server.relay.saving import Saved, SaveError, save_recording, to_file_name
from fake_server.replay.known import KnownReplies
from fake_server.wire.exchange import Ending, Exchange, recut
from fake_server.wire.fixture import Fixture

SAVING = 30.0
"""Seconds of processor time after which no further exchange of a run is saved: the target chooses how much is to be
redacted, and other programs how long that takes."""
KEPT = 2**20
"""Bytes that are saved of a body without end: a run stopped reading it at a bound, wherever that was."""
SHOWN = 6
"""Changes, rules or cases that are named in one line."""
_TOO_LARGE = "the replies of the run took more memory than it may keep"


def find_broken_rules(exchange: Exchange) -> list[str]:
    """The ids of the rules that a fixture of this exchange declares to break. Raises SaveError."""
    until = monotonic() + SECONDS
    judgement = judge(exchange, lambda: monotonic() > until)
    if judgement.left_out and monotonic() > until:
        size = f"its {exchange.size:,} bytes could not be judged within {SECONDS:g} s"
        raise SaveError(f"{exchange.label or 'a recording'} is not saved: {size}; record a shorter reply")
    return sorted(judgement.ids())


def base_environment(base_url: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with every SDK generation pointed at `base_url`, bypassing any proxy."""
    spared = ",".join(filter(None, ["127.0.0.1", environment.get("NO_PROXY", "")]))
    return {
        **environment,
        "OPENAI_BASE_URL": base_url,
        "OPENAI_API_BASE": base_url,
        "NO_PROXY": spared,
        "no_proxy": spared,
    }


class NotTried(SaveError):
    """An exchange of a case that nobody tried to save, and `why`."""

    def __init__(self, name: str, case_id: str, why: str) -> None:
        super().__init__(f"{name} is not saved: {why}; try --select {case_id}")
        self.case_id, self.why = case_id, why


def save_cases(
    results: Iterable[CaseResult], folder: Path, options: Options
) -> list[tuple[Exchange, Saved | SaveError]]:
    """Save each exchange of these cases, those with a MUST finding first, then those with a SHOULD."""
    until = process_time() + SAVING
    order = list(Level)
    cases = sorted(results, key=lambda result: min(order.index(finding.rule.level) for finding in result.findings))
    return [saved for result in cases for saved in save_case(result, folder, options, until=until)]


def list_not_tried(outcomes: Iterable[Saved | SaveError]) -> Iterator[str]:
    """A line for each reason why exchanges were not tried to be saved, with their number and some of their cases."""
    reasons: dict[str, list[str]] = {}
    for outcome in outcomes:
        if isinstance(outcome, NotTried):
            reasons.setdefault(outcome.why, []).append(outcome.case_id)
    for why, case_ids in reasons.items():
        cases = list(dict.fromkeys(case_ids))
        exchanges = f"{count(len(case_ids), 'exchange')} of {count(len(cases), 'case')}"
        more = f" and {len(cases) - SHOWN} more" if len(cases) > SHOWN else ""
        yield f"{exchanges}: {why}; try --select with fewer cases: {', '.join(cases[:SHOWN])}{more}"


def save_case(
    result: CaseResult,
    folder: Path,
    options: Options,
    kept: Mapping[str, tuple[str, ...]] | None = None,
    until: float = math.inf,
) -> Iterator[tuple[Exchange, Saved | SaveError]]:
    """Save each exchange of a case as a fixture named after it; yields each with the result.

    `kept` holds `keep` and `keep_names` of `save_recording`. None is begun after `until`, a time of the clock of
    the processor.
    """
    source = f"{options.target.partition('?')[0]}, recorded {date.today():%Y-%m-%d}"
    times: Counter[str] = Counter()
    options_of_saving: dict[str, Any] = dict(kept or {})
    for exchange in result.exchanges:
        times[exchange.label] += 1  # more than once if the case was repeated after a 429
        number = f"-{times[exchange.label]}" if times[exchange.label] > 1 else ""
        path = folder / f"{to_file_name(exchange.label + number)}.yaml"
        fixture = Fixture(_without_the_rest(exchange), source=source)
        if result.emptied:
            yield exchange, NotTried(path.name, result.case_id, _TOO_LARGE)
            continue
        if process_time() > until:
            yield exchange, NotTried(path.name, result.case_id, "the time for saving was up")
            continue
        try:
            yield (
                exchange,
                save_recording(
                    fixture, path, secrets=options.distinct_secrets, breaks=find_broken_rules, **options_of_saving
                ),
            )
        except SaveError as error:
            yield exchange, error


def _without_the_rest(exchange: Exchange) -> Exchange:
    """The exchange; where a body did not end within the bound on its size, with KEPT bytes of it."""
    if exchange.ending is not Ending.OVERSIZED or len(exchange.payload) <= KEPT:
        return exchange
    problem = f"{exchange.problem}; the first {KEPT:,} bytes are kept"
    writes = (write for write in recut(exchange.payload[:KEPT], exchange.writes) if write.data)
    return exchange.but(writes=tuple(writes), problem=problem)


class RecordingLog:
    """Prints and counts what happened to each exchange."""

    def __init__(self, terminal: Terminal, folder: Path, kept: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self.kept: dict[str, Any] = dict(kept or {})
        self.folder = folder
        self.terminal = terminal
        self.known: KnownReplies | None = None
        self._counts: Counter[str] = Counter()
        self._arrival = asyncio.Event()

    def print_outcome(self, exchange: Exchange, outcome: Saved | SaveError) -> None:
        """Print whether an exchange was saved, what changed and which rules it breaks."""
        self._counts["came"] += 1
        self._arrival.set()
        if isinstance(outcome, SaveError):
            self._counts["refused"] += 1
            self.terminal.print(f"refused   {outcome}", "red")
            return
        word = "new" if outcome.new else "replaced" if outcome.changes else "same"
        self._counts[word] += 1
        self.terminal.print(f"{word:9} {outcome.path.name}   {_summary(exchange)}")
        if exchange.ending is Ending.CLIENT_LEFT:
            self.terminal.print(f"          {exchange.problem}", "yellow")
        if outcome.changes:
            self.terminal.print(f"          {_first_few(outcome.changes)}")
        if outcome.replaced:
            self.terminal.print(f"          redacted: {_first_few(outcome.replaced)}", "dim")
        if outcome.answer:
            self.terminal.print(f"          {format_changed_answer(outcome.answer)}", "yellow")
        broken = [rule for rule in outcome.breaks if RULES[rule].level is not Level.NOTE]
        if broken:
            self.terminal.print(f"          breaks {_first_few(broken)}", "yellow")

    def print_answer(self, path: Path, exchange: Exchange) -> None:
        """Print that a recording has answered a request."""
        self.terminal.print(f"replayed  {path.name}   {_summary(exchange)}", "dim")

    async def enough(self, number: int | None) -> None:
        """Wait until `number` exchanges were printed; forever if it is None."""
        while number is None or self._counts["came"] < number:
            self._arrival.clear()
            await self._arrival.wait()

    def close(self, *, list_unused: bool = False) -> int:
        """Print the last line; returns the exit code, 1 if something was refused or there was no exchange."""
        refused = self._counts.pop("refused", 0)
        saved = self._counts.pop("came", 0) - refused
        words = ", ".join(f"{number} {word}" for word, number in self._counts.items())
        summary = f"saved {count(saved, 'recording')} in {self.folder}{f': {words}' if words else ''}"
        answered = self.known.answered if self.known else 0
        summary += f"; {refused} refused" if refused else "" if saved or answered else ": there was no exchange"
        code = 1 if refused or not (saved or answered) else 0
        if self.known:
            unused = self.known.unused
            used = count(len(self.known.paths) - len(unused), "recording")
            summary += f"; replayed {used} for {count(answered, 'request')}, {len(unused)} not used"
            for path in unused if list_unused else ():
                self.terminal.print(f"unused    {path}")
        self.terminal.print(f"{summary} (exit code {code})", "bold green" if not code else "bold red")
        return code


def _summary(exchange: Exchange) -> str:
    status = "no reply" if exchange.status is None else f"status {exchange.status}"
    size = f"{count(len(exchange.payload), 'byte')} in {count(len(exchange.writes), 'write')}"
    return f"{status}, {size}, {exchange.ending}"


def _first_few(words: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return "; ".join(words[:SHOWN]) + more
