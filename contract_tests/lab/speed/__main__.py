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
from contract_tests.lab.speed.servers import ASKED, SAID, WORDS, Server, aimock, llmock, servers
from contract_tests.lab.speed.table import Life, Measured, aims, aims_table, rates_table
from contract_tests.lab.tools import processes
from contract_tests.lab.tools.environments import NotInstalled
from contract_tests.lab.tools.processes import Running, free_port
from fake_server import FakeServer

LOAD_CORE, SERVER_CORE = 1, 0


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--rounds", default=5, type=click.IntRange(1), help="How often every server is asked in turn.")
@click.option("--seconds", default=2, type=click.IntRange(1), help="How long, each time.")
@click.option("--quick", is_flag=True, help="One short round, without the open streams.")
@click.option(
    "--json", "as_json", type=click.Path(dir_okay=False, path_type=Path), help="Write numbers there."
)
def main(rounds: int, seconds: int, quick: bool, as_json: Path | None) -> None:
    """Compare the fake's speed with the bare server's and with other fakes'."""
    absent = load.missing()
    if absent:
        names = " and ".join(absent)
        raise click.ClickException(f"{names} cannot be found: install them (Debian: apt install wrk)")
    console = Console(width=None if sys.stdout.isatty() else 140)
    with processes.ending_on_sigterm(), tempfile.TemporaryDirectory() as name:
        if quick:
            rounds = seconds = 1
        measured = _measure(Path(name), rounds, seconds, open_streams=not quick)
    console.print(rates_table(measured))
    console.print()
    console.print(aims_table(measured))
    starts = f"Python alone starts in {measured.python:.2f} s"
    console.print(f"\n{starts}; importing the server takes {measured.imports:.2f} s more")
    for server, why in measured.left_out.items():
        console.print(f"left out  {server}: {why}")
    if as_json is not None:
        told = [asdict(aim) for aim in aims(measured)]
        as_json.write_text(json.dumps({**asdict(measured), "aims": told}, indent=2) + "\n")


def _measure(folder: Path, rounds: int, seconds: int, *, open_streams: bool) -> Measured:
    body, events = _replies(folder)
    found, left_out = servers(folder, body, events), {}
    for make, name in ((aimock, "aimock"), (llmock, "LLMock")):
        try:
            found += [make(folder, streams=streams) for streams in (False, True)]
        except NotInstalled as error:
            left_out[name] = str(error)
    rates, cpu, lives = _loaded(folder, found, rounds, seconds)
    python = _seconds_of("pass")
    return Measured(
        rates,
        cpu,
        lives,
        python,
        _seconds_of("import fake_server.server.uvicorn_server") - python,
        asyncio.run(_paced(folder)) if open_streams else None,
        left_out,
    )


def _replies(folder: Path) -> tuple[Path, Path]:
    """The bytes of the fake's own answers, for the servers that send fixed ones."""
    script = [
        {"name": "stream", "when": {"stream": True}, "reply": {"text": WORDS}},
        {"name": "dict", "reply": {"text": SAID}},
    ]
    with FakeServer(script, plain=True) as fake, httpx2.Client() as client:
        for name, stream in (("body", False), ("events", True)):
            answer = client.post(f"{fake.base_url}/chat/completions", json=_asked(stream))
            (folder / name).write_bytes(answer.content)
    return folder / "body", folder / "events"


def _asked(stream: bool) -> dict[str, object]:
    said = [{"role": "user", "content": ASKED}]
    return {"model": "gpt-4o", "messages": said, **({"stream": True} if stream else {})}


def _loaded(
    folder: Path, found: list[Server], rounds: int, seconds: int
) -> tuple[dict[str, list[float]], dict[str, list[float]], dict[str, Life]]:
    scripts = {
        stream: load.wrk_script(folder / f"{stream}.lua", json.dumps(_asked(stream)))
        for stream in (False, True)
    }
    rates: dict[str, list[float]] = {server.name: [] for server in found}
    cpu: dict[str, list[float]] = {server.name: [] for server in found}
    with ExitStack() as stack:
        ports: dict[str, int] = {}
        up: dict[str, Running] = {}
        for server in found:
            port = ports[server.name] = free_port()
            log = folder / f"{port}.log"
            up[server.name] = stack.enter_context(load.serving(server.command(port), port, SERVER_CORE, log))
        for _ in range(rounds):
            for server in found:
                running = up[server.name]
                before = running.cpu_seconds
                port, script = ports[server.name], scripts[server.streams]
                rate = load.requests_per_second(port, script, LOAD_CORE, seconds)
                rates[server.name].append(rate)
                cpu[server.name].append((running.cpu_seconds - before) * 1e6 / (rate * seconds))
        lives = {name: Life(running.seconds, running.memory / 2**20) for name, running in up.items()}
    return rates, cpu, lives


async def _paced(folder: Path) -> paced.Pace:
    """Streams open at once on a server of their own."""
    paced.raise_limit(paced.STREAMS * 2 + 200)
    words = " ".join(["word"] * paced.EVENTS)
    script = [{"name": "paced", "reply": {"text": words, "timing": {"first": 5.0, "rate": paced.RATE}}}]
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
