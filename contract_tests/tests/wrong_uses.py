"""Wrong uses of the commands and what they answer, as transcripts in golden/wrong-uses.

`python -m contract_tests.tests.wrong_uses` writes the answers anew. In a line `TAKEN` is a port that is in
use, `FAKE` a fake that runs, `FOLDER` the working folder; the files are those that `files` lays.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import uvicorn

from contract_tests.cli import main as contract
from fake_server import FakeServer
from fake_server.cli import main as fake_server

FOLDER = Path(__file__).parent / "golden" / "wrong-uses"
COMMANDS: dict[str, Callable[[], Any]] = {"contract": contract, "fake-server": fake_server}
FILES: dict[str, str | bytes] = {
    "README.md": "# Notes\n",
    "empty/": "",
    "empty.jsonl": "",
    "broken.jsonl": '{"id": 1, "provider": "x"\n',
    "wrong-kind.yaml": "- name: a\n  reply: {text: b}\n",
    "no-version.yaml": "openai-contract-fixture: 9\n",
    "broken.yaml": "openai-contract-fixture: 1\nrequest: {method: GET\n",
    "clash.yaml": "- {name: a, reply: {text: b}}\n- {name: a, reply: {text: c}}\n",
    "scripts.yaml": "- {name: a, reply: {text: b}}\n",
    "not-utf8.yaml": b"- {name: \xff}\n",
    "report.json": '{"schema": 1}',
    "broken.json": "{",
    "damaged.json": '{"format": "openai-contract-report/1", "target": 7}',
    "judged.json": (
        '{"format": "openai-contract-judgement/1", "verdict": "pass", "exit_code": 0, "exchanges": 0, '
        '"endpoints": {}, "findings": [], "rules": {}, "surprises": []}'
    ),
    "unknown.toml": 'modle = "gpt-4o"\n',
    "wrong-type.toml": 'concurrency = "many"\n',
    "broken.toml": "url = \n",
    "baseline.yaml": "openai-contract-baseline: 1\ntolerate:\n- {rule: chat.nothing, reason: x}\n",
    "cookie.pem": "no certificate\n",
    "good.yaml": (
        "openai-contract-fixture: 1\ntitle: ''\nrequest: {method: GET, target: /v1/models}\n"
        "response:\n  status: 200\n  reason: OK\n  headers:\n  - [content-type, application/json]\n"
        "  - [x-request-id, req_1]\n  framing: content-length\n"
        '  body: {text: \'{"object": "list", "data": [{"id": "a", "object": "model", "created": 1700000000,'
        ' "owned_by": "b"}]}\'}\n'
    ),
    "curl.txt": "HTTP/1.1 200 OK\ncontent-type: application/json\n\n{}\n",
    "broken.har": '{"log": {}}',
}
_DATE = re.compile(r"\b20\d\d-\d\d-\d\d\b")
"""When a client was last seen or measured: the answers must not change with every new look."""


def transcripts() -> list[Path]:
    return sorted(FOLDER.glob("*.txt"))


def uses(text: str) -> list[str]:
    """The lines behind `$` of a transcript."""
    return [line[2:] for line in text.splitlines() if line.startswith("$ ")]


@contextmanager
def surroundings() -> Iterator[dict[str, str]]:
    """A folder with the files as the working folder, a taken port, a running fake; their words in a line."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name, content in FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if name.endswith("/"):
                path.mkdir()
            elif isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_text(content, encoding="utf-8")
        before = Path.cwd()
        os.chdir(folder)
        stack.callback(os.chdir, before)
        stack.enter_context(mock.patch.dict(os.environ, {"COLUMNS": "110", "NO_COLOR": "1"}))
        for name in ("OPENAI_API_KEY", "NO_SUCH_KEY"):
            os.environ.pop(name, None)
        taken = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        fake = stack.enter_context(FakeServer([], plain=True))
        # A use that has become right would serve until a signal comes.
        stack.enter_context(mock.patch.object(uvicorn.Server, "run", _serves))
        yield {"TAKEN": str(taken.getsockname()[1]), "FAKE": fake.root, "FOLDER": str(folder)}


def told(use: str, words: dict[str, str]) -> str:
    """What a use prints, both streams in one, and its exit code. Raises what no command may raise."""
    line = use
    for word, value in words.items():
        line = line.replace(word, value)
    name, *arguments = shlex.split(line)
    text, code = io.StringIO(), 0
    before = signal.getsignal(signal.SIGTERM)
    try:
        with redirect_stdout(text), redirect_stderr(text), mock.patch.object(sys, "argv", [name, *arguments]):
            COMMANDS[name]()
    except SystemExit as done:
        code = int(done.code or 0)
    finally:
        signal.signal(signal.SIGTERM, before)
    said = text.getvalue()
    for word, value in words.items():
        said = said.replace(value, word)
    said = _DATE.sub("DATE", said)
    return f"$ {use}\n{said}exit code {code}\n"


def answered(text: str) -> str:
    """The transcript with its answers given anew."""
    with surroundings() as words:
        return "\n".join(told(use, words) for use in uses(text))


def _serves(server: uvicorn.Server, sockets: Any = None) -> None:
    print("it serves: this use is not wrong")


if __name__ == "__main__":
    for one in transcripts():
        one.write_text(answered(one.read_text(encoding="utf-8")), encoding="utf-8")
