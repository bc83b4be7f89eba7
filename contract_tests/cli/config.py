"""Options of a command from a TOML file: the same names and checks, suggestions for what is misspelt."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import click

from fake_server.wire.text import did_you_mean

NOT_IN_A_FILE = frozenset({"config", "help", "list"})
MAX_BYTES = 1024 * 1024


def read_config(context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    """Take the defaults of the command's options from a TOML file; what is typed goes first.

    Raises click.BadParameter with the file, the line and the key where one is unknown or has the wrong type.
    """
    if value is None:
        return None
    try:
        with value.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise click.BadParameter(f"{value}: larger than {MAX_BYTES:,} bytes, no file of options")
        text = raw.decode()
        given = tomllib.loads(text)
    except OSError as error:
        raise click.BadParameter(f"{value}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"{value}: not UTF-8 at byte {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        raise click.BadParameter(f"{value}: not TOML: {error}") from error
    known = _names(context.command)
    defaults = {}
    for key, one in given.items():
        where = f"{value}:{line_of(key, text)}"
        if key not in known and key in _names_beside(context):
            continue
        if key not in known:
            hint = did_you_mean(key, known, f"known are {', '.join(sorted(known))}")
            raise click.BadParameter(f"{where}: unknown key {key!r}; {hint}")
        defaults[str(known[key].name)] = _checked(context, known[key], one, f"{where}: {key}")
    context.default_map = {**(context.default_map or {}), **defaults}
    return value


def line_of(key: str, text: str) -> int:
    """The line where a key or a table of the first level begins, 1 where it is written in another way."""
    begin = rf"""^[ \t]*(?:\[+[ \t]*)?["']?{re.escape(key)}["']?[ \t]*[.=\]]"""
    found = re.search(begin, text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else 1


def _names(command: click.Command) -> dict[str, click.Parameter]:
    """The keys a file may hold: the options without dashes, and `url` for the argument URL."""
    names: dict[str, click.Parameter] = {}
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            names[(parameter.metavar or str(parameter.name)).lower()] = parameter
        else:
            names.update((name.removeprefix("--"), parameter) for name in parameter.opts)
    return {name: parameter for name, parameter in names.items() if name not in NOT_IN_A_FILE}


def _names_beside(context: click.Context) -> frozenset[str]:
    """The keys that the other commands of the group know: one file serves `run` and `baseline`."""
    group = context.parent.command if context.parent else None
    commands = group.commands.values() if isinstance(group, click.Group) else ()
    with_file = (one for one in commands if any(option.name == "config" for option in one.params))
    return frozenset(name for one in with_file for name in _names(one))


def _checked(context: click.Context, parameter: click.Parameter, value: Any, where: str) -> Any:
    """The value as the option takes it: a list where it may be repeated, and of the option's type."""
    many = parameter.multiple if isinstance(parameter, click.Option) else False
    values = value if many and isinstance(value, list) else [value]
    number = isinstance(parameter.type, (click.types.IntParamType, click.types.FloatParamType))
    wanted, kinds = ("a number", (int, float)) if number else ("a text", (str,))
    for one in values:
        if isinstance(one, bool) or not isinstance(one, kinds):
            raise click.BadParameter(f"{where} is {wanted}{' or a list of them' * many}, not {_kind(one)}")
        try:
            parameter.type.convert(one, parameter, context)
        except click.BadParameter as error:
            raise click.BadParameter(f"{where}: {error.message}") from error
    return values if many else value


def _kind(value: Any) -> str:
    """A value by its kind: it may hold a secret, as a table of headers does."""
    kinds = (
        (bool, "true or false"),
        (str, "a text"),
        ((int, float), "a number"),
        (list, "a list"),
        (dict, "a table"),
    )
    return next((word for kind, word in kinds if isinstance(value, kind)), "a date or time")
