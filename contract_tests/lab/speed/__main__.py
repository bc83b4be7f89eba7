"""`python -m contract_tests.lab.speed`: measure, and print the tables."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import click
import httpx2
from rich.console import Console

from contract_tests.lab.speed import load, paced
from contract_tests.lab.speed.servers import ANSWER, QUESTION, STREAM_TEXT, Server, aimock, llmock, servers
from contract_tests.lab.speed.table import Life, Results, aims, aims_table, rates_table
from contract_tests.lab.tools import processes
from contract_tests.lab.tools.environments import NotInstalled
from contract_tests.lab.tools.processes import Running, free_port
from fake_server import FakeServer

LOAD_CORE, SERVER_CORE = 1, 0


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--rounds", default=5, type=click.IntRange(1), help="Rounds in which all servers take turns.")
@click.option("--seconds", default=2, type=click.IntRange(1), help="Seconds of load for each server in each round.")
@click.option("--quick", is_flag=True, help="Run one short round, without the open streams.")
@click.option(
    "--json",
    "as_json",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the numbers to this file.",
)
def main(rounds: int, seconds: int, quick: bool, as_json: Path | None) -> None:
    """Compare the speed of the fake with that of the bare server and of other fakes."""
    if missing := load.missing_programs():
        names = " and ".join(missing)
        raise click.ClickException(f"{names} not found: install wrk (Debian: apt install wrk)")
    console = Console(width=None if sys.stdout.isatty() else 140)
    with processes.ending_on_sigterm(), tempfile.TemporaryDirectory() as name:
        if quick:
            rounds = seconds = 1
        results = _measure(Path(name), rounds, seconds, open_streams=not quick)
    console.print(rates_table(results))
    console.print()
    console.print(aims_table(results))
    starts = f"Python alone starts in {results.python:.2f} s"
    console.print(f"\n{starts}; importing the server takes {results.imports:.2f} s more")
    for server, reason in results.left_out.items():
        console.print(f"left out  {server}: {reason}")
    if as_json is not None:
        reached = [asdict(aim) for aim in aims(results)]
        as_json.write_text(json.dumps({**asdict(results), "aims": reached}, indent=2) + "\n")


def _measure(folder: Path, rounds: int, seconds: int, *, open_streams: bool) -> Results:
    body, events = _replies(folder)
    compared, left_out = servers(folder, body, events), {}
    for make, name in ((aimock, "aimock"), (llmock, "LLMock")):
        try:
            compared += [make(folder, streams=streams) for streams in (False, True)]
        except NotInstalled as error:
            left_out[name] = str(error)
    rates, cpu, lives = _put_under_load(folder, compared, rounds, seconds)
    python = _seconds_of("pass")
    return Results(
        rates,
        cpu,
        lives,
        python,
        _seconds_of("import fake_server.server.uvicorn_server") - python,
        asyncio.run(_measure_pace(folder)) if open_streams else None,
        left_out,
    )


def _replies(folder: Path) -> tuple[Path, Path]:
    """The bytes of the fake's own replies, for the servers that send fixed bytes."""
    script = [
        {"name": "stream", "when": {"stream": True}, "reply": {"text": STREAM_TEXT}},
        {"name": "dict", "reply": {"text": ANSWER}},
    ]
    with FakeServer(script, plain=True) as fake, httpx2.Client() as client:
        for name, stream in (("body", False), ("events", True)):
            reply = client.post(f"{fake.base_url}/chat/completions", json=_chat_request(stream))
            (folder / name).write_bytes(reply.content)
    return folder / "body", folder / "events"


def _chat_request(stream: bool) -> dict[str, object]:
    messages = [{"role": "user", "content": QUESTION}]
    return {"model": "gpt-4o", "messages": messages, **({"stream": True} if stream else {})}


def _put_under_load(
    folder: Path, compared: list[Server], rounds: int, seconds: int
) -> tuple[dict[str, list[float]], dict[str, list[float]], dict[str, Life]]:
    scripts = {
        stream: load.wrk_script(folder / f"{stream}.lua", json.dumps(_chat_request(stream))) for stream in (False, True)
    }
    rates: dict[str, list[float]] = {server.name: [] for server in compared}
    cpu: dict[str, list[float]] = {server.name: [] for server in compared}
    with ExitStack() as stack:
        ports: dict[str, int] = {}
        up: dict[str, Running] = {}
        for server in compared:
            port = ports[server.name] = free_port()
            log = folder / f"{port}.log"
            up[server.name] = stack.enter_context(load.serving(server.command(port), port, SERVER_CORE, log))
        for _ in range(rounds):
            for server in compared:
                running = up[server.name]
                before = running.cpu_seconds
                port, script = ports[server.name], scripts[server.streams]
                rate = load.requests_per_second(port, script, LOAD_CORE, seconds)
                rates[server.name].append(rate)
                cpu[server.name].append((running.cpu_seconds - before) * 1e6 / (rate * seconds))
        lives = {name: Life(running.seconds, running.memory / 2**20) for name, running in up.items()}
    return rates, cpu, lives


async def _measure_pace(folder: Path) -> paced.Pace:
    """Many open streams on a server of their own."""
    paced.raise_limit(paced.STREAMS * 2 + 200)
    text = " ".join(["word"] * paced.EVENTS)
    script = [{"name": "paced", "reply": {"text": text, "timing": {"first": 5.0, "rate": paced.RATE}}}]
    (folder / "paced.yaml").write_text(json.dumps(script))
    port = free_port()
    command = [sys.executable, "-m", "fake_server", "--plain", "--scripts", str(folder / "paced.yaml")]
    command += ["--port", str(port)]
    with load.serving(command, port, SERVER_CORE, folder / "paced.log"):
        return await paced.measure(port)


def _seconds_of(code: str) -> float:
    """The fastest of three runs of Python with this code."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        processes.output([sys.executable, "-c", code], env=processes.child_environment(), seconds=60)
        times.append(time.perf_counter() - began)
    return min(times)


if __name__ == "__main__":
    main()
