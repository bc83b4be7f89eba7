"""`contract schema NAME`: the JSON Schemas of the files that people write and that the kit writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from contract_tests.cli import config
from contract_tests.cli.shared_options import print_lines, write
from contract_tests.report import files as report_files
from contract_tests.tolerance import schema as tolerance
from contract_tests.tolerance.file import BASELINE, PROFILE
from fake_server.scripts.commands import schema as scripts_schema
from fake_server.wire import fixture, fixture_schema
from fake_server.wire.schemas import Schema, file_name
from fake_server.wire.text import dump_json

CATALOG = "catalog"
_REPORT = Path(report_files.__file__).with_name("schema.json")


@dataclass(frozen=True)
class Kind:
    """A kind of file: what it is, the names that editors may know it by, and how its schema is made.

    The kit reads a file of any name; these are narrow enough for a catalogue that serves all projects.
    """

    about: str
    patterns: tuple[str, ...]
    schema: Callable[[], Schema]


def _yaml(name: str) -> tuple[str, ...]:
    return f"*.{name}.yaml", f"*.{name}.yml"


def _config_schema() -> Schema:
    group = click.get_current_context().find_root().command
    return config.schema(group.commands.values() if isinstance(group, click.Group) else ())


KINDS = {
    "scripts": Kind("Scripts of fake-server", ("fake-server.yaml", *_yaml("fake-server")), scripts_schema),
    "fixture": Kind(
        "A recorded exchange",
        _yaml("openai-fixture"),
        lambda: fixture_schema.schema(fixture.MARK, fixture.VERSION),
    ),
    BASELINE: Kind(
        "Known findings of a target",
        ("openai-contract-baseline.yaml", *_yaml("openai-baseline")),
        lambda: tolerance.schema(BASELINE),
    ),
    PROFILE: Kind("Known departures of a dialect", _yaml("openai-profile"), lambda: tolerance.schema(PROFILE)),
    "config": Kind("Options of contract run", ("openai-contract.toml", "*.openai-contract.toml"), _config_schema),
    "report": Kind(
        "What contract run, judge and ready write with --json",
        ("openai-contract-report.json", "*.openai-report.json"),
        lambda: json.loads(_REPORT.read_text(encoding="utf-8")),
    ),
}


@click.command("schema")
@click.argument("name", type=click.Choice([*KINDS, CATALOG]), metavar="[NAME]", required=False)
@click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write openai-contract-NAME.schema.json into this folder; without NAME, all of them.",
)
def schema_command(name: str | None, folder: Path | None) -> int:
    """Print the JSON Schema of a kind of file, for editors and validators.

    NAME is scripts, fixture, baseline, profile, config or report; without it, the kinds are listed. `catalog` prints
    an entry for each as SchemaStore's catalogue has them. Where a schema from --out lies beside a fixture or
    baseline that is written, or above it in the same git repository, a `# yaml-language-server` line names it.
    """
    if folder is None:
        if name is None:
            for each, kind in KINDS.items():
                print_lines(f"{each:9} {kind.about}: {', '.join(kind.patterns)}")
        else:
            click.echo(_text(name), nl=False)
        return 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.ClickException(f"--out {folder}: the folder cannot be created: {error.strerror}") from error
    for each in [name] if name else KINDS:
        print_lines(f"written   {write(folder / file_name(each), _text(each))}")
    return 0


def _text(name: str) -> str:
    return dump_json(catalog() if name == CATALOG else KINDS[name].schema())


def catalog() -> Schema:
    """The kinds as entries of SchemaStore's catalogue; each `url` is a file beside it."""
    entries = [
        {
            "name": f"openai-contract-kit {name}",
            "description": kind.about,
            "fileMatch": list(kind.patterns),
            "url": file_name(name),
        }
        for name, kind in KINDS.items()
    ]
    return {"$schema": "https://json.schemastore.org/schema-catalog.json", "version": 1, "schemas": entries}
