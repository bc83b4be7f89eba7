"""`fake-server validate` and `fake-server schema`: check scripts and describe them, without serving."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter

from fake_server.command_line import echo
from fake_server.relay.redact import mask_excerpt
from fake_server.scripts.book import ScriptError, load
from fake_server.scripts.checks import oddities
from fake_server.scripts.model import Script
from fake_server.wire.schemas import DRAFT, urn


@click.command("validate")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print {scripts, problems, warnings} as JSON.")
def validate_command(paths: tuple[Path, ...], as_json: bool) -> None:
    """Check script files, folders of them, or aimock's fixtures.

    Each problem is printed on one line that begins with file:line. The exit code is 1 if there is a problem.
    Scripts that can never answer and fixtures of endpoints that are not served are warnings.
    """
    problems, warnings, count = [], [], 0
    try:
        book = load(paths)
        warnings, count = [*book.left_out, *oddities(book.scripts, thorough=True)], len(book)
    except ScriptError as error:
        problems = str(error).split("\n")
    problems, warnings = [_mask(line) for line in problems], [_mask(line) for line in warnings]
    if as_json:
        click.echo(json.dumps({"scripts": count, "problems": problems, "warnings": warnings}, indent=2))
    else:
        for line in (*problems, *(f"warning: {warning}" for warning in warnings)):
            echo(line)
        summary = _count(len(problems), "problem") if problems else f"{_count(count, 'script')}, no problem"
        if warnings and not problems:
            summary += f", {_count(len(warnings), 'warning')}"
        click.echo(summary)
    raise click.exceptions.Exit(1 if problems else 0)


def _mask(line: str) -> str:
    """The line without what looks like a key, and without that of this process: scripts may hold one."""
    return mask_excerpt(line, (os.environ.get("OPENAI_API_KEY", ""),))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


@click.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of script files, for editors.

    Save it beside the scripts, and begin them with `# yaml-language-server: $schema=scripts.schema.json`.
    """
    click.echo(json.dumps(schema(), indent=2))


def schema() -> dict[str, Any]:
    """The JSON Schema of a script file: a list of scripts, or an object with such a list in `scripts`."""
    described = TypeAdapter(list[Script]).json_schema()
    definitions = described.pop("$defs", {})
    scripts = {"type": "array", "items": described["items"]}
    file = {"type": "object", "required": ["scripts"], "properties": {"scripts": scripts}}
    return {
        "$schema": DRAFT,
        "$id": urn("scripts"),
        "title": "Scripts of the fake OpenAI server",
        "anyOf": [scripts, file],
        "$defs": definitions,
    }
