"""Options of a command from a TOML file: the same names and checks, suggestions for what is misspelt."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any

import click

NOT_IN_A_FILE = frozenset({"config", "help", "list"})


def read_config(context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    """Take the defaults of the command's options from a TOML file; what is typed goes first.

    Raises click.BadParameter with the file and the key where one is unknown or has the wrong type.
    """
    if value is None:
        return None
    try:
        given = tomllib.loads(value.read_text(encoding="utf-8"))
    except OSError as error:
        raise click.BadParameter(f"{value}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"{value}: not UTF-8 at byte {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        raise click.BadParameter(f"{value}: not TOML: {error}") from error
    known = _names(context.command)
    defaults = {}
    for key, one in given.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}"
            raise click.BadParameter(f"{value}: unknown key {key!r}; {hint}")
        defaults[str(known[key].name)] = _checked(context, known[key], one, f"{value}: {key}")
    context.default_map = {**(context.default_map or {}), **defaults}
    return value


def _names(command: click.Command) -> dict[str, click.Parameter]:
    """The keys a file may hold: the options without dashes, and `url` for the argument URL."""
    names: dict[str, click.Parameter] = {}
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            names[(parameter.metavar or str(parameter.name)).lower()] = parameter
        else:
            names.update((name.removeprefix("--"), parameter) for name in parameter.opts)
    return {name: parameter for name, parameter in names.items() if name not in NOT_IN_A_FILE}


def _checked(context: click.Context, parameter: click.Parameter, value: Any, where: str) -> Any:
    """The value as the option takes it: a list where it may be repeated, and of the option's type."""
    many = parameter.multiple if isinstance(parameter, click.Option) else False
    values = value if many and isinstance(value, list) else [value]
    number = isinstance(parameter.type, (click.types.IntParamType, click.types.FloatParamType))
    wanted, kinds = ("a number", (int, float)) if number else ("a text", (str,))
    for one in values:
        if isinstance(one, bool) or not isinstance(one, kinds):
            raise click.BadParameter(f"{where} is {wanted}{' or a list of them' * many}, not {value!r}")
        try:
            parameter.type.convert(one, parameter, context)
        except click.BadParameter as error:
            raise click.BadParameter(f"{where}: {error.message}") from error
    return values if many else value
