"""What a command says that fails, and what becomes of the reports it was to write: none of an earlier run stays."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import click

from contract_tests.cli.shared_options import Function
from contract_tests.interruption import interrupted
from contract_tests.recordings.judging import InputError
from contract_tests.run.outcome import ExitCode
from contract_tests.run.run import NoModel, Options, Unreachable, UsageError
from contract_tests.target.environment import keys_of_environment
from fake_server import ending
from fake_server.command_line import format_mistake

CANNOT_BE_JUDGED = "the target cannot be judged: "


def describe_failure(error: BaseException) -> tuple[str, int]:
    """What is wrong, in one line that may hold secrets, and the exit code."""
    match error:
        case click.ClickException():
            return format_mistake(error), ExitCode.USAGE
        case UsageError() | NoModel() | InputError():
            return str(error), ExitCode.USAGE
        case Unreachable():
            return f"{CANNOT_BE_JUDGED}{error}", ExitCode.UNREACHABLE
        case KeyboardInterrupt() | click.exceptions.Abort():
            return interrupted()
        case BrokenPipeError():
            return "standard output was closed", ExitCode.UNREACHABLE
        case OSError() if ending.is_about_output(error):
            return f"standard output cannot be written: {error.strerror}", ExitCode.USAGE
    if ending.is_interrupt(error):
        return interrupted()
    detail = f"{error}".partition("\n")[0] or "no details"
    return (
        f"the kit itself failed: {type(error).__name__}: {detail}; "
        "run `contract --debug …` again and report the traceback",
        ExitCode.HARNESS,
    )


def secrets_given() -> tuple[str, ...]:
    """The keys of the environment, and the credentials in the words of the command line, wherever they stand."""
    given = [Options(word).secrets for word in sys.argv if "://" in word]
    for flag, value in zip(sys.argv, [*sys.argv[1:], ""], strict=True):
        flag, _, same_word = flag.partition("=")
        name, _, rest = (same_word or value).partition(":" if flag == "--header" else "=")
        if flag in ("--header", "--query"):
            given.append(Options("", headers=((name.strip(), rest.strip()),), query=((name.strip(), rest),)).secrets)
    return (*keys_of_environment(), *chain.from_iterable(given))


def leave_nothing_stale(*names: str) -> Callable[[Function], Function]:
    """Where the command fails, the files of these parameters that it has not written are removed: they are of another
    run, and nothing in them says so."""

    def add(function: Function) -> Function:
        @functools.wraps(function)
        def command(**given: Any) -> Any:
            with removing_stale(path for name in names if (path := given.get(name))):
                return function(**given)

        return command  # type: ignore[return-value]

    return add


@contextmanager
def removing_stale(paths: Iterable[Path]) -> Iterator[None]:
    """Remove the files that were there before and are still the same, where what is inside fails."""
    before = {path: stamp for path in paths if (stamp := _stamp(path))}
    try:
        yield
    except BaseException:
        for path, stamp in before.items():
            if _stamp(path) == stamp:
                remove(path)
        raise


def remove(path: Path) -> None:
    """Remove a file, as far as that is allowed; what is no file, such as /dev/stdout, is left."""
    if path.is_file():
        try:
            path.resolve().unlink()
        except OSError as error:
            click.echo(f"contract: {path} is of an earlier run and cannot be removed: {error.strerror}", err=True)


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes when a file is written anew."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
