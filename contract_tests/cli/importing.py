"""`contract import FILE…`: converts recordings of other tools to fixtures."""

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
    help="Folder for the fixtures; created if missing.",
)  # fmt: skip
@click.option("--format", "format_name", type=click.Choice(FORMATS), help="Format of the files; detected if omitted.")
@click.option("--endpoint", metavar="PATH", help="Import only exchanges of this endpoint, such as chat/completions.")
@click.option("--url", help="For curl output: the URL that was requested.")
@click.option("--data", metavar="TEXT", help="For curl output: the body that was sent; @FILE reads it from a file.")
def import_command(
    files: tuple[Path, ...],
    folder: Path,
    format_name: str | None,
    endpoint: str | None,
    url: str | None,
    data: str | None,
) -> int:
    """Convert recordings of other tools to fixtures.

    Reads HAR files, vcrpy cassettes, mitmproxy flow files, the output of `curl -i`, aimock fixtures, and the
    JSON Lines of shared recordings. Each fixture says what its format has lost; rules that need it are not
    reached.
    """
    asked = _curl_request(url or "", data)
    terminal = Terminal(console())
    refused: list[str] = []
    names: set[str] = set()
    for path in files:
        if fixture.is_fixture(path):
            raise UsageError(f"{path} is already a fixture; use `contract judge` or `contract replay`")
        skipped: Counter[str] = Counter()
        replaced: Counter[str] = Counter()
        imported, before = 0, len(refused)
        for recording in _read(path, format_name, endpoint=endpoint, asked=asked, skipped=skipped, before=len(names)):
            target = folder / f"{_free(recording.name, names)}.yaml"
            try:
                result = save_recording(recording.fixture, target)
            except SaveError as error:
                refused.append(f"{recording.fixture.source}: {error}")
                continue
            imported += 1
            replaced.update(result.replaced)
        rest = _format_rest(skipped, len(refused) - before)
        terminal.print(f"{path.name}: {count(imported, 'exchange')} imported{rest}")
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
        raise InputError(f"{error}; name it with --format") from error


def _curl_request(url: str, data: str | None) -> CurlRequest:
    """The request that curl sent. Raises UsageError."""
    if url and not urlsplit(url).scheme:
        raise UsageError(f"--url {url}: a URL must begin with http:// or https://")
    if data is None:
        return CurlRequest(url)
    if not data.startswith("@"):
        return CurlRequest(url, data.encode("utf-8", "surrogateescape"))
    try:
        return CurlRequest(url, Path(data[1:]).read_bytes())
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


def _format_rest(skipped: Counter[str], refused: int) -> str:
    """' (2 skipped, 1 refused)', or '' if everything was imported."""
    parts = [f"{skipped.total():,} skipped"] if skipped else []
    parts += [f"{refused:,} refused"] if refused else []
    return f" ({', '.join(parts)})" if parts else ""
