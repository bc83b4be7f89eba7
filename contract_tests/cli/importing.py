"""`contract import FILE…`: recordings of other tools as fixtures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from contract_tests.cli.shared_options import console
from contract_tests.recordings.importing import FORMATS, CurlRequest, Imported, InputError, Unrecognised, read
from contract_tests.report.findings import count
from contract_tests.report.terminal import Terminal
from contract_tests.run.outcome import ExitCode
from contract_tests.run.run import UsageError
from fake_server.relay.saving import SaveError, save_recording
from fake_server.wire import fixture


@click.command("import")
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", "folder", required=True, metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
    help="The folder for the fixtures; it is made where it is missing.",
)  # fmt: skip
@click.option("--format", "format_name", type=click.Choice(FORMATS), help="The format, where it is not seen.")
@click.option("--endpoint", metavar="PATH", help="Only exchanges of this endpoint, as in chat/completions.")
@click.option("--url", default="", help="Of curl's output: the URL that was asked.")
@click.option(
    "--data", metavar="TEXT", help="Of curl's output: the body that was sent; @FILE reads it from a file."
)
def import_command(
    files: tuple[Path, ...],
    folder: Path,
    format_name: str | None,
    endpoint: str | None,
    url: str,
    data: str | None,
) -> int:
    """Make fixtures of what other tools recorded.

    Reads HAR, cassettes of vcrpy, flow files of mitmproxy, what `curl -i` prints, fixtures of aimock, and
    the JSON Lines of shared recordings. Each fixture says what its format has lost; rules that need it are
    not reached.
    """
    asked = _asked(url, data)
    terminal = Terminal(console())
    refused: list[str] = []
    names: set[str] = set()
    for path in files:
        if fixture.is_fixture(path):
            raise UsageError(f"{path}: is a fixture already; `contract judge` and `contract replay` take it")
        skipped: Counter[str] = Counter()
        replaced: Counter[str] = Counter()
        kept, before = 0, len(refused)
        for one in _read(path, format_name, endpoint=endpoint, asked=asked, skipped=skipped):
            target = folder / f"{_free(one.name, names)}.yaml"
            try:
                result = save_recording(one.fixture, target)
            except SaveError as error:
                refused.append(f"{one.fixture.source}: {error}")
                continue
            kept += 1
            replaced.update(result.replaced)
        terminal.print(
            f"{path.name}: {count(kept, 'exchange')} imported{_besides(skipped, len(refused) - before)}"
        )
        for reason, number in skipped.most_common():
            terminal.print(f"  skipped   {number:,}: {reason}")
        for secret, number in replaced.most_common():
            terminal.print(f"  replaced  {secret}{f' ({number:,} times)' if number > 1 else ''}")
    for text in refused:
        terminal.print(f"refused   {text}", "red")
    if names:
        terminal.print(f"fixtures  {folder}")
    return int(ExitCode.FINDINGS if refused else ExitCode.OK)


def _read(path: Path, format_name: str | None, **options: Any) -> Iterator[Imported]:
    """The exchanges of a file. Raises InputError."""
    try:
        yield from read(path, format_name, **options)
    except Unrecognised as error:
        raise InputError(f"{error}; --format says which it is") from error


def _asked(url: str, data: str | None) -> CurlRequest:
    """What curl was asked. Raises UsageError."""
    if url and not urlsplit(url).scheme:
        raise UsageError(f"--url {url}: a URL begins with http:// or https://")
    if data is None:
        return CurlRequest(url)
    if not data.startswith("@"):
        return CurlRequest(url, data.encode("utf-8", "surrogateescape"))
    try:
        return CurlRequest(url, Path(data[1:]).read_bytes())
    except OSError as error:
        raise UsageError(f"--data {data}: cannot be read: {error.strerror}") from error


def _free(name: str, taken: set[str]) -> str:
    """The name, numbered where another file of this import has given the same."""
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    taken.add(free)
    return free


def _besides(skipped: Counter[str], refused: int) -> str:
    said = [f"{skipped.total():,} skipped"] if skipped else []
    said += [f"{refused:,} refused"] if refused else []
    return f" ({', '.join(said)})" if said else ""
