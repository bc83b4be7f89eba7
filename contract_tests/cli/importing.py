"""`contract import FILE…`: converts recordings of other tools to fixtures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import click

from contract_tests.cli.shared_options import console, format_changed_answer, keep_options
from contract_tests.recordings.files import MAX_FILE
from contract_tests.recordings.importing import (
    FORMATS,
    WITHOUT_REQUEST,
    CurlRequest,
    Imported,
    InputError,
    Unrecognised,
    read,
)
from contract_tests.recordings.importing.entry import target_of
from contract_tests.report.findings import count
from contract_tests.report.terminal import Terminal
from contract_tests.run.outcome import ExitCode
from contract_tests.run.run import UsageError
from fake_server.relay.redact import OutOfTime, redacting_until
from fake_server.relay.saving import SaveError, save_recording
from fake_server.wire import files, fixture
from fake_server.wire.exchange import Aspect, Exchange

SECONDS = 1800.0
"""Seconds that all files of one import may take; one recording may take CLEANING of them."""
EMPTY_REPLY = "replies whose body is empty"


@click.command("import")
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", "folder", required=True, metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the fixtures; created if missing.",
)  # fmt: skip
@click.option("--format", "format_name", type=click.Choice(FORMATS), help="Format of the files; detected if omitted.")
@click.option("--endpoint", metavar="PATH", help="Import only exchanges of this endpoint, such as chat/completions.")
@click.option("--url", help="For curl output and bare bodies: the URL that was requested.")
@click.option("--data", metavar="TEXT", help="For these: the body that was sent; @FILE reads it from a file.")
@keep_options
def import_command(
    files: tuple[Path, ...],
    folder: Path,
    format_name: str | None,
    endpoint: str | None,
    url: str | None,
    data: str | None,
    **kept: tuple[str, ...],
) -> int:
    """Convert recordings of other tools to fixtures.

    Reads HAR files, cassettes of vcrpy, go-vcr, PHP-VCR and Ruby's VCR, mitmproxy flow files, httprr traces, the
    output of curl and HTTPie, text with commands of curl, HTTPie or PowerShell as it is pasted into issues, bodies
    alone (with --url), aimock fixtures, and the JSON Lines of shared recordings; gzipped or not. Each fixture says
    what its format has lost; rules that need it are not reached.
    """
    asked = _curl_request(url or "", data)
    terminal = Terminal(console())
    total = _Tally()
    names: set[str] = set()
    deadline = monotonic() + SECONDS
    for path in files:
        tally = _Tally()
        try:
            _import(path, folder, tally, names, kept, deadline, format=format_name, endpoint=endpoint, asked=asked)
        except (InputError, UsageError) as error:
            if len(files) == 1 and not (tally.imported or tally.refused):
                raise
            tally.failed.append(str(error))
        _print_file(terminal, path, tally, [name for name, given in (("--url", url), ("--data", data)) if given])
        total.add(tally)
    for text in total.refused:
        terminal.print(f"refused   {text}", "red")
    for text in total.failed:
        terminal.print(f"failed    {text}", "red")
    if total.imported:
        terminal.print(f"fixtures  {folder}")
    nothing = _proves_nothing(total)
    if nothing:
        terminal.print(nothing, "red")
    if total.failed:
        return int(ExitCode.USAGE)
    return int(ExitCode.FINDINGS if total.refused or nothing else ExitCode.OK)


@dataclass
class _Tally:
    """What became of the exchanges of a file, or of all files."""

    imported: int = 0
    empty: Counter[str] = field(default_factory=Counter)
    """Bodies that are empty or unknown, by what they are."""
    skipped: Counter[str] = field(default_factory=Counter)
    replaced: Counter[str] = field(default_factory=Counter)
    answers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What was redacted inside an answer, by fixture."""
    refused: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    formats: set[str] = field(default_factory=set)

    def add(self, other: _Tally) -> None:
        """Add the numbers of a file."""
        self.imported += other.imported
        self.refused += other.refused
        self.failed += other.failed
        self.empty.update(other.empty)


