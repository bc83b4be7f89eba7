"""Shells complete rules, cases, sections, profiles, bugs and faults: asked as bash, zsh and fish ask."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from click.shell_completion import BashComplete, get_completion_class

from contract_tests.cases import CASES
from contract_tests.cli import cli as contract
from contract_tests.rules import RULES
from contract_tests.tests.shared import ROOT
from contract_tests.tolerance.file import profile_names
from fake_server.bugs.catalogue import bugs
from fake_server.cli import main as fake_server
from fake_server.faults import CATALOGUE

COMMANDS = {"contract": contract, "fake-server": fake_server}


def complete(line: str, shell: str = "bash") -> list[str]:
    """What a command answers to a shell whose cursor is at the end of the line; the type or help is left out."""
    words = line.split(" ")
    environ = {"COMP_WORDS": line, "COMP_CWORD": words[-1] if shell == "fish" else str(len(words) - 1)}
    variable = f"_{words[0].upper().replace('-', '_')}_COMPLETE"
    kind = get_completion_class(shell)
    assert kind is not None
    with mock.patch.dict(os.environ, environ):
        text = kind(COMMANDS[words[0]], {}, words[0], variable).complete()
    if shell == "zsh":
        return text.splitlines()[1::3]
    return [row.partition(",")[2].partition("\t")[0] for row in text.splitlines()]


def begun(names: object, begin: str) -> set[str]:
    assert isinstance(names, dict | list | tuple)
    return {name for name in names if name.startswith(begin)}


def test_bash_completes_rules() -> None:
    assert set(complete("contract explain chat.st")) == begun(RULES, "chat.st")


def test_zsh_completes_cases_and_sections_with_their_titles() -> None:
    found = complete("contract run http://127.0.0.1:9 --select chat.", "zsh")
    assert begun(CASES, "chat.") <= set(found)
    assert "chat.stream" in found


def test_fish_completes_profiles() -> None:
    assert complete("contract judge --profile ", "fish") == list(profile_names())


def test_the_fake_completes_bugs() -> None:
    assert set(complete("fake-server --bug vllm-")) == begun(bugs(), "vllm-")


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("contract rules to", "tools"),
        ("contract shrink a.yaml --rule usage.", "usage.adds-up"),
        ("contract judge --select to", "tools.arguments"),
        ("contract baseline http://x --select to", "tools.auto"),
        ("contract run http://x --require to", "tools"),
        ("contract record --run ma", "main"),
        ("contract diff http://x --case chat.", "chat.poem"),
        ("contract bugs ollama", next(name for name in bugs() if name.startswith("ollama"))),
        ("contract bugs --class to", "tool-calls"),
        ("contract run http://x --header x-fake-fault:cu", "x-fake-fault:cut"),
        ("contract run http://x --header x-fake-bug:ik", "x-fake-bug:ikllama-no-done"),
        ("contract run http://x --profile az", "azure"),
        ("contract schema ba", "baseline"),
        ("contract ready --for co", "codex"),
        ("contract do", "doctor"),
        ("contract sandwich --proxy http://x --select request.chat.se", "request.chat.seed.big"),
        ("contract sandwich --proxy http://x --select fl", "flow"),
    ],
)
def test_what_can_be_completed(line: str, some: str) -> None:
    assert some in complete(line)


def test_every_fault_can_be_completed() -> None:
    found = complete("contract run http://x --header x-fake-fault:")
    assert found == [f"x-fake-fault:{name}" for name in CATALOGUE]


def test_another_profile_is_a_file() -> None:
    (item,) = BashComplete(contract, {}, "contract", "_CONTRACT_COMPLETE").get_completions(["run", "--profile"], "./m")
    assert (item.type, item.value) == ("file", "./m")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_page_sets_it_up(shell: str) -> None:
    page = (ROOT / "contract_tests" / "cli" / "README.md").read_text(encoding="utf-8")
    assert f"_CONTRACT_COMPLETE={shell}_source contract" in page
    assert f"_FAKE_SERVER_COMPLETE={shell}_source fake-server" in page


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("command", "line", "known"),
    [("contract", "explain usage.adds", RULES), ("fake-server", "--bug vllm-", bugs())],
    ids=["contract", "fake-server"],
)
def test_bash_completes_as_the_page_says(command: str, line: str, known: dict[str, object]) -> None:
    binary = Path(sys.executable).with_name(command)
    if not binary.is_file():
        pytest.skip("the command is not installed")
    name = command.replace("-", "_")
    words = line.split(" ")
    steps = (
        f'eval "$(_{name.upper()}_COMPLETE=bash_source {command})"',
        f"COMP_WORDS=({command} {line}); COMP_CWORD={len(words)}",
        f"_{name}_completion {command}",
        'printf "%s\\n" "${COMPREPLY[@]}"',
    )
    search = {**os.environ, "PATH": f"{binary.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", "\n".join(steps)], env=search, capture_output=True, text=True, check=True, timeout=120
    )
    assert sorted(done.stdout.split()) == sorted(begun(known, words[-1]))
