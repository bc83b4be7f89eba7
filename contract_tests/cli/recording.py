"""What recording tells and counts: each fixture as it is kept, with what changed and what it breaks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from contract_tests.report.findings import count
from contract_tests.report.terminal import Terminal
from contract_tests.rules import judge
from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import CaseResult
from contract_tests.run.run import Options
from fake_server.relay.saving import Saved, SaveError, save_recording, to_file_name
from fake_server.wire.exchange import Exchange
from fake_server.wire.fixture import Fixture

SHOWN = 6
"""How many changes and rules are named in one line."""


def find_broken_rules(exchange: Exchange) -> list[str]:
    """The rules a fixture of this exchange declares that it breaks."""
    return sorted(judge(exchange).ids())


def base_environment(base_url: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with every generation of the SDK pointed at `base_url`, past any proxy."""
    spared = ",".join(filter(None, ["127.0.0.1", environment.get("NO_PROXY", "")]))
    return {
        **environment,
        "OPENAI_BASE_URL": base_url,
        "OPENAI_API_BASE": base_url,
        "NO_PROXY": spared,
        "no_proxy": spared,
    }


def save_case(
    result: CaseResult, folder: Path, options: Options
) -> Iterator[tuple[Exchange, Saved | SaveError]]:
    """Keep each exchange of a case as a fixture named after it; yields what became of each."""
    source = f"{options.target.partition('?')[0]}, {format_recorded_today()}"
    times: Counter[str] = Counter()
    for exchange in result.exchanges:
        times[exchange.label] += 1  # more than once where a 429 was waited out
        number = f"-{times[exchange.label]}" if times[exchange.label] > 1 else ""
        path = folder / f"{to_file_name(exchange.label + number)}.yaml"
        try:
            yield (
                exchange,
                save_recording(
                    Fixture(exchange, source=source), path, secrets=options.secrets, breaks=find_broken_rules
                ),
            )
        except SaveError as error:
            yield exchange, error


def format_recorded_today() -> str:
    """What a fixture's source says of when it was made."""
    return f"recorded {date.today():%Y-%m-%d}"


class RecordingLog:
    """Tells what became of each exchange. `tell` may be called from any thread of one loop's tasks."""

    def __init__(self, terminal: Terminal, folder: Path) -> None:
        self.folder = folder
        self._terminal = terminal
        self._counts: Counter[str] = Counter()
        self._came = asyncio.Event()

    def print(self, text: str) -> None:
        self._terminal.print(text)

    def print_outcome(self, exchange: Exchange, outcome: Saved | SaveError) -> None:
        """One exchange was kept, or was not."""
        self._counts["came"] += 1
        self._came.set()
        if isinstance(outcome, SaveError):
            self._counts["refused"] += 1
            self._terminal.print(f"refused   {outcome}", "red")
            return
        word = "new" if outcome.new else "replaced" if outcome.changes else "same"
        self._counts[word] += 1
        self._terminal.print(f"{word:9} {outcome.path.name}   {_summary(exchange)}")
        if outcome.changes:
            self._terminal.print(f"          {_first_few(outcome.changes)}")
        if outcome.replaced:
            self._terminal.print(f"          taken out: {_first_few(outcome.replaced)}", "dim")
        found = {one.rule.id for one in judge(exchange).findings if one.rule.level is not Level.NOTE}
        if found:
            self._terminal.print(f"          breaks {_first_few(sorted(found))}", "yellow")

    async def enough(self, number: int | None) -> None:
        """Wait until `number` exchanges were told of; for ever where it is None."""
        while number is None or self._counts["came"] < number:
            self._came.clear()
            await self._came.wait()

    def close(self) -> int:
        """The last line; the exit code: 1 where something was not kept or nothing came."""
        refused = self._counts.pop("refused", 0)
        came = self._counts.pop("came", 0)
        kept = came - refused
        words = ", ".join(f"{number} {word}" for word, number in self._counts.items())
        said = f"kept {count(kept, 'recording')} in {self.folder}{f': {words}' if words else ''}"
        code = 1 if refused or not kept else 0
        said += f"; {refused} refused" if refused else "" if kept else ": no exchange was seen"
        self._terminal.print(f"{said} (exit code {code})", "bold green" if not code else "bold red")
        return code


def _summary(exchange: Exchange) -> str:
    status = "no reply" if exchange.status is None else f"status {exchange.status}"
    size = f"{len(exchange.payload):,} bytes in {count(len(exchange.writes), 'write')}"
    return f"{status}, {size}, {exchange.ending}"


def _first_few(words: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return "; ".join(words[:SHOWN]) + more