def _import(
    path: Path,
    folder: Path,
    tally: _Tally,
    names: set[str],
    kept: dict[str, Any],
    deadline: float,
    **options: Any,
) -> None:
    """Save the exchanges of a file. Raises InputError; what came before it is saved and counted."""
    late = f"not read to its end: an import takes at most {SECONDS:,.0f} s; split the file, or import fewer at once"
    if fixture.is_fixture(path):
        raise UsageError(f"{path} is already a fixture; use `contract judge` or `contract replay`")
    for recording in _read(path, options.pop("format"), skipped=tally.skipped, before=len(names), **options):
        if monotonic() > deadline:
            raise InputError(f"{path}: {late}")
        tally.formats.add(recording.format)
        target = folder / f"{_free(recording.name, names)}.yaml"
        try:
            with redacting_until(deadline):
                result = save_recording(
                    recording.fixture, target, **{name: given for name, given in kept.items() if given}
                )
        except OutOfTime:
            raise InputError(f"{path}: {recording.fixture.source}: {late}") from None
        except SaveError as error:
            tally.refused.append(f"{recording.fixture.source}: {error}")
            continue
        tally.imported += 1
        tally.replaced.update(result.replaced)
        if result.answer:
            tally.answers[target.name] = result.answer
        tally.empty.update(_missing_bodies(recording.fixture.exchange))


def _missing_bodies(exchange: Exchange) -> Iterator[str]:
    """Which bodies of an exchange are empty or unknown though there should be one."""
    request = exchange.request
    if not exchange.payload and exchange.status not in (204, 304) and request.method != "HEAD":
        yield EMPTY_REPLY
    if Aspect.REQUEST in exchange.unknown:
        yield "requests whose body is unknown"
    elif request.method == "POST" and not request.body:
        yield "requests whose body is empty"


def _print_file(terminal: Terminal, path: Path, tally: _Tally, given: list[str]) -> None:
    counts = {"skipped": tally.skipped.total(), "refused": len(tally.refused), "not read to its end": len(tally.failed)}
    parts = ", ".join(
        name if name.startswith("not") else f"{number:,} {name}" for name, number in counts.items() if number
    )
    terminal.print(f"{path.name}: {count(tally.imported, 'exchange')} imported{f' ({parts})' if parts else ''}")
    for reason, number in tally.skipped.most_common():
        terminal.print(f"  skipped   {number:,}: {reason}")
    for what, number in tally.empty.most_common():
        terminal.print(f"  {what.rpartition(' ')[2]:<10}{number:,} of {tally.imported:,}: {what}", "yellow")
    for secret, number in tally.replaced.most_common():
        terminal.print(f"  replaced  {secret}{f' ({number:,} times)' if number > 1 else ''}")
    for name, answer in tally.answers.items():
        terminal.print(f"  {name} {format_changed_answer(answer)}", "yellow")
    if given and tally.formats and not tally.formats.intersection(WITHOUT_REQUEST):
        terminal.print(f"  ignored   {' and '.join(given)}: the file itself says what was asked", "yellow")


def _proves_nothing(total: _Tally) -> str:
    """Why what was imported proves nothing, '' if it may prove something."""
    if total.imported:
        empty = total.empty[EMPTY_REPLY] == total.imported
        return "every reply is empty: a replay of them proves nothing" if empty else ""
    return "" if total.failed or total.refused else "nothing was imported"


def _read(path: Path, format_name: str | None, **options: Any) -> Iterator[Imported]:
    """The exchanges of a file. Raises InputError."""
    try:
        yield from read(path, format_name, **options)
    except Unrecognised as error:
        raise InputError(f"{error}; give the format with --format") from error


def _curl_request(url: str, data: str | None) -> CurlRequest:
    """The request that the files do not hold. Raises UsageError."""
    if url:
        if not url.lower().startswith(("http://", "https://")):
            raise UsageError(f"--url {url}: a URL must begin with http:// or https://")
        try:
            target_of(url)
        except ValueError as error:
            raise UsageError(f"--url: {error}") from error
    if data is None:
        return CurlRequest(url)
    if not data.startswith("@"):
        return CurlRequest(url, data.encode("utf-8", "surrogateescape"))
    try:
        return CurlRequest(url, files.read_bytes(Path(data[1:]), MAX_FILE))
    except OSError as error:
        raise UsageError(f"--data {data}: cannot be read: {error.strerror}") from error


def _free(name: str, taken: set[str]) -> str:
    """The name, with a number if another file of this import has the same name."""
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    taken.add(free)
    return free
