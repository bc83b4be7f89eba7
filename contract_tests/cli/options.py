"""The options of commands that send requests to a target, and how they configure a run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from contract_tests.cases import CASES
from contract_tests.cli import completion
from contract_tests.cli.config import read_config
from contract_tests.cli.shared_options import Function
from contract_tests.run.run import Options, UsageError, choose_cases
from contract_tests.target.options import below
from fake_server.command_line import Number, Whole
from fake_server.relay.redact import excerpt
from fake_server.wire.bounds import Bounds
from fake_server.wire.text import did_you_mean

DEFAULT_KEY = "OPENAI_API_KEY"
BOUNDS = {
    "--timeout": ("exchange", "Seconds allowed for one exchange."),
    "--connect-timeout": ("connect", "Seconds allowed to connect."),
    "--first-byte-timeout": ("first_byte", "Seconds allowed until the first byte of a reply."),
    "--idle-timeout": ("idle", "Seconds allowed between two reads of a reply."),
    "--max-body": ("body", "Bytes allowed in a body."),
    "--max-event": ("event", "Bytes allowed in one event."),
    "--max-depth": ("json_depth", "Levels of JSON nesting allowed."),
}
SECONDS = Number(0, min_open=True)


def _bound(name: str, text: str) -> dict[str, Any]:
    default = getattr(Bounds(), name)
    kind = SECONDS if isinstance(default, float) else Whole(1)
    return {"type": kind, "metavar": text.partition(" ")[0].upper(), "default": default, "help": text}


TARGET_OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "--model": (
        "models",
        {"multiple": True, "metavar": "M", "help": "Model to request; SECTION=M sets it for one section."},
    ),
    "--header": (
        "headers",
        {
            "multiple": True,
            "metavar": "N:V",
            "shell_complete": completion.HEADER,
            "help": "Send a header with every request.",
        },
    ),
    "--query": ("query", {"multiple": True, "metavar": "K=V", "help": "Send a query parameter with every request."}),
    "--key-env": (
        "key_env",
        {"default": DEFAULT_KEY, "metavar": "NAME", "help": "Environment variable that holds the API key."},
    ),
    "--ca-file": (
        "ca_file",
        {"type": click.Path(), "metavar": "FILE", "help": "Also trust the PEM certificates in this file."},
    ),
    **{flag: (name, _bound(name, text)) for flag, (name, text) in BOUNDS.items()},
    "--run-timeout": (
        "run_timeout",
        {"type": SECONDS, "metavar": "SECONDS", "default": 900.0, "help": "Seconds allowed for the whole run."},
    ),
}
"""The options of commands that send requests to a target: flag, parameter, and attributes for click."""


def target_options(
    *leave_out: str, only_with: str = "", bounds: Bounds | None = None
) -> Callable[[Function], Function]:
    """Add TARGET_OPTIONS to a command; `only_with` is the option without which they have no effect.

    `bounds` holds other defaults of the limits.
    """

    def add(function: Function) -> Function:
        for flag, (name, attributes) in reversed(TARGET_OPTIONS.items()):
            if flag not in leave_out:
                text = attributes["help"]
                text = f"With {only_with}: {text[0].lower()}{text[1:]}" if only_with else text
                other = {"default": getattr(bounds, name)} if bounds and flag in BOUNDS else {}
                function = click.option(flag, name, **{**attributes, **other, "help": text})(function)
        return function

    return add


def parse_pairs(values: Iterable[str], mark: str, option: str) -> tuple[tuple[str, str], ...]:
    """Parse texts like `NAME:VALUE` as (name, value). Raises UsageError."""
    found = []
    for value in values:
        name, found_mark, rest = value.partition(mark)
        if not name.strip() or not found_mark:
            begin = excerpt(name.split(maxsplit=1)[0], 20) if name.strip() else ""  # the rest may be a secret
            raise UsageError(f"{option} takes NAME{mark}VALUE, not {begin!r}…")
        found.append((name.strip(), rest.strip()))
    return tuple(found)


target_argument = click.argument("target", metavar="URL", required=False)
config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    callback=read_config,
    is_eager=True,
    expose_value=False,
    help="Read options from this TOML file; its keys are option names.",
)


def run_options(function: Function) -> Function:
    """Add the argument URL and every option that configures a run."""
    for option in reversed(RUN_OPTIONS):
        function = option(function)
    return function


RUN_OPTIONS = (
    target_argument,
    config_option,
    click.option(
        "--select",
        "prefixes",
        multiple=True,
        metavar="PREFIX",
        shell_complete=completion.CASE_OR_SECTION,
        help="Run only the cases or sections with this prefix.",
    ),
    target_options(),
    click.option("--concurrency", type=Whole(1, 64), metavar="N", default=4, help="Cases to run at the same time."),
    click.option("--max-requests", type=Whole(1), metavar="N", default=1000, help="Send at most this many requests."),
)


def build_options(given: Mapping[str, Any], otherwise: Iterable[str] = ()) -> Options:
    """The options of a run from those of the command line; `otherwise` is the default of --select.

    Raises click.UsageError without a URL, UsageError for a value that cannot be used.
    """
    if not given["target"]:
        command = f"contract {click.get_current_context().info_name}"
        raise click.UsageError(f"give the URL of the target, for example: {command} http://localhost:1337/v1")
    key = os.environ.get(given["key_env"], "").strip()
    if not key and given["key_env"] != DEFAULT_KEY:
        raise UsageError(f"--key-env: the variable {given['key_env']} is not set or is empty")
    if given["ca_file"] and not os.access(given["ca_file"], os.R_OK):
        raise UsageError(f"--ca-file {given['ca_file']}: there is no such file, or it is not readable")
    model, models = parse_models(given["models"])
    return Options(
        target=given["target"],
        model=model,
        models=models,
        select=given.get("prefixes") or tuple(otherwise),
        headers=parse_pairs(given["headers"], ":", "--header"),
        query=parse_pairs(given["query"], "=", "--query"),
        api_key=key or None,
        bounds=Bounds(**{name: given[name] for name, _ in BOUNDS.values()}),
        ca_file=given["ca_file"],
        concurrency=given.get("concurrency", Options.concurrency),
        max_requests=given.get("max_requests", Options.max_requests),
        run_seconds=given.get("run_timeout", Options.run_seconds),
        more_words=tuple(_changed(given)),
    )


def _changed(given: Mapping[str, Any]) -> Iterator[str]:
    """Own modules, and options not at their default that say where the key is, or how long and large a reply may be."""
    own = click.get_current_context().params
    for flag, name in (("--rules", "own_rules"), ("--cases", "own_cases")):
        for module in own.get(name, ()):
            yield from (flag, module)
    for flag in ("--key-env", *BOUNDS):
        name, attributes = TARGET_OPTIONS[flag]
        if given[name] != attributes["default"]:
            yield from (flag, f"{given[name]:g}" if isinstance(given[name], float) else str(given[name]))


def parse_models(given: Iterable[str]) -> tuple[str | None, dict[str, str]]:
    """Parse `M` and `SECTION=M`: the model for all cases, and the models by section. Raises UsageError."""
    default, by_section = None, {}
    for text in given:
        section, mark, model = text.partition("=") if "=" in text else ("", "", text)
        if not model.strip():
            raise UsageError(f"--model takes MODEL or SECTION=MODEL, not {text!r}")
        if mark:
            check_section(section, "--model")
            by_section[section] = model.strip()
        else:
            default = model.strip()
    return default, by_section


def check_section(name: str, option: str) -> None:
    """Raise UsageError if no case id is or begins with this section."""
    sections = {case_id[:end] for case_id in CASES for end in _ends(case_id)}
    if name not in sections:
        hint = did_you_mean(name, sections, "`contract run --list` shows them")
        raise UsageError(f"{option}: there is no case or section {name!r}; {hint}")


def check_required(sections: Iterable[str], options: Options) -> tuple[str, ...]:
    """The required sections, each once. Raises UsageError for one that is unknown or not part of the run."""
    selected = [case.id for case in choose_cases(options)]
    for section in sections:
        check_section(section, "--require")
        if not any(below(case_id, section) for case_id in selected):
            raise UsageError(
                f"--require: the run has no case of {section!r}; check --select and the profile's `select`"
            )
    return tuple(dict.fromkeys(sections))


def _ends(case_id: str) -> list[int]:
    return [place for place, char in enumerate(f"{case_id}.") if char == "."]
