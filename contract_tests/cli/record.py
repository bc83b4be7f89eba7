"""`contract record`: saves the exchanges of a client, main() or a case with a target as fixtures."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from contract_tests import client
from contract_tests.cli import completion
from contract_tests.cli.options import BOUNDS, build_options, target_options
from contract_tests.cli.recording import RecordingLog, base_environment, find_broken_rules, save_case
from contract_tests.cli.shared_options import console, keep_options
from contract_tests.report.findings import count as count_of
from contract_tests.report.terminal import Terminal
from contract_tests.run.outcome import CaseResult
from contract_tests.run.run import Options, UsageError, run
from fake_server import ending
from fake_server.command_line import Number, Whole, not_listening, refuse
from fake_server.relay import latency
from fake_server.relay.recorder import PATIENT, Recorder
from fake_server.replay.known import KnownReplies
from fake_server.wire.bounds import Bounds

PORT = 1338
GRACE = 3.0
"""Seconds that a command has to end in when it is asked to."""
ROUNDS = 300
"""Round trips to measure the added latency with, which takes a tenth of a second."""


@click.command("record")
@click.option("--target", required=True, metavar="URL", help="Server to record, such as http://localhost:1337/v1.")
@click.option("--out", "folder", required=True, metavar="DIR", type=click.Path(path_type=Path), help="Fixture folder.")
@click.option(
    "--run",
    "runs",
    multiple=True,
    metavar="CASE",
    shell_complete=completion.CASE_OR_MAIN,
    help="Record this case or section, or `main`, then exit.",
)
@click.option("--port", default=PORT, type=Whole(0, 65535), help="Port to listen on; 0 picks a free one.")
@click.option("--allow-host", "allow_hosts", multiple=True, metavar="NAME", help="Answer to this name of a host too.")
@click.option(
    "--allow-origin",
    "allow_origins",
    multiple=True,
    metavar="ORIGIN",
    help="Let web pages of this origin ask; * of any.",
)
@click.option("--count", type=Whole(1), metavar="N", help="Exit after N recordings.")
@click.option("--replay", is_flag=True, help="Answer what recordings in DIR answer; forward and record only the rest.")
@click.option("--ignore", multiple=True, metavar="PART", help="For --replay: what does not count, as in fake-server.")
@click.option("--speed", default=1.0, type=Number(0), help="For --replay: divide recorded pauses; 0 skips them.")
@click.option("--unused", is_flag=True, help="For --replay: list the recordings that answered nothing.")
@click.option("--model", metavar="M", help="Model that --run requests.")
@target_options("--model", "--run-timeout", bounds=PATIENT)
@keep_options
@click.argument("command", nargs=-1, metavar="[-- COMMAND…]", type=click.UNPROCESSED)
def record_command(
    folder: Path,
    runs: tuple[str, ...],
    port: int,
    allow_hosts: tuple[str, ...],
    allow_origins: tuple[str, ...],
    count: int | None,
    replay: bool,
    ignore: tuple[str, ...],
    speed: float,
    unused: bool,
    command: tuple[str, ...],
    keep: tuple[str, ...],
    keep_names: tuple[str, ...],
    **given: Any,
) -> int:
    """Record the traffic between a client and a server.

    Keeps every byte and redacts secrets. Listens for any client until Ctrl-C; or runs COMMAND with
    OPENAI_BASE_URL set to the recorder, and exits when it does. The request header `x-contract-case` names
    the fixture of a request. What --header and --query add may be a key, so the printed base URL then holds a token,
    and requests without it are refused; so are pages of origins not named by --allow-origin, where there is no token.
    Limits of time and size end what is kept, never what is passed on; cases of
    --run have the limits of `contract run`.
    """
    if runs and command:
        raise click.UsageError("--run records by itself and exits; omit the command")
    if runs:
        refuse(
            ("port", "allow_hosts", "allow_origins", "count", "replay"), "--run records by itself and exits; omit {}"
        )
    else:
        refuse(("model",), "{} is the model that --run requests; add --run or omit it")
    if command:
        refuse(("port", "count"), "{} is for clients that connect by themselves, not for a command; omit it")
    if not replay:
        refuse(("ignore", "speed", "unused"), "{0} is for --replay; add it or omit {0}")
    options = build_options({**given, "models": () if given["model"] is None else (given["model"],)})
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {folder}: the folder cannot be created: {error.strerror}") from error
    log = RecordingLog(Terminal(console(), options.secrets), folder, {"keep": keep, "keep_names": keep_names})
    if set(keep) & set(options.secrets):
        log.terminal.print("--keep names the API key, which is redacted all the same", "yellow")
    if replay:
        try:
            log.known = KnownReplies(folder, ignore=ignore, speed=speed, on_answer=log.print_answer)
        except ValueError as error:
            raise UsageError(str(error)) from error
    cases = tuple(case for case in runs if case != "main")
    code = 0
    if cases:
        ending.run_loop(_record_cases(replace(options, bounds=_case_bounds(options.bounds)), cases, log))
    if not cases or "main" in runs:
        try:
            allowed = {"allow_hosts": allow_hosts, "allow_origins": allow_origins}
            code = ending.run_loop(_record_clients(options, log, port, count, command, allowed, main="main" in runs))
        except KeyboardInterrupt:
            if runs or command:
                raise
    return log.close(list_unused=unused) or code


def _case_bounds(bounds: Bounds) -> Bounds:
    """The limits given on the command line, and those of `contract run` in place of the others."""
    source, usual = click.get_current_context().get_parameter_source, Bounds()
    names = [name for name, _ in BOUNDS.values() if source(name) is ParameterSource.DEFAULT]
    return replace(bounds, **{name: getattr(usual, name) for name in names})


async def _record_cases(options: Options, cases: Sequence[str], log: RecordingLog) -> None:
    """Run the cases and save each of their exchanges."""

    def ended(result: CaseResult) -> None:
        if result.reason:
            log.terminal.print(f"{result.outcome.value:9} {result.case_id}: {result.reason}")
        for exchange, outcome in save_case(result, log.folder, options, log.kept):
            log.print_outcome(exchange, outcome)

    await run(replace(options, select=tuple(cases), concurrency=1, keep_raw=True), ended)


async def _record_clients(
    options: Options,
    log: RecordingLog,
    port: int,
    count: int | None,
    command: Sequence[str],
    allowed: Mapping[str, Any],
    main: bool,
) -> int:
    """Record any client, main() or a command; returns the exit code of the latter two."""
    added = await latency.measure_added_latency(ROUNDS)
    known = log.known
    try:
        recorder = Recorder(
            options.target,
            log.folder,
            secrets=options.distinct_secrets,
            **log.kept,
            label="main" if main else "",
            breaks=find_broken_rules,
            on_saved=log.print_outcome,
            bounds=options.bounds,
            ca_file=options.ca_file,
            extra_headers=options.headers,
            extra_query=options.query,
            answer=known and known.answer,
            reserved=known.answering if known else (),
            port=0 if main or command else port,
            **allowed,
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    try:
        async with recorder:
            end = "main() exits" if main else "the command exits" if command else "Ctrl-C"
            target, terminal = options.target.partition("?")[0], log.terminal
            rest = f" unless {count_of(len(known.answering), 'recording')} can answer" if known else ""
            terminal.print(f"recording {recorder.base_url}, which forwards to {target}{rest}, until {end}")
            log.terminal.print(
                f"          into {log.folder}; adds {added * 1e6:.0f} µs to each write (median, loopback)"
            )
            if main:
                model = ["--model", options.model] if options.model else []
                return await _main(["--base-url", recorder.base_url, *model], options.secrets)
            if command:
                return await _command(command, recorder.base_url)
            await log.enough(count)
            await recorder.wait_until_passed_on()
            return 0
    except OSError as error:
        raise UsageError(not_listening("127.0.0.1", port, error)) from error


async def _main(argv: list[str], secrets: Sequence[str]) -> int:
    """Run main() on a thread; once it is interrupted, what it meets when the recorder closes is no news."""
    stderr: Any = ending.Output(sys.stderr)

    def run_main() -> int:
        with contextlib.redirect_stderr(stderr):
            return client.main(argv, secrets)

    try:
        return await asyncio.to_thread(run_main)
    except asyncio.CancelledError:
        stderr.mute()
        raise


async def _command(command: Sequence[str], base_url: str) -> int:
    """Run a command that finds the recorder in its environment; returns its exit code."""
    # On a terminal the command stays in our group, which Ctrl-C reaches and which alone may read the terminal.
    own_group = os.name != "nt" and not os.isatty(0)
    try:
        process = subprocess.Popen(  # noqa: ASYNC220, S603 - it returns at once, and runs what the user says
            command, env=base_environment(base_url, os.environ), process_group=0 if own_group else None
        )
    except OSError as error:
        raise UsageError(f"the command {command[0]!r} cannot be run: {error.strerror}") from error
    try:
        return await asyncio.to_thread(process.wait)
    finally:
        if process.poll() is None:
            with ending.held():  # a second Ctrl-C must not leave it behind
                _end(process, own_group)


def _end(process: subprocess.Popen[bytes], group: bool) -> None:
    """End a command and, in a group of its own, what it has started: first as a request, after GRACE by force."""
    send = partial(os.killpg, process.pid) if group else process.send_signal
    force = getattr(signal, "SIGKILL", signal.SIGTERM)
    for number in (signal.SIGTERM, force):
        with contextlib.suppress(ProcessLookupError):
            send(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
            break
    if group:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            send(force)
