"""LangChain's standard suites against the fake, for chat completions, for responses and for embeddings."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess

from contract_tests.lab.tools import processes
from contract_tests.lab.tools.environments import python_environment
from contract_tests.lab.tools.processes import child_environment
from fake_server import FakeServer

PINS = (
    "langchain-openai==1.7.3",
    "langchain-tests==1.1.9",
    "langchain-core==1.7.2",
    "openai==3.54.0",
    "pytest==9.2.0",
    "pytest-asyncio==1.5.0",
)
SECONDS = 300
SKIPPED: Mapping[str, str] = {
    "TestChat::test_audio_inputs": "gpt-4o-mini takes no audio; LangChain's own run of this suite leaves it out",
    "TestChat::test_image_tool_message": "a tool message of chat completions is text",
    "TestChat::test_pdf_tool_message": "a tool message of chat completions is text",
    "TestChat::test_stream_time": "it times a replayed cassette of LangChain's own, not a server",
    "TestResponses::test_audio_inputs": "the input of a response has no audio",
    "TestResponses::test_stream_time": "it times a replayed cassette of LangChain's own, not a server",
}
"""The tests that are skipped, and why. One that is skipped without a reason here counts as failed."""
_HERE = Path(__file__).resolve().parent
_LOOPS = ("mode=auto", "default_test_loop_scope=session", "default_fixture_loop_scope=session")
_OUTCOME = re.compile(r"^(PASSED|SKIPPED|XFAIL|FAILED|ERROR) test_langchain\.py::(\S+)(.*)", re.MULTILINE)


def interpreter() -> Path:
    """The interpreter that has LangChain and its suites. Raises NotInstalled."""
    return python_environment("langchain", PINS)


def run(python: Path, seed: int | None) -> CompletedProcess[str]:
    """One run of the suites in the environment of `python`; seed None is the plain fake."""
    with tempfile.TemporaryDirectory() as name, FakeServer([], seed=seed, plain=seed is None) as fake:
        folder = Path(name)
        shutil.copy(_HERE / "langchain_cases.py", folder / "test_langchain.py")
        shutil.copy(_HERE / "langchain_conftest.py", folder / "conftest.py")
        options = "-q -rA --no-fold-skipped --show-capture=no --tb=line -p no:cacheprovider"
        command = [str(python), "-m", "pytest", *options.split()]
        command += [option for setting in _LOOPS for option in ("-o", f"asyncio_{setting}")]
        environ = child_environment(
            folder,
            OPENAI_API_KEY="sk-fake",
            FAKE_PORT=fake.root.rpartition(":")[2],
            LANGSMITH_TRACING="false",
        )
        return processes.run([*command, "test_langchain.py"], env=environ, seconds=SECONDS, cwd=folder)


def outcomes(output: str) -> dict[str, str]:
    """What became of each test that a run prints: PASSED, SKIPPED, XFAIL, FAILED or ERROR."""
    return {test: outcome for outcome, test, _ in _OUTCOME.findall(output)}


def remarks(output: str) -> list[str]:
    """A line for each test that did not pass: its reason, or what the suite says of it."""
    return [
        f"{outcome} {test}: {SKIPPED[test] if _is_explained(test, outcome) else said.removeprefix(' - ')}"
        for outcome, test, said in _OUTCOME.findall(output)
        if outcome != "PASSED"
    ]


def failures(output: str) -> list[str]:
    """The tests that neither passed nor were skipped for a reason in SKIPPED."""
    return [
        test for test, outcome in outcomes(output).items() if outcome != "PASSED" and not _is_explained(test, outcome)
    ]


def _is_explained(test: str, outcome: str) -> bool:
    return outcome == "SKIPPED" and test in SKIPPED
