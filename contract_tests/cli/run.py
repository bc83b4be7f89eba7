"""`contract run URL`: ask a live target every case and judge every exchange."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from contract_tests.cases import select
from contract_tests.cli.common import LEVELS, console, fail_on, json_file, read_config, write
from contract_tests.outcome import ExitCode
from contract_tests.report.files import as_json, write_junit
from contract_tests.report.terminal import Terminal
from contract_tests.run import Options, UsageError, run
from fake_server.wire.bounds import Bounds

BOUNDS = {
    "--timeout": ("exchange", "Seconds for one exchange."),
    "--connect-timeout": ("connect", "Seconds until the connection stands."),
    "--first-byte-timeout": ("first_byte", "Seconds until the first byte of a reply."),
    "--idle-timeout": ("idle", "Seconds between two pieces of a reply."),
    "--max-body": ("body", "Bytes of a body."),
    "--max-event": ("event", "Bytes of one event."),
    "--max-depth": ("json_depth", "Levels of JSON nesting."),
}


def bound_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """An option for each bound, named as people say it."""
    for option, (name, text) in reversed(BOUNDS.items()):
        default = getattr(Bounds(), name)
        kind = click.FloatRange(0, min_open=True) if isinstance(default, float) else click.IntRange(1)
        function = click.option(option, name, type=kind, default=default, help=text)(function)
    return function


def pairs(values: Iterable[str], mark: str, option: str) -> tuple[tuple[str, str], ...]:
    """`NAME:VALUE` texts as pairs. Raises UsageError."""
    found = []
    for value in values:
        name, found_mark, rest = value.partition(mark)
        if not name.strip() or not found_mark:
            raise UsageError(f"{option} takes NAME{mark}VALUE, not {name[:40]!r}")
        found.append((name.strip(), rest.strip()))
    return tuple(found)


@click.command("run")
@click.argument("target", metavar="URL", required=False)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    callback=read_config,
    is_eager=True,
    expose_value=False,
    help="Take options from a TOML file with the same names.",
)
@click.option(
    "--model", "models", multiple=True, metavar="M", help="Model; SECTION=M for the cases of one section."
)
@click.option("--select", "prefixes", multiple=True, metavar="PREFIX", help="Only these cases or sections.")
@click.option("--header", "headers", multiple=True, metavar="N:V", help="Send a header with every request.")
@click.option(
    "--query", "query", multiple=True, metavar="K=V", help="Send a query parameter with every request."
)
@click.option("--key-env", default="OPENAI_API_KEY", help="The variable that holds the API key.")
@bound_options
@click.option(
    "--run-timeout", type=click.FloatRange(0, min_open=True), default=900.0, help="Seconds for the run."
)
@click.option("--ca-file", type=click.Path(), help="Certificates to trust, in PEM.")
@click.option("--concurrency", type=click.IntRange(1, 64), default=4, help="Cases asked at once.")
@click.option("--max-requests", type=click.IntRange(1), default=300, help="Send no more requests.")
@click.option("--list", "list_only", is_flag=True, help="List the cases and send nothing.")
@json_file
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write a JUnit report.")
@fail_on
def run_command(target: str | None, list_only: bool, prefixes: tuple[str, ...], **given: Any) -> int:
    """Ask the OpenAI-compatible server at URL every case and judge what it answers."""
    if list_only:
        return list_cases(prefixes)
    if not target:
        raise click.UsageError(
            "name the URL of the target, for example: contract run http://localhost:1337/v1"
        )
    named = dict(one.split("=", 1) for one in given["models"] if "=" in one)
    plain = [one for one in given["models"] if "=" not in one]
    options = Options(
        target=target,
        model=plain[-1] if plain else None,
        models=named,
        select=prefixes,
        headers=pairs(given["headers"], ":", "--header"),
        query=pairs(given["query"], "=", "--query"),
        api_key=os.environ.get(given["key_env"], "").strip() or None,
        bounds=Bounds(**{name: given[name] for name, _ in BOUNDS.values()}),
        ca_file=given["ca_file"],
        concurrency=given["concurrency"],
        max_requests=given["max_requests"],
        run_seconds=given["run_timeout"],
    )
    return int(run_and_report(options, given["fail_on"], given["json_file"], given["junit"]))


def run_and_report(options: Options, level: str, json_path: Path | None, junit: Path | None) -> ExitCode:
    """Run, show the report, write the files; the exit code."""
    terminal = Terminal(console(), options.secrets)
    try:
        report = asyncio.run(run(options, terminal.result, terminal.plan))
    finally:
        terminal.stop()
    code = report.exit_code(LEVELS[level])
    if json_path:
        write(json_path, as_json(report, code, options.secrets))
    if junit:
        try:
            write_junit(report, junit, options.secrets)
        except OSError as error:
            raise click.ClickException(f"{junit}: cannot be written: {error.strerror}") from error
    terminal.report(report, code)
    return code


def list_cases(prefixes: tuple[str, ...]) -> int:
    """The cases with what they cost."""
    try:
        found = select(prefixes)
    except KeyError as error:
        raise UsageError(f"no case is called {error.args[0]!r} or lies below it") from error
    width = max(len(case.id) for case in found)
    for case in found:
        click.echo(f"{case.id:{width}}  {case.requests:2} requests  {case.tokens:5} tokens  {case.title}")
    return 0
