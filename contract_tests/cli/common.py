"""What several commands share: their console, their options, their config file."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from contract_tests.rules.engine import Level

LEVELS = {"must": Level.MUST, "should": Level.SHOULD, "note": Level.NOTE}

fail_on = click.option(
    "--fail-on", type=click.Choice(list(LEVELS)), default="must", help="The weakest level that fails."
)
json_file = click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write a JSON report."
)


def console() -> Console:
    """Standard output; never narrower than a finding needs."""
    made = Console(highlight=False, emoji=False, markup=False)
    if not made.is_terminal:
        made.width = 110
    return made


def write(path: Path, text: str) -> None:
    """Write a report. Raises click.ClickException with what to do."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{path}: cannot be written: {error.strerror}") from error


def read_config(context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    """Take the defaults of the command's options from a TOML file with the same names."""
    del parameter
    if value is None:
        return None
    try:
        given = tomllib.loads(value.read_text(encoding="utf-8"))
    except OSError as error:
        raise click.BadParameter(f"{value}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"{value}: not TOML: {error}") from error
    context.default_map = {**(context.default_map or {}), **_by_parameter(context, value, given)}
    return value


def _by_parameter(context: click.Context, path: Path, given: dict[str, Any]) -> dict[str, Any]:
    names: dict[str, str] = {}
    for parameter in context.command.params:
        for option in parameter.opts:
            names[option.removeprefix("--")] = str(parameter.name)
    names.pop("config", None)
    for key in given:
        if key not in names:
            near = difflib.get_close_matches(key, names, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known are: {', '.join(sorted(names))}"
            raise click.BadParameter(f"{path}: unknown key {key!r}{hint}")
    return {names[key]: value for key, value in given.items()}
