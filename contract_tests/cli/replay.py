"""`contract replay FIXTURE`: judge a fixture and serve its bytes as they were."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from contract_tests.cli.common import console
from contract_tests.judging import judge_files
from contract_tests.outcome import ExitCode
from contract_tests.recordings import InputError
from contract_tests.report.terminal import Terminal
from contract_tests.rules.engine import Level
from fake_server import playback
from fake_server.wire import fixture


@click.command("replay")
@click.argument("path", metavar="FIXTURE", type=click.Path(path_type=Path))
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="Port; 0 takes a free one.")
@click.option("--speed", default=1.0, type=click.FloatRange(0), help="Pace of the pauses; 0 leaves them out.")
@click.option("--judge-only", is_flag=True, help="Judge and serve nothing.")
def replay_command(path: Path, port: int, speed: float, judge_only: bool) -> int:
    """Judge FIXTURE, then serve it byte for byte until Ctrl-C."""
    terminal = Terminal(console())
    code = judge_one(terminal, path)
    if judge_only:
        return int(code)
    try:
        loaded = [fixture.load(one) for one in fixture.find(path)]
    except fixture.FixtureError as error:
        raise InputError(str(error)) from error

    def ready(served: playback.Playback) -> None:
        terminal.say(f"serving {path} on {served.base_url} until Ctrl-C")

    try:
        asyncio.run(playback.serve(loaded, port=port, speed=speed, in_order=True, ready=ready))
    except OSError as error:
        raise click.ClickException(f"port {port} cannot be used: {error.strerror}") from error
    return int(code)


def judge_one(terminal: Terminal, path: Path) -> ExitCode:
    """Show what the rules say of a fixture; its exit code."""
    summary = judge_files([path])
    terminal.findings(summary.findings)
    for surprise in summary.surprises:
        terminal.say(f"surprise  {surprise}", "yellow")
    must = summary.count(Level.MUST)
    code = ExitCode.FINDINGS if must else ExitCode.OK
    word = "FAIL" if must else "PASS"
    counts = ", ".join(f"{summary.count(level)} {level}" for level in Level)
    terminal.say(f"\n{word}  {path}: findings: {counts} (exit code {int(code)})", "bold")
    return code
