"""What several commands share: the console, common options, writing files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from contract_tests.cli import completion
from contract_tests.report.findings import WIDTH, some
from contract_tests.report.terminal import wrap_line
from contract_tests.rules.engine.judge import Level
from contract_tests.tolerance.entry import ToleranceEntry
from contract_tests.tolerance.file import DEFAULT_PROFILE, Tolerances, load_baseline, load_profile, profile_names
from fake_server.wire import files

Function = TypeVar("Function", bound=Callable[..., Any])
LEVELS = {"must": Level.MUST, "should": Level.SHOULD, "note": Level.NOTE}


def writable(context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    """Check that a file can be written, before any request is sent."""
    if value is not None:
        folder = value.absolute().parent
        if not folder.is_dir():
            raise click.BadParameter(f"{value}: there is no folder {value.parent}; create it first")
        for place in (value, folder) if value.is_file() else (value,) if value.exists() else (folder,):
            if not os.access(place, os.W_OK):
                raise click.BadParameter(f"{value}: cannot be written: permission denied for {place}")
    return value


fail_on = click.option(
    "--fail-on",
    type=click.Choice(list(LEVELS)),
    default="must",
    help="Lowest level of finding that fails; a NOTE never does.",
)


def output_file(*names: str, text: str, required: bool = False) -> Callable[[Function], Function]:
    """An option for a file to write, which is checked before anything is sent."""
    kind = click.Path(dir_okay=False, path_type=Path)
    return click.option(*names, type=kind, metavar="FILE", callback=writable, required=required, help=text)


json_file = output_file("--json", "json_file", text="Write a JSON report to this file.")
profile_name = click.option(
    "--profile",
    default=DEFAULT_PROFILE,
    metavar="NAME",
    shell_complete=completion.PROFILE,
    help=f"Tolerate the known deviations of a dialect: {', '.join(profile_names())}, or a .yaml file.",
)
baseline_file = click.option(
    "--baseline",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Tolerate the known findings in this file.",
)


def load_tolerances(profile: str, baseline: Path | None = None) -> tuple[Tolerances, tuple[ToleranceEntry, ...]]:
    """The profile, and the entries of profile and baseline together. Raises UsageError."""
    chosen = load_profile(profile)
    known = load_baseline(baseline).entries if baseline else ()
    return chosen, (*chosen.entries, *known)


def keep_options(function: Function) -> Function:
    """Add --keep and --keep-name: what a recording may hold though it looks like a secret."""
    for flag, name, metavar, text in (
        ("--keep-name", "keep_names", "NAME", "Values of this name, such as `password`, are no secrets."),
        ("--keep", "keep", "VALUE", "This value is no secret. The API key and credentials that are sent stay secret."),
    ):
        function = click.option(flag, name, multiple=True, metavar=metavar, callback=_given, help=text)(function)
    return function


def _given(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    if not all(map(str.strip, values)):
        raise click.BadParameter("the value is empty")
    return values


def format_changed_answer(answer: Sequence[str]) -> str:
    """What a recording says whose reply was changed inside the answer."""
    return (
        f"changed inside the answer: {some(answer)}; replaying it may take another course (if it is no secret: "
        "--keep VALUE or --keep-name NAME)"
    )


class _Console(Console):
    keeps_lines = False
    """Whether lines are left as long as they are, for programs that read them."""

    def on_broken_pipe(self) -> None:
        """Leave a closed pipe to main(): rich would exit with 1, the code for findings."""
        raise BrokenPipeError


def console() -> Console:
    """Standard output. Lines wrap on a terminal, and elsewhere where $COLUMNS says how wide it is."""
    stdout = _Console(highlight=False, emoji=False, markup=False)
    if not stdout.is_terminal:
        known = os.environ.get("COLUMNS", "").isdigit()
        stdout.width = stdout.width if known else WIDTH
        stdout.keeps_lines = not known
    return stdout


def print_lines(text: str, err: bool = False) -> None:
    """Print lines that programs read too: they wrap on a terminal only."""
    if (sys.stderr if err else sys.stdout).isatty():  # rich takes $FORCE_COLOR for a terminal too
        width = Console(stderr=err).width
        text = "\n".join(row for line in text.split("\n") for row in wrap_line(line, width))
    click.echo(text, err=err)


def write(path: Path, text: str) -> Path:
    """Write a report, whole or not at all, and return its path. Raises click.ClickException."""
    try:
        files.write_whole(path, text.encode("utf-8"))
    except OSError as error:
        left = "; what was there is intact" if path.exists() else ""
        raise click.ClickException(f"{path}: cannot be written: {error.strerror}{left}") from error
    return path
