"""What both commands say of a wrong use: one line, numbers in words, no option without effect."""

from __future__ import annotations

import errno
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from click.types import IntParamType

from fake_server import ending
from fake_server.wire.text import printable

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_EXTRA = re.compile(r"Got unexpected extra arguments? \((.*)\)")
"""How click says that too much was given."""


def _range(kind: click.IntRange | click.FloatRange, what: str) -> str:
    low, high = kind.min, kind.max
    if low is not None and high is not None:
        return f"{what} from {low} to {high}"
    if low is not None:
        return f"{what} above {low}" if kind.min_open else f"{what} of {low} or more"
    return what


class Whole(click.IntRange):
    """A whole number; another value is refused in words."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return int(super().convert(value, param, ctx))
        except click.BadParameter:
            self.fail(f"{str(value)[:40]!r} is not {_range(self, 'a whole number')}", param, ctx)


class AnyWhole(IntParamType):
    """A whole number of any size and sign; another value is refused in words."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return int(super().convert(value, param, ctx))
        except click.BadParameter:
            self.fail(f"{str(value)[:40]!r} is not a whole number", param, ctx)


class Number(click.FloatRange):
    """A finite number; another value is refused in words."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = float(super().convert(value, param, ctx))
        except click.BadParameter:
            number = math.nan
        if not math.isfinite(number):
            self.fail(f"{str(value)[:40]!r} is not {_range(self, 'a number')}", param, ctx)
        return number


def complete(
    find: Callable[[], Mapping[str, str]], files: bool = False
) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """What click takes as `shell_complete`: the names that `find` gives, with what they are for shells that show it.

    With `files`, a path may stand there too.
    """

    def completed(context: click.Context, parameter: click.Parameter, begin: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        known = find().items()
        items = [CompletionItem(name, help=" ".join(text.split())) for name, text in known if name.startswith(begin)]
        return items or [CompletionItem(begin, type="file")] * files

    return completed


def echo(text: str, err: bool = False) -> None:
    """Print lines; half a surrogate pair is escaped, other characters that no terminal may get are replaced."""
    click.echo(printable(text.encode("utf-8", "backslashreplace").decode()), err=err)


def refuse(names: Iterable[str], message: str) -> None:
    """An option that would have no effect is a mistake. `{}` in the message is its name.

    Raises click.UsageError for the first of these parameters that stands on the command line.
    """
    context = click.get_current_context()
    for param in context.command.params:
        given = context.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
        if given and param.name in names:
            raise click.UsageError(message.format(param.opts[0]), context)


def format_mistake(error: click.ClickException) -> str:
    """One line about a mistake: what is wrong, and where to look."""
    context = getattr(error, "ctx", None)
    usage = _usage(context) if context else ""
    help_line = f"`{context.command_path} --help` lists what there is" if context else ""
    if isinstance(error, click.MissingParameter) and error.param is not None and context is not None:
        if isinstance(error.param, click.Option):
            return f"{error.param.opts[0]} {error.param.make_metavar(context)} is required; usage: {usage}"
        return f"{error.param.make_metavar(context)} is missing; usage: {usage}"
    if isinstance(error, click.BadParameter) and error.param is not None and context is not None:
        name = error.param.opts[0] if isinstance(error.param, click.Option) else error.param.name
        return f"{name}: {error.message}"
    if isinstance(error, click.NoSuchOption):
        near = f"; did you mean {' or '.join(error.possibilities)}?" if error.possibilities else ""
        return f"there is no option {error.option_name}{near or f'; {help_line}'}"
    message = error.format_message()
    if isinstance(error, click.BadOptionUsage):
        return f"{error.option_name} needs a value"
    if extra := _EXTRA.fullmatch(message):
        return f"unexpected argument {extra[1]!r}; usage: {usage}"
    return message


def _usage(context: click.Context) -> str:
    """The command with what it must have."""
    params = context.command.params
    options = [param for param in params if isinstance(param, click.Option) and param.required]
    wanted = "".join(f"{option.opts[0]} {option.make_metavar(context)} " for option in options)
    usage = " ".join(context.get_usage().split()).removeprefix("Usage: ")
    return usage.replace("[OPTIONS]", f"{wanted}[OPTIONS]", 1)


class OneLine(click.Group):
    """A command that says what is wrong in one line behind its name, and ends with code 2."""

    def say(self, mistake: str) -> None:
        """Print what is wrong."""
        echo(f"{self.name}: {mistake}", err=True)

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        run: Callable[..., Any] = partial(super().main, *args, standalone_mode=False)
        extra = {"prog_name": self.name, **extra}
        if not standalone_mode:
            return run(**extra)
        try:
            code = run(**extra)
            sys.stdout.flush()
        except click.ClickException as error:
            self.say(format_mistake(error))
            sys.exit(2)
        except (KeyboardInterrupt, click.exceptions.Abort):
            ending.say_last()
            echo(f"{self.name}: interrupted", err=True)
            sys.exit(130)
        except OSError as error:
            if not ending.is_about_output(error):
                raise
            ending.discard_output()
            echo(f"{self.name}: standard output cannot be written: {error.strerror}", err=True)
            sys.exit(2)
        sys.exit(code if isinstance(code, int) else 0)


def not_listening(host: str, port: int, error: OSError) -> str:
    """Why nothing can listen there, and what to do."""
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken: choose another with --port, or --port 0 for a free one"
    if error.errno == errno.EACCES:
        return f"port {port} may not be opened: choose one above 1023"
    return f"cannot listen on {host}:{port}: {error.strerror or error}"


@cache
def kit_version() -> str:
    """The version of the kit, '' in a checkout that is not installed."""
    from importlib.metadata import PackageNotFoundError, version  # few ask

    try:
        return version("openai-contract-kit")
    except PackageNotFoundError:
        return ""
