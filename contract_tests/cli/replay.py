"""`contract replay FIXTURE`: judges a fixture and serves its bytes as recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from contract_tests.cli.forms import Outputs
from contract_tests.cli.judge import finish_judgement
from contract_tests.cli.shared_options import console, fail_on
from contract_tests.recordings.judging import judge_files
from contract_tests.recordings.reading import read
from contract_tests.report.terminal import Terminal
from contract_tests.run.outcome import ExitCode
from fake_server import ending
from fake_server.command_line import Number, Whole, not_listening, refuse
from fake_server.connection import Connection
from fake_server.replay.playback import Playback, serve
from fake_server.wire.exchange import Exchange, in_turn


@click.command("replay")
@click.argument("path", metavar="FIXTURE", type=click.Path(path_type=Path))
@click.option("--port", default=0, type=Whole(0, 65535), help="Port to listen on; 0 picks a free one.")
@click.option("--allow-host", "allow_hosts", multiple=True, metavar="NAME", help="Answer to this name of a host too.")
@click.option("--speed", default=1.0, type=Number(0), help="Divide the recorded pauses by this; 0 skips them.")
@click.option("--once", is_flag=True, help="Exit with code 0 once every recording was served.")
@click.option("--judge-only", is_flag=True, help="Judge only; serve nothing.")
@fail_on
def replay_command(
    path: Path, port: int, allow_hosts: tuple[str, ...], speed: float, once: bool, judge_only: bool, fail_on: str
) -> int:
    """Judge FIXTURE, then serve its bytes on 127.0.0.1 until Ctrl-C."""
    if judge_only:
        refuse(
            ("port", "allow_hosts", "speed", "once"),
            "{} is for serving, and --judge-only serves nothing; omit one of them",
        )
    terminal = Terminal(console())
    code = judge_fixture(terminal, path, fail_on, show_code=not once)
    if judge_only:
        return code
    exchanges = in_turn(recording.exchange for recording in read(path))

    def ready(served: Playback) -> None:
        request = exchanges[0].request
        terminal.print(f"\nserving   {served.base_url}   {'once' if once else 'until Ctrl-C'}")
        terminal.print(f"answers   {request.method} {request.target.partition('?')[0]}, whatever the body")

    options: dict[str, Any] = {"port": port, "speed": speed, "match": "order", "allow_hosts": allow_hosts}
    try:
        if once:
            ending.run_loop(_serve_once(exchanges, ready, options))
            return ExitCode.OK
        ending.run_loop(serve(exchanges, ready=ready, **options))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.ClickException(not_listening("127.0.0.1", port, error)) from error
    except KeyboardInterrupt:
        terminal.print()
    return code


class _Once(Playback):
    """Sets `over` once every recording was played and the client of the last one has left."""

    def __init__(self, exchanges: Sequence[Exchange], options: Mapping[str, Any]) -> None:
        super().__init__(exchanges, **options)
        self.over = asyncio.Event()

    async def serve_connection(self, client: Connection) -> None:
        await super().serve_connection(client)
        if not self.unplayed:
            self.over.set()


async def _serve_once(
    exchanges: Sequence[Exchange], ready: Callable[[Playback], None], options: Mapping[str, Any]
) -> None:
    async with _Once(exchanges, options) as served:
        ready(served)
        await served.over.wait()


def judge_fixture(
    terminal: Terminal, path: Path, level: str, outputs: Outputs | None = None, *, show_code: bool = True
) -> ExitCode:
    """Print the findings in a fixture, write the forms of the report; returns the exit code."""
    summary = judge_files([path])
    terminal.print_findings(summary.findings)
    if summary.findings:
        terminal.print()
    return finish_judgement(terminal, summary, level, outputs, str(path), show_code=show_code)
