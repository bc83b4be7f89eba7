"""Install and start one server by its script."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from contract_tests.lab.interop.catalogue import KEY, Server
from contract_tests.lab.tools import environments, processes
from contract_tests.lab.tools.processes import Running, child_environment, free_port


@dataclass(frozen=True)
class RunningServer:
    """A server that answers at `base_url` (with `/v1`), and its processes."""

    base_url: str
    running: Running


def install(server: Server) -> Path:
    """The server's environment, built where it is absent or its pins have changed. Raises NotInstalled."""
    if not server.requirements:
        lock = server.script.with_suffix("")
        return environments.locked_node_environment(server.name, lock, server.install_seconds)
    python = environments.python_environment(server.name, server.requirements, server.pins, server.install_seconds)
    return python.parents[1]


@contextmanager
def serving(server: Server, environment: Path, upstream: str) -> Iterator[RunningServer]:
    """The server with `upstream` (a base URL with `/v1`) behind it; stopped on leaving, come what may.

    Raises ProcessFailed where it is not ready within its limit.
    """
    folder, port = server.work_folder, free_port()
    home, log = folder / "home", folder / "script.log"
    home.mkdir(parents=True, exist_ok=True)
    with processes.running(
        ["bash", server.script, environment, folder, str(port), upstream],
        ready=lambda: "READY\n" in log.read_text("utf-8", "replace"),
        env=child_environment(home, PYTHON=sys.executable, SERVER_KEY=KEY),
        log=log,
        seconds=server.start_seconds,
    ) as running:
        yield RunningServer(f"http://127.0.0.1:{port}/v1", running)
