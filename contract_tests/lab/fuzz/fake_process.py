"""A fake in a process of its own, whose log, memory, tasks and connections are watched.

As a program (`python -m contract_tests.lab.fuzz.fake_process SEED PATIENCE`) it serves on a free port, prints the
port, and answers each line on stdin with a line of JSON: what it uses.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import json
import logging
import re
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract_tests.lab.tools.checkout import ROOT
from contract_tests.lab.tools.processes import LineProcess, child_environment

if TYPE_CHECKING:
    from fake_server.server.uvicorn_server import Server

PATIENCE = 0.3
"""Seconds that the server waits for a head or a body, where tests do not say."""
UNHURRIED = 30.0
"""The same where requests are large, or the machine is loaded on purpose."""
START_SECONDS = 20.0
IDLE_TASKS = 2
"""Tasks of an idle server: it serves, and waits to be stopped."""
SMALL = 16
"""The most entries of each cache in the server."""


class FakeProcess(LineProcess):
    """The process. `folder` holds its log and the files of its users."""

    def __init__(self, seed: int, folder: Path, patience: float = PATIENCE) -> None:
        self.folder, self._seed, self._log, self._read_bytes = folder, seed, folder / "fake.log", 0
        command = [sys.executable, "-m", __name__, str(seed), str(patience)]
        super().__init__(command, env=child_environment(PYTHONPATH=str(ROOT)), log=self._log)
        try:
            self.port = int(self.read(START_SECONDS))
        except (TimeoutError, ValueError):
            self.stop()
            raise RuntimeError(f"the fake did not start: {self._log.read_text()[-500:]}") from None

    @functools.cached_property
    def idle(self) -> FakeProcess:
        """Another fake, which nobody loads: it shows how busy the machine is."""
        folder = self.folder / "idle"
        folder.mkdir(exist_ok=True)
        return FakeProcess(self._seed, folder, UNHURRIED)

    def stop(self) -> None:
        """Kill it, and the idle one if there is one."""
        if "idle" in self.__dict__:
            self.idle.stop()
        super().stop()

    def usage(self) -> dict[str, int]:
        """`{rss, blocks, tasks, connections}` once open requests have ended; rss in bytes, 0 if unknown."""
        self.write("")
        usage: dict[str, int] = json.loads(self.read(START_SECONDS))
        return usage

    def peak_rss(self) -> int:
        """The most bytes of memory that were resident at once; 0 if unknown."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text()
        except OSError:
            return 0
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def errors_logged(self) -> str:
        """The log since the last call, from its first error on; '' without one."""
        if self._log.stat().st_size == self._read_bytes:
            return ""
        with self._log.open(errors="replace") as log:
            log.seek(self._read_bytes)
            text = log.read()
            self._read_bytes = log.tell()
        error = re.search("ERROR|Traceback", text)
        return text[error.start() :] if error else ""


def _serve(seed: int, patience: float) -> None:
    _small_caches()
    from fake_server.server import http_protocol, uvicorn_server
    from fake_server.server.settings import Settings

    logging.basicConfig(level="WARNING", format="%(levelname)s %(name)s: %(message)s")
    http_protocol.HEAD_SECONDS = patience
    server = uvicorn_server.uvicorn_server(Settings(seed=seed, body_timeout=patience))
    server.config.timeout_keep_alive = 1
    listener = uvicorn_server.listen("127.0.0.1", 0)
    print(listener.getsockname()[1], flush=True)

    def report() -> None:
        server.ready.wait()
        for _ in sys.stdin:
            print(json.dumps(_measure_usage(server)), flush=True)
        server.stop()

    threading.Thread(target=report, daemon=True).start()
    uvicorn_server.serve_on(server, listener)


def _small_caches() -> None:
    """Make bounded caches fill up soon, so that what still grows has no bound."""
    whole: Any = functools.lru_cache

    def small(maxsize: Any = SMALL, typed: bool = False) -> Any:
        if callable(maxsize):
            return whole(SMALL)(maxsize)
        return whole(maxsize if maxsize is None else min(maxsize, SMALL), typed)

    functools.lru_cache = small


def _measure_usage(server: Server) -> dict[str, int]:
    loop, state = server._loop, server.server_state
    assert loop
    deadline = time.monotonic() + 5
    while True:  # a connection whose client has left may still wait to be accepted
        tasks = asyncio.run_coroutine_threadsafe(_tasks(), loop).result(5)
        if not (state.connections or state.tasks or tasks > IDLE_TASKS) or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    re.purge()
    gc.collect()
    return {
        "rss": _rss(),
        "blocks": sys.getallocatedblocks(),
        "tasks": tasks,
        "connections": len(state.connections),
    }


async def _tasks() -> int:
    return len(asyncio.all_tasks()) - 1


def _rss() -> int:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


if __name__ == "__main__":
    _serve(int(sys.argv[1]), float(sys.argv[2]))
