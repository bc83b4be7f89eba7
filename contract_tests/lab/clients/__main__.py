"""`python -m contract_tests.lab.clients [--write]`: measure who breaks on what, and compare or save it."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from contract_tests.lab.clients.corpus import Subject, asked, subjects
from contract_tests.lab.clients.driving import CLIENTS, Driver
from contract_tests.lab.tools.environments import NotInstalled
from contract_tests.lab.tools.processes import ending_on_sigterm
from contract_tests.report.breakage import DATA, Table, table
from contract_tests.report.client_verdicts import NOT_ASKED, verdict
from fake_server import ReplayServer
from fake_server.wire.fixture import load

Answers = dict[str, Mapping[str, Any]]


class Bench:
    """Clients at work on fixtures; what they make of the right exchange is asked once."""

    def __init__(self, drivers: Sequence[Driver]) -> None:
        self.drivers = drivers
        self._pool = ThreadPoolExecutor(len(drivers) or 1)
        self._right: dict[Path, Answers] = {}

    def row(self, subject: Subject) -> dict[str, str]:
        """The verdict of every client on a fixture."""
        if subject.asked is None:
            return {driver.client.name: NOT_ASKED for driver in self.drivers}
        right = self._answers_to(subject.right) if subject.right else {}
        answers = self._replayed(subject.path)
        return {name: verdict(answer, right.get(name)) for name, answer in answers.items()}

    def _answers_to(self, path: Path) -> Answers:
        if path not in self._right:
            self._right[path] = self._replayed(path)
        return self._right[path]

    def _replayed(self, path: Path) -> Answers:
        question = asked(load(path).exchange)
        with ReplayServer(path, match="any", speed=0) as server:
            asking = [self._pool.submit(driver, server.base_url, question) for driver in self.drivers]
            answers = [one.result() for one in asking]
        return {driver.client.name: answer for driver, answer in zip(self.drivers, answers, strict=True)}

    def close(self) -> None:
        self._pool.shutdown()


def measured(drivers: Sequence[Driver], chosen: Iterable[Subject]) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of the table, one by one."""
    bench = Bench(drivers)
    try:
        for subject in chosen:
            yield subject.name, bench.row(subject)
    finally:
        bench.close()


@click.command()
@click.option("--write", is_flag=True, help="Keep what was measured in measured.json.")
@click.option("--only", default="", help="Only fixtures whose name has this in it; nothing is written.")
def main(write: bool, only: str) -> None:
    """Replay every broken fixture to real clients and tell what they make of it.

    Ends 1 where the table differs, 3 where a client cannot be installed.
    """
    chosen = [one for one in subjects() if only in one.name]
    with ending_on_sigterm(), ExitStack() as stack:
        try:
            drivers = [stack.enter_context(Driver(client)) for client in CLIENTS]
        except NotInstalled as error:
            click.echo(f"a client cannot be had here: {error}", err=True)
            sys.exit(3)
        rows = {}
        for name, row in measured(drivers, chosen):
            rows[name] = row
            if only:
                click.echo(f"{name}\n" + "".join(f"    {client:20} {told}\n" for client, told in row.items()))
        versions = {driver.client.name: driver.version for driver in drivers}
    if write and not only:
        made = Table(datetime.datetime.now(datetime.UTC).date().isoformat(), versions, rows)
        DATA.write_text(made.text(), "utf-8")
        click.echo(f"{DATA.name}: {len(rows)} fixtures, {len(versions)} clients")
        return
    known = table().verdicts
    stale = [name for name, row in rows.items() if known.get(name) != row]
    for name in stale:
        click.echo(f"differs: {name}: {rows[name]}, known as {known.get(name)}")
    click.echo(f"{len(rows)} fixtures, {len(stale)} differ from measured.json")
    sys.exit(bool(stale))


if __name__ == "__main__":
    main()
