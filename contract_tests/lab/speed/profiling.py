"""Where the time goes, `make profile`: a request's path, a reply by layer, the start by package, judging.

No network and no load: requests are handed to the fake's protocol in this process. A profiler makes calls
dear, so shares of layers of many small calls read too high: they show where to look, not how long it takes.
"""

from __future__ import annotations

import asyncio
import cProfile
import json
import pstats
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table
from uvicorn.config import Config

from contract_tests.lab.speed.judging import STREAMS, chunks_of, long_stream
from contract_tests.lab.speed.servers import ANSWER, QUESTION, STREAM_TEXT
from contract_tests.lab.tools.checkout import ROOT
from contract_tests.rules import judge
from fake_server.scripts import book as scripts
from fake_server.server.settings import Settings
from fake_server.server.uvicorn_server import uvicorn_server
from fake_server.server.waiting import State

REQUESTS, STARTS, SHOWN, WARM, MEASURED = 2000, 3, 12, 20, 5
FAKE = str(ROOT / "fake_server")
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \| +(\S+)")


class Part(NamedTuple):
    """What a layer takes: microseconds, and calls of functions."""

    name: str
    micros: float
    calls: float


class _Nowhere(asyncio.Transport):
    """A connection whose bytes go nowhere."""

    def write(self, data: Any) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def close(self) -> None:
        pass


class RequestPath(NamedTuple):
    """What a request passes from socket to socket: files of the fake, their functions, and calls of those."""

    files: int
    functions: int
    calls: int


def reply_parts(*, stream: bool) -> tuple[float, list[Part]]:
    """Microseconds that one reply takes without the profiler, and its layers, the dearest first."""
    config = _served(stream=stream)

    def work() -> None:
        asyncio.run(_answer(config, _request(stream=stream), REQUESTS))

    work()
    return _timed(work) / REQUESTS, _parts(work, REQUESTS)


def request_path(*, stream: bool) -> RequestPath:
    """What one request passes on a warm server; each return into a generator counts as a call of it.

    The shortest of a few requests: a busy machine cuts what arrives, and then more is called.
    """
    config, request = _served(stream=stream), _request(stream=stream)
    calls: Counter[tuple[str, str]] = Counter()
    paths: list[RequestPath] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(FAKE):
            calls[code.co_filename, code.co_qualname] += 1

    async def work() -> None:
        await _answer(config, request, WARM)
        for _ in range(MEASURED):
            calls.clear()
            await _answer(config, request, 1, note)
            paths.append(RequestPath(len({path for path, _ in calls}), len(calls), calls.total()))

    asyncio.run(work())
    return min(paths, key=lambda path: path.calls)


def _served(*, stream: bool) -> Config:
    """A server whose one script answers QUESTION, with a stream of 66 events where it is asked for one."""
    reply = {"text": STREAM_TEXT if stream else ANSWER}
    when = {"messages": {"last": {"contains": QUESTION}}}
    book = scripts.parse([{"name": "answer", "when": when, "reply": reply}])
    config = uvicorn_server(Settings(book=book, plain=True)).config
    config.load()
    return config


