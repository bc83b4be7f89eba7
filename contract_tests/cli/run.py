"""`contract run URL`: ask a live target every case and judge every exchange."""

from __future__ import annotations

import asyncio
import difflib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from contract_tests.cases import CASES
from contract_tests.cli.common import LEVELS, console, fail_on, json_file, junit_file, write
from contract_tests.config import read_config
from contract_tests.outcome import ExitCode, RunReport
from contract_tests.report.files import as_json, as_junit
from contract_tests.report.terminal import Terminal
from contract_tests.run import Options, UsageError, chosen, run
from fake_server.wire.bounds import Bounds

DEFAULT_KEY = "OPENAI_API_KEY"
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
        unit = text.partition(" ")[0].upper()
        function = click.option(option, name, type=kind, metavar=unit, default=default, help=text)(function)
    return function


def pairs(values: Iterable[str], mark: str, option: str) -> tuple[tuple[str, str], ...]:
    """`NAME:VALUE` texts as pairs. Raises UsageError."""
    found = []
    for value in values:
        name, found_mark, rest = value.partition(mark)
        if not name.strip() or not found_mark:
            begin = name.split(maxsplit=1)[0][:20] if name.strip() else ""  # the rest may be a secret
            raise UsageError(f"{option} takes NAME{mark}VALUE; no {mark!r} follows a name in {begin!r}…")
        found.append((name.strip(), rest.strip()))
    return tuple(found)


@click.command("run")
@click.argument("target", metavar="URL", required=False)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
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
@click.option("--key-env", default=DEFAULT_KEY, metavar="NAME", help="The variable that holds the API key.")
@bound_options
@click.option(
    "--run-timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    default=900.0,
    help="Seconds for the run.",
)
@click.option("--ca-file", type=click.Path(), metavar="FILE", help="Certificates to trust, in PEM.")
@click.option(
    "--concurrency", type=click.IntRange(1, 64), metavar="N", default=4, help="Cases asked at once."
)
@click.option(
    "--max-requests", type=click.IntRange(1), metavar="N", default=300, help="Send no more requests."
)
@click.option("--list", "list_only", is_flag=True, help="List the cases and send nothing.")
@json_file
@junit_file
@fail_on
def run_command(target: str | None, list_only: bool, prefixes: tuple[str, ...], **given: Any) -> int:
    """Ask the OpenAI-compatible server at URL every case and judge what it answers."""
    if list_only:
        return list_cases(prefixes)
    if not target:
        raise click.UsageError(
            "name the URL of the target, for example: contract run http://localhost:1337/v1"
        )
    key = os.environ.get(given["key_env"], "").strip()
    if not key and given["key_env"] != DEFAULT_KEY:
        raise UsageError(f"--key-env: the variable {given['key_env']} is not set or empty")
    model, models = models_of(given["models"])
    options = Options(
        target=target,
        model=model,
        models=models,
        select=prefixes,
        headers=pairs(given["headers"], ":", "--header"),
        query=pairs(given["query"], "=", "--query"),
        api_key=key or None,
        bounds=Bounds(**{name: given[name] for name, _ in BOUNDS.values()}),
        ca_file=given["ca_file"],
        concurrency=given["concurrency"],
        max_requests=given["max_requests"],
        run_seconds=given["run_timeout"],
    )
    terminal = Terminal(console(), options.secrets)
    report = ask(terminal, options)
    return int(tell(terminal, report, given["fail_on"], given["json_file"], given["junit"]))


def models_of(given: Iterable[str]) -> tuple[str | None, dict[str, str]]:
    """`M` and `SECTION=M` texts as the model of all cases and those of sections. Raises UsageError."""
    everywhere, named = None, {}
    sections = {case_id[:end] for case_id in CASES for end in _ends(case_id)}
    for one in given:
        section, mark, model = one.partition("=")
        if not mark:
            section, model = "", one
        if not model.strip():
            raise UsageError(f"--model takes MODEL or SECTION=MODEL, not {one!r}")
        if not mark:
            everywhere = model.strip()
        elif section in sections:
            named[section] = model.strip()
        else:
            near = difflib.get_close_matches(section, sections, 1)
            hint = f"did you mean {near[0]!r}?" if near else "`contract run --list` shows them"
            raise UsageError(f"--model: no case lies below {section!r}; {hint}")
    return everywhere, named


def _ends(case_id: str) -> list[int]:
    return [place for place, char in enumerate(f"{case_id}.") if char == "."]


def ask(terminal: Terminal, options: Options) -> RunReport:
    """Run, and show how far it is. Raises what `contract_tests.run.run` raises."""
    try:
        return asyncio.run(run(options, terminal.result, terminal.plan))
    finally:
        terminal.stop()


def tell(
    terminal: Terminal, report: RunReport, level: str, json_path: Path | None, junit: Path | None
) -> ExitCode:
    """Show the report, write the files, end with the verdict; the exit code."""
    code = report.exit_code(LEVELS[level])
    terminal.findings(report.findings, {result.case_id: result.title for result in report.results})
    terminal.outcomes(report)
    written = []
    if json_path:
        written.append(write(json_path, as_json(report, code, terminal.secrets)))
    if junit:
        written.append(write(junit, as_junit(report, code, terminal.secrets, LEVELS[level])))
    if written:
        terminal.say(f"written   {', '.join(map(str, written))}")
    terminal.verdict(report, code)
    return code


def list_cases(prefixes: tuple[str, ...]) -> int:
    """The cases with what they cost."""
    found = chosen(Options("", select=prefixes))
    width = max(len(case.id) for case in found)
    for case in found:
        asked = "1 request " if case.requests == 1 else f"{case.requests} requests"
        click.echo(f"{case.id:{width}}  {asked}  {case.tokens:5} tokens  {case.title}")
    requests, tokens = sum(case.requests for case in found), sum(case.tokens for case in found)
    click.echo(f"{len(found)} cases, {requests} requests, at most {tokens} tokens of answers", err=True)
    return 0
