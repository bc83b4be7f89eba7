"""The options of commands that ask a target, and what they are for a run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from contract_tests.cases import CASES
from contract_tests.cli.config import read_config
from contract_tests.run.outcome import below
from contract_tests.run.run import Options, UsageError, choose_cases
from fake_server.command_line import Number, Whole
from fake_server.wire.bounds import Bounds
from fake_server.wire.text import did_you_mean

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


class Seconds(Number):
    """A finite number of seconds above 0."""

    def __init__(self) -> None:
        super().__init__(0, min_open=True)


def bound_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """An option for each bound, named as people say it."""
    for option, (name, text) in reversed(BOUNDS.items()):
        default = getattr(Bounds(), name)
        kind = Seconds() if isinstance(default, float) else Whole(1)
        unit = text.partition(" ")[0].upper()
        function = click.option(option, name, type=kind, metavar=unit, default=default, help=text)(function)
    return function


def parse_pairs(values: Iterable[str], mark: str, option: str) -> tuple[tuple[str, str], ...]:
    """`NAME:VALUE` texts as pairs. Raises UsageError."""
    found = []
    for value in values:
        name, found_mark, rest = value.partition(mark)
        if not name.strip() or not found_mark:
            begin = name.split(maxsplit=1)[0][:20] if name.strip() else ""  # the rest may be a secret
            raise UsageError(f"{option} takes NAME{mark}VALUE; no {mark!r} follows a name in {begin!r}…")
        found.append((name.strip(), rest.strip()))
    return tuple(found)


def run_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The argument URL and every option about what is asked and how."""
    for option in reversed(RUN_OPTIONS):
        function = option(function)
    return function


RUN_OPTIONS = (
    click.argument("target", metavar="URL", required=False),
    click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        callback=read_config,
        is_eager=True,
        expose_value=False,
        help="Take options from a TOML file with the same names.",
    ),
    click.option(
        "--model", "models", multiple=True, metavar="M", help="Model; SECTION=M for the cases of one section."
    ),
    click.option(
        "--select", "prefixes", multiple=True, metavar="PREFIX", help="Only these cases or sections."
    ),
    click.option(
        "--header", "headers", multiple=True, metavar="N:V", help="Send a header with every request."
    ),
    click.option(
        "--query", "query", multiple=True, metavar="K=V", help="Send a query parameter with every request."
    ),
    click.option(
        "--key-env", default=DEFAULT_KEY, metavar="NAME", help="The variable that holds the API key."
    ),
    bound_options,
    click.option(
        "--run-timeout",
        type=Seconds(),
        metavar="SECONDS",
        default=900.0,
        help="Seconds for the run.",
    ),
    click.option("--ca-file", type=click.Path(), metavar="FILE", help="Certificates to trust, in PEM."),
    click.option("--concurrency", type=Whole(1, 64), metavar="N", default=4, help="Cases asked at once."),
    click.option("--max-requests", type=Whole(1), metavar="N", default=300, help="Send no more requests."),
)


def build_options(given: Mapping[str, Any], otherwise: Iterable[str] = ()) -> Options:
    """What was given as a run takes it; `otherwise` is asked where no --select was given.

    Raises click.UsageError without a URL, UsageError for a value that cannot be used.
    """
    if not given["target"]:
        command = f"contract {click.get_current_context().info_name}"
        raise click.UsageError(f"name the URL of the target, for example: {command} http://localhost:1337/v1")
    key = os.environ.get(given["key_env"], "").strip()
    if not key and given["key_env"] != DEFAULT_KEY:
        raise UsageError(f"--key-env: the variable {given['key_env']} is not set, or is empty")
    if given["ca_file"] and not os.access(given["ca_file"], os.R_OK):
        raise UsageError(f"--ca-file {given['ca_file']}: there is no such file, or it may not be read")
    model, models = parse_models(given["models"])
    return Options(
        target=given["target"],
        model=model,
        models=models,
        select=given["prefixes"] or tuple(otherwise),
        headers=parse_pairs(given["headers"], ":", "--header"),
        query=parse_pairs(given["query"], "=", "--query"),
        api_key=key or None,
        bounds=Bounds(**{name: given[name] for name, _ in BOUNDS.values()}),
        ca_file=given["ca_file"],
        concurrency=given["concurrency"],
        max_requests=given["max_requests"],
        run_seconds=given["run_timeout"],
    )


def parse_models(given: Iterable[str]) -> tuple[str | None, dict[str, str]]:
    """`M` and `SECTION=M` texts as the model of all cases and those of sections. Raises UsageError."""
    everywhere, named = None, {}
    for one in given:
        section, mark, model = one.partition("=")
        if not mark:
            section, model = "", one
        if not model.strip():
            raise UsageError(f"--model takes MODEL or SECTION=MODEL, not {one!r}")
        if not mark:
            everywhere = model.strip()
        else:
            check_section(section, "--model")
            named[section] = model.strip()
    return everywhere, named


def check_section(name: str, option: str) -> None:
    """Raises UsageError where no case has this id or lies below it."""
    sections = {case_id[:end] for case_id in CASES for end in _ends(case_id)}
    if name not in sections:
        hint = did_you_mean(name, sections, "`contract run --list` shows them")
        raise UsageError(f"{option}: no case lies below {name!r}; {hint}")


def check_required(sections: Iterable[str], options: Options) -> tuple[str, ...]:
    """The required sections, each once. Raises UsageError for one that is unknown or not asked."""
    asked = [case.id for case in choose_cases(options)]
    for section in sections:
        check_section(section, "--require")
        if not any(below(case_id, section) for case_id in asked):
            raise UsageError(
                f"--require: no case of {section!r} is asked; mind --select and the profile's `select`"
            )
    return tuple(dict.fromkeys(sections))


def _ends(case_id: str) -> list[int]:
    return [place for place, char in enumerate(f"{case_id}.") if char == "."]