def _request(*, stream: bool) -> bytes:
    """A request with the header fields that SDKs send."""
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": QUESTION}], "stream": stream}
    body = json.dumps(asked).encode()
    fields = {
        "Host": "localhost",
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "Connection": "keep-alive",
        "User-Agent": "x",
        "Content-Length": str(len(body)),
        "Content-Type": "application/json",
        "Authorization": "Bearer sk-x",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST /v1/chat/completions HTTP/1.1\r\n{head}\r\n".encode() + body


async def _answer(
    config: Config, request: bytes, number: int, profile: Callable[[FrameType, str, Any], None] | None = None
) -> None:
    """Hand the request to the fake's protocol so many times, on one connection."""
    protocol: Any = config.http_protocol_class
    connection = protocol(config=config, server_state=State(), app_state={})
    connection.connection_made(_Nowhere())
    if profile is not None:
        sys.setprofile(profile)
    for _ in range(number):
        connection.data_received(request)
        while not connection.cycle.response_complete:  # noqa: ASYNC110 — uvicorn tells nobody else
            await asyncio.sleep(0)
    if profile is not None:
        sys.setprofile(None)
    connection.connection_lost(None)


def judging_parts(name: str) -> tuple[float, list[Part]]:
    """Microseconds that one chunk of a stream takes to be judged, and the modules that take them."""
    exchange = long_stream(name)
    chunks = len(chunks_of(exchange))
    work: Callable[[], object] = partial(judge, exchange)
    work()
    return _timed(work) / chunks, _parts(work, chunks)


def start_parts() -> list[Part]:
    """Milliseconds that each package takes to be imported for the server, the least of several starts."""
    code = "import fake_server.cli, fake_server.server.uvicorn_server"
    least: dict[str, float] = {}
    for _ in range(STARTS):
        command = [sys.executable, "-X", "importtime", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603
        taken: Counter[str] = Counter()
        for micros, module in _IMPORT.findall(done.stderr):
            taken[_package(module)] += int(micros)
        for package, micros in taken.items():
            least[package] = min(least.get(package, micros), micros)
    return sorted((Part(name, micros, 0) for name, micros in least.items()), key=lambda part: -part.micros)


def _package(module: str) -> str:
    first = module.partition(".")[0]
    return "Python's own" if first.lstrip("_") in sys.stdlib_module_names or first == "_" else first


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1e6


def _parts(work: Callable[[], object], number: int) -> list[Part]:
    profiler = cProfile.Profile()
    profiler.runcall(work)
    seconds: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    found: dict[Any, Any] = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    for (path, _, _), (_, called, own, _, _) in found.items():
        seconds[_layer(path)] += own
        calls[_layer(path)] += called
    return [Part(name, own * 1e6 / number, calls[name] / number) for name, own in seconds.most_common()]


def _layer(path: str) -> str:
    if path.startswith(str(ROOT)) and "site-packages" not in path:
        return str(Path(path).relative_to(ROOT))
    inside = path.partition("site-packages/")[2]
    if inside:
        return inside.partition("/")[0]
    return "built in" if path.startswith("~") else Path(path).parent.name


def _table(title: str, unit: str, parts: Iterable[Part]) -> Table:
    table = Table("where", "share", unit, "calls", box=None, pad_edge=False, title=title, title_justify="left")
    shown = list(parts)
    whole = sum(part.micros for part in shown) or 1.0
    for part in shown[:SHOWN]:
        calls = f"{part.calls:.0f}" if part.calls else ""
        micros = part.micros / 1000 if unit == "ms" else part.micros
        table.add_row(part.name, f"{part.micros / whole:.0%}", f"{micros:.1f}", calls)
    rest = sum(part.micros for part in shown[SHOWN:])
    table.add_row(f"{len(shown[SHOWN:])} others", f"{rest / whole:.0%}", "", "")
    return table


def main() -> None:
    """Print the profiles."""
    console = Console()
    for stream in (False, True):
        path = request_path(stream=stream)
        kind = "a stream of 66 events" if stream else "a dict"
        console.print(
            f"{kind}, scripted, in the plain style: {path.files} files, {path.functions} functions, {path.calls} calls"
        )
    console.print()
    for stream in (False, True):
        micros, parts = reply_parts(stream=stream)
        kind = "a streamed reply" if stream else "a reply"
        console.print(_table(f"{kind}: {micros:.0f} µs without profiler and socket", "µs", parts), "")
    console.print(_table("the start: imports", "ms", start_parts()), "")
    for name in STREAMS:
        micros, parts = judging_parts(name)
        console.print(_table(f"judging {name}: {micros:.0f} µs a chunk without profiler", "µs", parts), "")


if __name__ == "__main__":
    main()
