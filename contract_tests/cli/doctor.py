"""`contract doctor URL`: why a target cannot be judged, step by step, each with the next thing to do."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from contract_tests.cli.failures import leave_nothing_stale
from contract_tests.cli.options import SECONDS, build_options, config_option, target_argument, target_options
from contract_tests.cli.shared_options import console, json_file, write
from contract_tests.report.files import clean_json
from contract_tests.report.terminal import Terminal
from contract_tests.run.doctor import Examination
from contract_tests.run.doctor_step import State, Step
from contract_tests.run.outcome import ExitCode
from contract_tests.run.run import UsageError
from fake_server.command_line import Number, kit_version
from fake_server.ending import run_loop
from fake_server.relay.redact import excerpts_without

FORMAT = "openai-contract-doctor/1"
VERDICTS = {
    ExitCode.OK: "WELL  a dict and a stream are answered; `contract run` judges how",
    ExitCode.FINDINGS: "AILING  only one of a dict and a stream is answered",
    ExitCode.UNREACHABLE: "NOT REACHED  neither a dict nor a stream is answered",
}
WORDS = {ExitCode.OK: "well", ExitCode.FINDINGS: "ailing", ExitCode.UNREACHABLE: "not reached"}
STYLES = {State.OK: "green", State.WARNING: "yellow", State.FAILED: "red", State.SKIPPED: "dim"}
MARKS = {State.OK: "✓", State.WARNING: "!", State.FAILED: "✗", State.SKIPPED: "-"}


@click.command("doctor")
@target_argument
@config_option
@target_options("--run-timeout")
@click.option(
    "--run-timeout", type=SECONDS, metavar="SECONDS", default=120.0, help="Seconds allowed for all steps together."
)
@click.option(
    "--wait",
    type=Number(0, 3600),
    metavar="SECONDS",
    default=0.0,
    help="First wait so long at most for a target that is starting.",
)
@json_file
@leave_nothing_stale("json_file")
def doctor_command(json_file: Path | None, wait: float, **given: Any) -> int:
    """Find out why the server at URL cannot be judged.

    Tries its name, the connection, TLS, the key, the list of models, one dict and one stream, in at most ten requests,
    and prints for each the time, what was seen, and what to do where it failed. Judges nothing.
    Exit codes: 0 a dict and a stream are answered; 1 only one of them is; 3 neither is.
    """
    options = replace(build_options(given), concurrency=1)
    terminal = Terminal(console(), options.secrets)
    try:
        examination = Examination(options, wait)
    except ValueError as error:
        raise UsageError(str(error)) from error
    started = datetime.now(UTC).isoformat(timespec="seconds")
    terminal.print(f"target    {examination.session.root}")
    with excerpts_without(lambda: options.secrets):
        run_loop(_examine(examination, terminal))
    code = examination.code
    failed = None
    if json_file:
        value = {
            "format": FORMAT,
            "kit": kit_version(),
            "started": started,
            "target": examination.session.base_url,
            "model": examination.session.model,
            "verdict": WORDS[code],
            "exit_code": int(code),
            "requests": examination.session.requests,
            "steps": [_as_dict(step) for step in examination.steps_done],
        }
        try:
            terminal.print(f"written   {write(json_file, clean_json(value, terminal.secrets))}")
        except click.ClickException as error:
            failed = error
    requests = examination.session.requests
    verdict = f"{VERDICTS[code]}; {requests} request{'' if requests == 1 else 's'} (exit code {int(code)})"
    terminal.print(verdict, "bold green" if code is ExitCode.OK else "bold red")
    if failed:
        raise failed
    return int(code)


async def _examine(examination: Examination, terminal: Terminal) -> None:
    async for step in examination.steps():
        terminal.print(_format(step), STYLES[step.state])
        if step.todo:
            terminal.print(f"  to do   {step.todo}")


def _format(step: Step) -> str:
    seconds = "" if step.state is State.SKIPPED else f"{step.seconds:.3f} s"
    return f"{MARKS[step.state]} {step.name:8}{step.state:8} {seconds:>9}  {step.seen}"


def _as_dict(step: Step) -> dict[str, Any]:
    return {**asdict(step), "seconds": round(step.seconds, 3)}
