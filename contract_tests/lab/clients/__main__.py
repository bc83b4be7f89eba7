"""`python -m contract_tests.lab.clients [--write]`: measure which client breaks on what; compare or save."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from contract_tests.lab.clients.corpus import Subject, question_of, subjects
from contract_tests.lab.clients.driving import CLIENTS, HANGS, Driver
from contract_tests.lab.clients.verdicts import judge_client
from contract_tests.lab.tools.environments import NotInstalled
from contract_tests.lab.tools.processes import ending_on_sigterm
from contract_tests.report.breakage import DATA, NOT_ASKED, BreakageTable, load_table
from fake_server import ReplayServer
from fake_server.wire.fixture import load

Answers = dict[str, Mapping[str, Any]]


class Bench:
    """Clients at work on fixtures; the answers to a conforming exchange are measured once."""

    def __init__(self, drivers: Sequence[Driver]) -> None:
        self.drivers = drivers
        self._pool = ThreadPoolExecutor(len(drivers) or 1)
        self._conforming: dict[Path, Answers] = {}

    def measure(self, subject: Subject) -> dict[str, str]:
        """The verdict of every client on a fixture."""
        if subject.question is None:
            return {driver.client.name: NOT_ASKED for driver in self.drivers}
        right = self._answers_to(subject.conforming) if subject.conforming else {}
        answers = self._replay(subject.path)
        return {name: judge_client(answer, right.get(name)) for name, answer in answers.items()}

    def _answers_to(self, path: Path) -> Answers:
        if path not in self._conforming:
            answers = self._replay(path)
            if HANGS in answers.values():  # on a busy machine
                answers = self._replay(path)
            self._conforming[path] = answers
        return self._conforming[path]

    def _replay(self, path: Path) -> Answers:
        question = question_of(load(path).exchange)
        with ReplayServer(path, match="any", speed=0) as server:
            futures = [self._pool.submit(driver, server.base_url, question) for driver in self.drivers]
            answers = [future.result() for future in futures]
        return {driver.client.name: answer for driver, answer in zip(self.drivers, answers, strict=True)}

    def close(self) -> None:
        self._pool.shutdown()


def measure_rows(drivers: Sequence[Driver], subjects: Iterable[Subject]) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of the table: the name of a fixture, and the verdict of each client."""
    bench = Bench(drivers)
    try:
        for subject in subjects:
            yield subject.name, bench.measure(subject)
    finally:
        bench.close()


def add_rows(table: BreakageTable, versions: Mapping[str, str], rows: Mapping[str, Mapping[str, str]]) -> BreakageTable:
    """The table with these rows, and its date until all is measured again.

    In the other rows a new client is one that was not asked. Raises click.ClickException where the clients are of
    other versions than those of the table, which would then say of its rows what was measured with others.
    """
    changed = [name for name, version in table.clients.items() if versions.get(name, version) != version]
    if changed:
        raise click.ClickException(f"measured with other versions: {', '.join(changed)}: measure all, without --only")
    verdicts = {**table.verdicts, **rows}
    completed = {name: {client: row.get(client, NOT_ASKED) for client in versions} for name, row in verdicts.items()}
    return BreakageTable(table.measured, versions, completed)


@click.command()
@click.option("--write", is_flag=True, help="Save the measurement in measured.json.")
@click.option("--only", default="", help="Measure fixtures whose name contains this text; leave other rows alone.")
def main(write: bool, only: str) -> None:
    """Replay every broken fixture to real clients and print what they make of it.

    Exits with 1 where the table differs, and with 3 where a client cannot be installed.
    """
    chosen = [subject for subject in subjects() if only in subject.name]
    with ending_on_sigterm(), ExitStack() as stack:
        try:
            drivers = [stack.enter_context(Driver(client)) for client in CLIENTS]
        except NotInstalled as error:
            click.echo(f"a client cannot be installed here: {error}", err=True)
            sys.exit(3)
        rows = {}
        for name, row in measure_rows(drivers, chosen):
            rows[name] = row
            if only:
                lines = "".join(f"    {client:20} {outcome}\n" for client, outcome in row.items())
                click.echo(f"{name}\n{lines}")
        versions = {driver.client.name: driver.version for driver in drivers}
    table = load_table()
    if write:
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        whole = add_rows(table, versions, rows) if only else BreakageTable(today, versions, rows)
        DATA.write_text(whole.text(), "utf-8")
        click.echo(f"{DATA.name}: {len(rows)} fixtures, {len(versions)} clients")
        return
    known = table.verdicts
    stale = [name for name, row in rows.items() if known.get(name) != row]
    for name in stale:
        click.echo(f"differs: {name}: {rows[name]}, known as {known.get(name)}")
    click.echo(f"{len(rows)} fixtures, {len(stale)} differ from measured.json")
    sys.exit(bool(stale))


if __name__ == "__main__":
    main()
