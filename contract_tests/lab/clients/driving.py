"""Real clients, each a process that is written a question and answers with what came of it."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from contract_tests.lab.suites import langchain
from contract_tests.lab.suites.__main__ import OPENAI_NODE, node_command
from contract_tests.lab.suites.codex import CODEX, codex_command, reaching_nothing_else
from contract_tests.lab.tools import sdks
from contract_tests.lab.tools.environments import NotInstalled, node_environment, python_environment
from contract_tests.lab.tools.processes import LineProcess, child_environment

SECONDS = 3.0
"""How long one fixture may take."""
FIRST_SECONDS = 20.0
"""How long the first of a process may take, which loads the types of what it reads: a second of work, or more."""
START_SECONDS = 60.0
HANGS: Mapping[str, Any] = {"hangs": True}
AI_SDK = ("ai@7.0.173", "@ai-sdk/openai@4.0.118", "zod@4.6.7")
OPENAI_AGENTS = ("openai-agents==0.24.0", "openai==3.57.0")
_DRIVERS = Path(__file__).parent / "drivers"


@dataclass(frozen=True)
class Client:
    """A client by its name in the table; `install` gives its command and version, raises NotInstalled.

    Its process sees `variables` beside those of every child.
    """

    name: str
    install: Callable[[], tuple[list[str], str]]
    variables: Mapping[str, str] = field(default_factory=dict)


def _sdk(generation: str) -> Callable[[], tuple[list[str], str]]:
    script = "openai_python_0.py" if generation.startswith("0") else "openai_python.py"

    def install() -> tuple[list[str], str]:
        return [str(sdks.python_for(generation)), str(_DRIVERS / script)], sdks.version_of(generation)

    return install


def _node() -> tuple[list[str], str]:
    node_command("node_responses.mjs", _DRIVERS / "node_responses.mjs")
    return node_command("driver.mjs", _DRIVERS / "openai_node.mjs"), OPENAI_NODE


def _helper(install: Callable[[], tuple[list[str], str]]) -> Callable[[], tuple[list[str], str]]:
    """The same SDK, streaming through its own helper."""

    def install_helper() -> tuple[list[str], str]:
        command, version = install()
        return [*command, "--helper"], version

    return install_helper


def _langchain() -> tuple[list[str], str]:
    version = next(pin.partition("==")[2] for pin in langchain.PINS if pin.startswith("langchain-openai=="))
    return [str(langchain.interpreter()), str(_DRIVERS / "langchain.py")], version


def _codex() -> tuple[list[str], str]:
    return [sys.executable, str(_DRIVERS / "codex.py"), *codex_command("app-server")], CODEX


def _openai_agents() -> tuple[list[str], str]:
    python = python_environment("openai-agents", OPENAI_AGENTS)
    return [str(python), str(_DRIVERS / "openai_agents.py")], OPENAI_AGENTS[0].rpartition("==")[2]


def _ai_sdk() -> tuple[list[str], str]:
    home = node_environment("ai-sdk", AI_SDK)
    shutil.copy(_DRIVERS / "ai_sdk.mjs", home)
    return ["node", str(home / "ai_sdk.mjs")], AI_SDK[0].rpartition("@")[2]


CLIENTS: Sequence[Client] = (
    *(Client(f"openai-python {version}", _sdk(version)) for version in ("0.28", "1", "2", "3")),
    Client("openai-python .stream()", _helper(_sdk("3"))),
    Client("openai-node 7", _node),
    Client("openai-node .stream()", _helper(_node)),
    Client("LangChain", _langchain),
    Client("Agents SDK", _openai_agents),
    Client("AI SDK", _ai_sdk),
    Client("Codex CLI", _codex, reaching_nothing_else()),
)
"""Every client that is measured."""


class Driver:
    """One client's process, restarted after it hangs. Raises NotInstalled where it cannot be installed."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._command, self.version = client.install()
        self._process: LineProcess | None = None
        self._home: tempfile.TemporaryDirectory[str] | None = None
        self._answered: set[tuple[str, bool]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def __call__(self, base_url: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """What came of a question: `result`, or `error` with what it `said`, or HANGS after SECONDS.

        A process's first answer to each kind of question has FIRST_SECONDS.
        """
        process = self._process or self._start()
        try:
            process.write(json.dumps({"base_url": base_url, **question}))
            known = (question["kind"], bool(question["body"].get("stream")))
            answer: Mapping[str, Any] = json.loads(process.read(SECONDS if known in self._answered else FIRST_SECONDS))
            self._answered.add(known)
        except TimeoutError:
            self._stop()
            return HANGS
        except (OSError, ValueError):
            self._stop()
            return {"error": "crash", "said": {"message": "the client's process ended"}}
        return answer

    def _start(self) -> LineProcess:
        self._home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        more = {"PYTHONIOENCODING": "utf-8", "LANGSMITH_TRACING": "false", **self.client.variables}
        environ = child_environment(Path(self._home.name), **more)
        self._process = LineProcess(self._command, env=environ)
        try:
            self._process.read(START_SECONDS)
        except TimeoutError:
            self._stop()
            raise NotInstalled(f"{self.client.name} did not start") from None
        return self._process

    def _stop(self) -> None:
        self._answered.clear()
        if self._process is not None:
            self._process.stop()
            self._process = None
        if self._home is not None:
            self._home.cleanup()
            self._home = None
