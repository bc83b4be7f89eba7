"""`fake-server validate` and `fake-server schema`: scripts checked and described without serving them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter

from fake_server.command_line import echo
from fake_server.scripts.book import ScriptError, load
from fake_server.scripts.checks import oddities
from fake_server.scripts.model import Script


@click.command("validate")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print {scripts, problems, warnings} as JSON.")
def validate_command(paths: tuple[Path, ...], as_json: bool) -> None:
    """Check script files, folders of them, or aimock's fixtures.

    Each problem stands on a line of its own, file:line first. Exit code 1 where there is one; scripts that
    can never answer, and fixtures for what is not served here, are warnings.
    """
    problems, warnings, count = [], [], 0
    try:
        book = load(paths)
        warnings, count = [*book.left_out, *oddities(book.scripts, thorough=True)], len(book)
    except ScriptError as error:
        problems = str(error).split("\n")
    if as_json:
        click.echo(json.dumps({"scripts": count, "problems": problems, "warnings": warnings}, indent=2))
    else:
        for line in problems:
            echo(line)
        for line in warnings:
            echo(f"warning: {line}")
        scripts = f"{count} script{'' if count == 1 else 's'}"
        told = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        click.echo(
            told
            if problems
            else f"{scripts}, no problem" + (f", {len(warnings)} warned of" if warnings else "")
        )
    raise click.exceptions.Exit(1 if problems else 0)


@click.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of script files, for editors.

    Save it beside the scripts and begin these with `# yaml-language-server: $schema=scripts.schema.json`.
    """
    click.echo(json.dumps(schema(), indent=2))


def schema() -> dict[str, Any]:
    """The JSON Schema of a script file: a list of scripts, or an object with such a list in `scripts`."""
    made = TypeAdapter(list[Script]).json_schema()
    definitions = made.pop("$defs", {})
    several = {"type": "array", "items": made["items"]}
    whole = {"type": "object", "required": ["scripts"], "properties": {"scripts": several}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scripts of the fake OpenAI server",
        "anyOf": [several, whole],
        "$defs": definitions,
    }
