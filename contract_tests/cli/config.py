"""Options of a command from a TOML file: the same names and checks, suggestions for what is misspelt."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from fake_server.wire import files
from fake_server.wire.schemas import DRAFT, Schema, list_keys, urn
from fake_server.wire.text import did_you_mean

NOT_IN_A_FILE = frozenset({"config", "help", "list", "annotations", "step-summary"})
_FILE = f"{__name__}.file"
"""The name under which the context keeps the path of the file."""
MAX_BYTES = 1024 * 1024


def read_config(context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    """Read the defaults of the command's options from a TOML file; options on the command line win.

    Raises click.BadParameter, with file, line and key, for an unknown key or a value of the wrong type.
    """
    if value is None:
        return None
    try:
        text = files.read_bytes(value, MAX_BYTES).decode()
        given = tomllib.loads(text)
    except OSError as error:
        raise click.BadParameter(f"{value}: cannot be read: {error.strerror}") from error
    except RecursionError as error:
        raise click.BadParameter(f"{value}: nested too deeply; this is no options file") from error
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"{value}: not UTF-8 at byte {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        raise click.BadParameter(f"{value}: not TOML: {error}") from error
    known = _names(context.command)
    defaults = {}
    for key, entry in given.items():
        where = f"{value}:{line_of(key, text)}"
        if key not in known and key in _names_beside(context):
            continue
        if key not in known:
            hint = did_you_mean(key, known, f"the known keys are {', '.join(sorted(known))}")
            raise click.BadParameter(f"{where}: unknown key {key!r}; {hint}")
        defaults[str(known[key].name)] = _check(context, known[key], entry, f"{where}: {key}")
    context.meta[_FILE] = str(value)
    context.default_map = {**(context.default_map or {}), **defaults}
    return value


def schema(commands: Iterable[click.Command]) -> Schema:
    """The schema of a file for all of these commands, as `read_config` reads it."""
    known: dict[str, Schema] = {}
    for command in commands:
        if _takes_file(command):
            for name, parameter in _names(command).items():
                known.setdefault(name, _describe(parameter))
    return {
        "$schema": DRAFT,
        "$id": urn("config"),
        "title": "Options of contract run and its like, for --config",
        "type": "object",
        **list_keys(known, sorted(known)),
    }


def _describe(parameter: click.Parameter) -> Schema:
    """What a key may hold, by the same distinctions as `_check`."""
    kind = parameter.type
    value: Schema = {"type": "string"}
    if isinstance(kind, click.Choice):
        value = {"enum": list(kind.choices)}
    elif _is_number(parameter):
        value = {"type": "integer" if isinstance(kind, click.types.IntParamType) else "number"}
        if isinstance(kind, (click.IntRange, click.FloatRange)):
            low = "exclusiveMinimum" if kind.min_open else "minimum"
            value |= {name: end for name, end in ((low, kind.min), ("maximum", kind.max)) if end is not None}
    if isinstance(parameter, click.Option) and parameter.multiple:
        value = {"anyOf": [value, {"type": "array", "items": value}]}
    text = parameter.help if isinstance(parameter, click.Option) else "URL of the target."
    return {**value, "description": text or ""}


def config_file() -> str:
    """The path of the file from which options were read; '' without one."""
    return str(click.get_current_context().meta.get(_FILE, ""))


def line_of(key: str, text: str) -> int:
    """The line of a top-level key or table, 1 if it is written in an unusual way."""
    begin = rf"""^[ \t]*(?:\[+[ \t]*)?["']?{re.escape(key)}["']?[ \t]*[.=\]]"""
    found = re.search(begin, text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else 1


def _names(command: click.Command) -> dict[str, click.Parameter]:
    """The keys allowed in the file: the options without dashes, and `url` for the argument URL."""
    names: dict[str, click.Parameter] = {}
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            names[(parameter.metavar or str(parameter.name)).lower()] = parameter
        else:
            names.update((name.removeprefix("--"), parameter) for name in parameter.opts)
    return {name: parameter for name, parameter in names.items() if name not in NOT_IN_A_FILE}


def _names_beside(context: click.Context) -> frozenset[str]:
    """The keys of the group's other commands: the same file serves `run` and `baseline`."""
    group = context.parent.command if context.parent else None
    commands = group.commands.values() if isinstance(group, click.Group) else ()
    return frozenset(name for command in commands if _takes_file(command) for name in _names(command))


def _takes_file(command: click.Command) -> bool:
    return any(option.name == "config" for option in command.params)


def _is_number(parameter: click.Parameter) -> bool:
    return isinstance(parameter.type, (click.types.IntParamType, click.types.FloatParamType))


def _check(context: click.Context, parameter: click.Parameter, value: Any, where: str) -> Any:
    """The value in the form the option takes: a list if it may be repeated. Raises click.BadParameter."""
    many = parameter.multiple if isinstance(parameter, click.Option) else False
    values = value if many and isinstance(value, list) else [value]
    wanted, kinds = ("a number", (int, float)) if _is_number(parameter) else ("a string", (str,))
    for item in values:
        if isinstance(item, bool) or not isinstance(item, kinds):
            raise click.BadParameter(f"{where} must be {wanted}{' or a list' * many}, not {_kind(item)}")
        try:
            parameter.type.convert(item, parameter, context)
        except click.BadParameter as error:
            raise click.BadParameter(f"{where}: {error.message}") from error
    return values if many else value


def _kind(value: Any) -> str:
    """The kind of a value; the value itself may hold a secret, such as a table of headers."""
    kinds = (
        (bool, "true or false"),
        (str, "a string"),
        ((int, float), "a number"),
        (list, "a list"),
        (dict, "a table"),
    )
    return next((word for kind, word in kinds if isinstance(value, kind)), "a date or time")
