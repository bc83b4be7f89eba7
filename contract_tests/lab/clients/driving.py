"""Real clients, each a process that asks what it is told and says what came of it, in time."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from contract_tests.lab.suites.__main__ import LANGCHAIN, OPENAI_NODE, node_client
from contract_tests.lab.tools import sdks
from contract_tests.lab.tools.children import NotInstalled, python_with

SECONDS = 3.0
"""How long one fixture may take."""
START_SECONDS = 60.0
HANGS: Mapping[str, Any] = {"hangs": True}
_DRIVERS = Path(__file__).parent / "drivers"
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "HOME")


@dataclass(frozen=True)
class Client:
    """A client by the name it has in the table, and how it is had: a command and its version."""

    name: str
    had: Callable[[], tuple[list[str], str]]


def _sdk(generation: str) -> Callable[[], tuple[list[str], str]]:
    script = "openai_python_0.py" if generation.startswith("0") else "openai_python.py"

    def had() -> tuple[list[str], str]:
        try:
            return [str(sdks.python_for(generation)), str(_DRIVERS / script)], sdks.version_of(generation)
        except sdks.SdkUnavailable as error:
            raise NotInstalled(str(error)) from error

    return had


def _node() -> tuple[list[str], str]:
    node, checks = node_client()
    script = Path(checks).with_name("driver.mjs")
    shutil.copy(_DRIVERS / "openai_node.mjs", script)
    return [node, str(script)], OPENAI_NODE


def _langchain() -> tuple[list[str], str]:
    version = next(one.partition("==")[2] for one in LANGCHAIN if one.startswith("langchain-openai=="))
    return [str(python_with("langchain", LANGCHAIN)), str(_DRIVERS / "langchain.py")], version


CLIENTS: Sequence[Client] = (
    *(Client(f"openai-python {one}", _sdk(one)) for one in ("0.28", "1", "2", "3")),
    Client("openai-node 7", _node),
    Client("LangChain", _langchain),
)
"""Every client that is measured."""


class Driver:
    """One client's process; started anew when it hangs. Raises NotInstalled where it cannot be had."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._command, self.version = client.had()
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def __call__(self, base_url: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """What came of it: `result`, or `error` with what it `said`, or HANGS after SECONDS."""
        process = self._process or self._start()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps({"base_url": base_url, **asked}) + "\n")
            process.stdin.flush()
            answer: Mapping[str, Any] = json.loads(self._lines.get(timeout=SECONDS))
        except queue.Empty:
            self._end()
            return HANGS
        except (OSError, ValueError):
            self._end()
            return {"error": "crash", "said": {"message": "the client's process ended"}}
        return answer

    def _start(self) -> subprocess.Popen[str]:
        environ = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environ |= {"NO_PROXY": "127.0.0.1", "PYTHONIOENCODING": "utf-8", "LANGSMITH_TRACING": "false"}
        process = subprocess.Popen(  # noqa: S603 the command is this module's own
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environ,
        )
        self._process, self._lines = process, queue.Queue()
        threading.Thread(target=_read, args=(process, self._lines), daemon=True).start()
        try:
            self._lines.get(timeout=START_SECONDS)
        except queue.Empty:
            self._end()
            raise NotInstalled(f"{self.client.name} did not start") from None
        return process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def _read(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    assert process.stdout is not None
    try:
        for line in process.stdout:
            lines.put(line)
    except ValueError:  # closed meanwhile
        return
    lines.put("")
