"""The servers that are compared, each as the command that starts it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from contract_tests.lab.fidelity.tools import aimock_command
from contract_tests.lab.tools.environments import python_environment

LLMOCK = "0.2.2"
QUESTION = "hello"
ANSWER = "Hello! How can I help you today?"
EVENTS = 64
STREAM_TEXT = " ".join(["word"] * EVENTS)
Command = Callable[[int], Sequence[str]]


@dataclass(frozen=True)
class Server:
    """A server under load. `command` takes a port; `streams` says whether streams are requested."""

    name: str
    command: Command
    streams: bool = False


def servers(folder: Path, body: Path, events: Path) -> list[Server]:
    """The servers of the kit and the bare ones; their files are written to `folder`."""
    single, thousand, stream = _write_scripts(folder)
    return [
        Server("bare uvicorn", _bare("dict", body)),
        Server("bare uvicorn, httptools", _bare("dict", body, "httptools")),
        Server("plain FastAPI", _bare("fastapi", body)),
        Server("fake", _fake(single)),
        Server("fake, 1,000 scripts", _fake(thousand)),
        Server("bare uvicorn, event by event", _bare("events", events), streams=True),
        Server("bare uvicorn, one write", _bare("together", events), streams=True),
        Server("fake, stream", _fake(stream), streams=True),
    ]


def aimock(folder: Path, *, streams: bool) -> Server:
    """aimock with the same reply. Raises NotInstalled."""
    script = aimock_command()
    text = STREAM_TEXT if streams else ANSWER
    path = folder / f"aimock-{streams}.json"
    rule = {"match": {"userMessage": QUESTION}, "response": {"content": text}}
    path.write_text(json.dumps({"fixtures": [rule]}))
    size = ["--chunk-size", "5"]
    options = ["--fixtures", str(path), "--log-level", "silent", *size]
    name = "aimock, stream" if streams else "aimock"
    return Server(name, lambda port: [*script, *options, "--port", str(port)], streams)


def llmock(folder: Path, *, streams: bool) -> Server:
    """LLMock with its shortest reply, whose text cannot be chosen. Raises NotInstalled."""
    del folder  # it reads no file
    program = python_environment("llmock", (f"llmock=={LLMOCK}",)).with_name("llmock")
    options = ["serve", "--response-style", "hello", "--log-level", "error", "--port"]
    name = "LLMock, stream of its own" if streams else "LLMock"
    return Server(name, lambda port: [str(program), *options, str(port)], streams)


def _bare(kind: str, path: Path, http: str = "h11") -> Command:
    module = [sys.executable, "-m", "contract_tests.lab.speed.apps"]
    return lambda port: [*module, kind, str(port), str(path), http]


def _fake(scripts: Path) -> Command:
    command = [sys.executable, "-m", "fake_server", "--plain", "--scripts", str(scripts), "--port"]
    return lambda port: [*command, str(port)]


def _write_scripts(folder: Path) -> list[Path]:
    answer = {
        "name": "answer",
        "when": {"messages": {"last": {"contains": QUESTION}}},
        "reply": {"text": ANSWER},
    }
    mismatches = [
        {**answer, "name": f"no {n}", "when": {"messages": {"last": {"contains": f"question {n}"}}}} for n in range(999)
    ]
    files = {
        "single": [answer],
        "thousand": [*mismatches, answer],
        "stream": [{**answer, "reply": {"text": STREAM_TEXT}}],
    }
    for name, scripts in files.items():
        (folder / f"{name}.yaml").write_text(json.dumps(scripts))
    return [folder / f"{name}.yaml" for name in files]
