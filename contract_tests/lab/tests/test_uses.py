"""TESTING.md: every file passes, every command prints what it says, the table is that of the plugin.

What needs LangChain, pydantic-ai or the Agents SDK is run by `make uses`.
"""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from contract_tests.lab.pages.testing_page import page, provided
from contract_tests.lab.suites import uses
from fake_server import FakeServer

TEXT = uses.text()
Ran = dict[uses.Command, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uses")
    uses.write(TEXT, folder)
    return folder


@pytest.fixture(scope="module")
def ran(folder: Path) -> Ran:
    """What the commands did; where the page asks a server at port 1337, the fake stands in."""
    done: Ran = {}
    with FakeServer(plain=True) as server:
        for command in uses.commands(TEXT):
            line = command.line.replace("http://127.0.0.1:1337", server.root)
            result = uses.run(shlex.split(line), folder)
            result.stdout = result.stdout.replace(server.root, "http://127.0.0.1:1337")
            done[command] = result
    return done


@pytest.mark.slow
def test_the_commands_print_what_the_page_says(ran: Ran) -> None:
    assert len(ran) == 4
    for command, done in ran.items():
        assert done.returncode == 0, done.stdout + done.stderr
        assert command.prints(done.stdout), f"{command.line} prints:\n{done.stdout}"


@pytest.mark.slow
def test_the_files_pass(folder: Path, ran: Ran) -> None:
    mine = sorted(name for name in uses.files(TEXT) if name.startswith("test_") and name not in uses.THEIRS)
    done = uses.run(["pytest", "-q", "-W", "error", *mine], folder)
    assert done.returncode == 0, done.stdout
    tests = sum(len(re.findall(r"^(?:async )?def test_", uses.files(TEXT)[name], re.MULTILINE)) for name in mine)
    assert f"{tests} passed" in done.stdout


def test_every_block_is_run() -> None:
    blocks = re.findall(r"^```\w+$", TEXT, re.MULTILINE)
    consoles = re.findall(r"^```console$", TEXT, re.MULTILINE)
    assert len(blocks) == len(uses.files(TEXT)) + len(consoles)
    assert set(uses.THEIRS) < set(uses.files(TEXT))
    for name, content in uses.files(TEXT).items():
        if name.endswith(".py"):
            ast.parse(content)


@pytest.mark.parametrize("theirs", ["weather.py", "test_openai.py", "test_responses.py", *uses.THEIRS])
def test_each_client_shows_what_is_promised(theirs: str) -> None:
    shown = uses.files(TEXT)[theirs if theirs != "weather.py" else "test_weather.py"]
    for use in ("fake_server.reply(", "fake_script(", "fake_fault(", "assert_asked("):
        assert use in shown


def test_a_command_that_prints_something_else_is_seen() -> None:
    command = uses.Command("x", "a …\n2 passed in …s\n")
    assert command.prints("a b\nc\n2 passed in 0.1s\n")
    assert not command.prints("a b\n3 passed in 0.1s\n")


def test_the_table_is_that_of_the_plugin() -> None:
    assert page(TEXT.replace("| `openai_env` |", "| `openai_emv` |")) == TEXT
    names = {name for name, _ in provided()}
    assert {"fake_server", "fake_openai", "openai_env", "replay_server", "pytest --fake-unused"} < names
    assert all(meaning for _, meaning in provided())
