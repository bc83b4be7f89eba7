"""`contract watch URL`: runs again when a file changes, and shows what turned."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from contract_tests.cli.config import config_file
from contract_tests.cli.forms import PRIVATE
from contract_tests.cli.run import run_command
from contract_tests.cli.shared_options import console
from contract_tests.report.findings import count, some
from contract_tests.report.terminal import Terminal
from contract_tests.run.outcome import ExitCode
from contract_tests.target.environment import keys_of_environment
from contract_tests.target.options import Options

EVERY = 0.5
"""Seconds between two looks at the files."""
ANSWERS_WITHIN = 30.0
"""Seconds for which a target that restarts is waited for."""
MOST_FILES = 10_000
_SKIPPED = frozenset({"__pycache__", "node_modules"})

Stamp = tuple[tuple[str, int, int], ...]
Found = frozenset[tuple[str, str]]
"""The findings of a run: (rule, case)."""


@click.command(
    "watch",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": True},
    short_help="Run again when a file changes, and show what turned.",
)
@click.option(
    "--watch",
    "paths",
    multiple=True,
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Also run again when this file changes, or one in this folder, such as the server's sources.",
)
@click.argument("arguments", nargs=-1, metavar="URL [OPTIONS OF RUN]…", type=click.UNPROCESSED)
def watch_command(paths: tuple[Path, ...], arguments: tuple[str, ...]) -> int:
    """Run every case as `contract run` does, and again whenever a file changes, until Ctrl-C.

    The options are those of `contract run`. The files are those that it reads (--config, --baseline, --profile,
    --rules, --cases, --ca-file) and those of --watch. After each run but the first it says which findings are new
    and which are mended. The exit code is that of the last run.
    """
    target, read, written = _read_arguments(arguments)
    watched = (*paths, *read)
    for path in paths:
        if not path.exists():
            raise click.UsageError(f"--watch {path}: there is no such file or folder")
    stamp = take_stamp(watched, written)
    terminal = Terminal(console(), (*Options(target).secrets, *keys_of_environment()))
    code, before = int(ExitCode.OK), None
    with tempfile.TemporaryDirectory(prefix="contract-watch-") as folder:
        try:
            while True:
                code, after, interrupted = run_once(arguments, Path(folder) / "run.json")
                if interrupted:
                    return code
                if before is not None and after is not None:
                    for line, style in describe_turns(before, after):
                        terminal.print(line, style)
                before = before if after is None else after
                terminal.print(f"watching  {some([str(path) for path in watched]) or 'nothing'}; Ctrl-C ends it")
                stamp = _wait_for_change(watched, stamp, written)
                _wait_for_target(terminal, target)
        except KeyboardInterrupt:
            return code


def _read_arguments(arguments: tuple[str, ...]) -> tuple[str, list[Path], frozenset[Path]]:
    """The target, the files that the run reads, and those that it writes, which are no change.

    Raises click.UsageError as `contract run` would.
    """
    with run_command.make_context("run", list(arguments), parent=click.get_current_context()) as context:
        given: Mapping[str, Any] = context.params
        if not given["target"]:
            raise click.UsageError("give the URL of the target, for example: contract watch http://localhost:1337/v1")
        for name, flag in (("list_only", "--list"), ("json_file", "--json")):
            if given.get(name):
                raise click.UsageError(f"{flag} has no use while files are watched; give it to `contract run`")
        names = [config_file(), given["baseline"], given["ca_file"], given["profile"]]
        names += [*given["own_rules"], *given["own_cases"]]
        files = (value for name, value in given.items() if name.endswith("_file") and name != "ca_file")
        written = frozenset(Path(value).resolve() for value in (*files, given["folder"]) if value)
        return given["target"], [Path(name) for name in names if name and Path(name).is_file()], written


def run_once(arguments: Iterable[str], report: Path) -> tuple[int, Found | None, bool]:
    """Run in a process of its own, which reads all modules anew.

    Returns its exit code, what it found (None if nothing was judged), and whether Ctrl-C ended it.
    """
    report.unlink(missing_ok=True)
    package = __name__.rpartition(".cli.")[0]
    command = [sys.executable, "-m", package, "run", *arguments, "--json", str(report)]
    process = subprocess.Popen(command, env={**os.environ, PRIVATE: str(report)})  # noqa: S603 - this very command
    interrupted = False
    try:
        code = process.wait()
    except KeyboardInterrupt:  # which a terminal sends to both: the run reports what it has
        interrupted = True
        code = _end(process)
    with suppress(OSError, ValueError):
        return code, found_in(json.loads(report.read_text(encoding="utf-8"))), interrupted
    return code, None, interrupted


def _end(process: subprocess.Popen[bytes]) -> int:
    """The exit code of a run that was interrupted; one that does not end by itself is killed."""
    with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        return process.wait(10)
    process.kill()
    process.wait()
    return int(ExitCode.UNREACHABLE)


def found_in(document: Any) -> Found | None:
    """The findings of a report; None where it is of no run that was judged."""
    cases = document.get("cases") if isinstance(document, dict) else None
    if not cases:
        return None
    return frozenset((finding["rule"], case["id"]) for case in cases for finding in case["findings"])


def describe_turns(before: Found, after: Found) -> Iterator[tuple[str, str]]:
    """What turned from one run to the next: a line for each rule, and its style."""
    for mark, found, style in (("new", after - before, "red"), ("mended", before - after, "green")):
        for rule in sorted({rule for rule, _ in found}):
            yield f"{mark:9} {rule} in {some(sorted(case for name, case in found if name == rule))}", style
    still = count(len(after & before), "finding")
    yield f"turned    {len(after - before)} new, {len(before - after)} mended, {still} as before", "bold"


def take_stamp(paths: Iterable[Path], written: frozenset[Path] = frozenset()) -> Stamp:
    """Each file with its modification time and size, without those `written` by the run, and what lies in them.

    Raises click.UsageError for a folder with too many.
    """
    stamps = []
    for path in paths:
        for number, file in enumerate(_files_in(path, written)):
            if number >= MOST_FILES:
                raise click.UsageError(f"--watch {path}: more than {MOST_FILES:,} files; name a smaller folder")
            with suppress(OSError):
                status = file.stat()
                stamps.append((str(file), status.st_mtime_ns, status.st_size))
    return tuple(stamps)


def _files_in(path: Path, written: frozenset[Path]) -> Iterator[Path]:
    """The file, or the files of the folder, hidden ones and what tools leave there apart."""
    if path.resolve() in written:
        return
    if not path.is_dir():
        yield path
        return
    with suppress(OSError):
        for entry in sorted(path.iterdir()):
            if not entry.name.startswith(".") and entry.name not in _SKIPPED and not entry.is_symlink():
                yield from _files_in(entry, written)


def _wait_for_change(paths: Iterable[Path], stamp: Stamp, written: frozenset[Path]) -> Stamp:
    """Wait until a file is another than at `stamp`, which may be by now; returns the new stamp."""
    watched = tuple(paths)
    while (now := take_stamp(watched, written)) == stamp:
        time.sleep(EVERY)
    return now


def _wait_for_target(terminal: Terminal, target: str, seconds: float = ANSWERS_WITHIN) -> bool:
    """Wait until the target takes connections again, as its server may restart; returns whether it does."""
    parts = urlsplit(target)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    end = time.monotonic() + seconds
    waiting = False
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection((parts.hostname or "", port), timeout=2):
            return True
        if not waiting:
            waiting = True
            terminal.print(f"waiting   until {parts.hostname}:{port} takes connections, at most {seconds:g} s")
        time.sleep(EVERY)
    return False
