"""`contract offline`: main() and the whole suite against the kit's own fake; nothing leaves this machine."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import click

from contract_tests import client
from contract_tests.cases import CASES
from contract_tests.cli.forms import RUNS_ONLY, Outputs, form_options
from contract_tests.cli.progress import ask
from contract_tests.cli.replay import judge_fixture
from contract_tests.cli.run import print_report
from contract_tests.cli.shared_options import console, fail_on
from contract_tests.recordings.judging import judge_files
from contract_tests.report.findings import count
from contract_tests.report.terminal import Terminal
from contract_tests.run.guard import only_loopback
from contract_tests.run.outcome import ExitCode
from contract_tests.run.run import Options
from contract_tests.target.environment import clean_environment
from fake_server.command_line import AnyWhole, refuse
from fake_server.wire import fixture
from fake_server.wire.packed import unpacked

THINKING_MODEL = "gpt-5"
"""Whom the cases about reasoning ask: the usual model of the fake does not reason."""


@click.command("offline")
@click.option("--fixture", "path", type=click.Path(path_type=Path), help="Judge this recording instead.")
@click.option("--model", default=None, help="Model to request.")
@click.option("--seed", default=1, type=AnyWhole(), help="Seed for the fake's legal variations.")
@form_options()
@fail_on
def offline_command(path: Path | None, model: str | None, seed: int, outputs: Outputs, fail_on: str) -> int:
    """Run main() and every case against the kit's own fake server.

    Every exchange is judged, and so is every recorded bug. Nothing leaves this machine.
    """
    from fake_server import FakeServer  # brings the web framework: 0.4 s that other commands need not pay

    if path is not None:
        refuse(RUNS_ONLY, "{} reports cases, and --fixture has none; use --json")
        refuse(("model", "seed"), "{} is for the fake, which --fixture does not use; omit it")
    if model == "":
        raise click.UsageError("--model is empty; name a model or omit the option")
    terminal = Terminal(console())
    thinking = {} if model else {case_id: THINKING_MODEL for case_id in CASES if "reasoning" in case_id}
    with clean_environment(), only_loopback():
        if path is not None:
            return int(judge_fixture(terminal, path, fail_on, outputs))
        os.environ["OPENAI_API_KEY"] = key = f"offline-{secrets.token_hex(8)}"
        with FakeServer(seed=seed, api_key=key) as fake:
            terminal.print(f"the fake listens on {fake.base_url} (seed {seed})\n")
            _recite(terminal, fake.base_url)
            report = ask(terminal, Options(fake.base_url, model=model, models=thinking, api_key=key))
    surprises = _recorded_bugs(terminal)
    if surprises:  # the forms are to say what the exit code says
        report = replace(report, notes=(*report.notes, *(f"surprise: {text}" for text in surprises)))
    code = print_report(terminal, report, fail_on, outputs, at_best=ExitCode.FINDINGS if surprises else ExitCode.OK)
    return int(code)


def _recorded_bugs(terminal: Terminal) -> list[str]:
    """Judge every recorded bug; returns those that no longer break the rules they declare."""
    with unpacked(fixture.SHIPPED / "bugs") as folder:
        bugs = fixture.find(folder)
        summary = judge_files(bugs)
    for surprise in summary.surprises:
        terminal.print(f"surprise  {surprise}", "red")
    if bugs:
        still = len(bugs) - len(summary.surprises)
        terminal.print(f"bugs      {still} of {count(len(bugs), 'recorded bug')} break the rules they declare")
    return summary.surprises


def _raise_for(code: int, what: str) -> NoReturn:
    if code == 130:
        raise KeyboardInterrupt
    if code == 141:
        raise BrokenPipeError
    raise RuntimeError(f"{what} exited with code {code} on the fake")


def _recite(terminal: Terminal, base_url: str) -> None:
    """Run main() with streaming, printing as it goes, and without; raises RuntimeError if it fails."""
    if code := client.main(["--base-url", base_url]):
        _raise_for(code, "main()")
    stdout = io.StringIO()
    with contextlib.redirect_stdout(stdout):
        code = client.main(["--base-url", base_url, "--no-stream"])
    if code:
        _raise_for(code, "main() --no-stream")
    length = len(stdout.getvalue()) - 1
    terminal.print(
        f"\nmain() streamed this token by token; without streaming it prints the same {length} characters.\n"
    )
