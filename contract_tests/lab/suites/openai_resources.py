"""openai-python's own tests of responses and conversations, against the fake.

They were generated for a mock that knows any id and takes any value. `openai_prepared.py` makes what a test names;
what remains is refused by OpenAI as by the fake, and is listed here with the reason.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from contract_tests.lab.tools import processes, sdks
from contract_tests.lab.tools.environments import python_environment, unpacked_source
from contract_tests.lab.tools.processes import child_environment
from fake_server import FakeServer

PINS = ("pytest==9.2.0", "pytest-asyncio==1.5.0", "rich==15.0.0")
FILES = tuple(
    f"tests/api_resources/{name}"
    for name in ("test_responses.py", "responses", "test_conversations.py", "conversations")
)
SECONDS = 600
_PLUGIN = Path(__file__).with_name("openai_prepared.py")
_OUTCOME = re.compile(r"^(PASSED|SKIPPED|FAILED|ERROR) (tests/\S+)(?: - (.*))?$", re.MULTILINE)


@dataclass(frozen=True)
class Refused:
    """Tests that cannot pass: the end of their names, what the test then says (both patterns), and why."""

    tests: str
    says: str
    why: str


REFUSED = (
    Refused(
        r"Responses::test_\w+_create_overload_[12]",
        r"400 - Missing required parameter: 'model'\.",
        "they send {}, and a response has no model but that of a prompt",
    ),
    Refused(
        r"Responses::test_method_create_with_all_params_overload_[12]",
        r"400 - Invalid 'max_tool_calls': integer below minimum value\.",
        "they send max_tool_calls 0, and a conversation beside a previous response",
    ),
    Refused(
        r"Responses::test_\w+_compact",
        r'400 - One of "input" or "previous_response_id" ',
        "they send nothing that could be compacted",
    ),
    Refused(
        r"Responses::test_method_compact_with_all_params",
        r"Did not match any variants|Data returned by API invalid for expected schema",
        "the SDK's type of a compaction has no message of the user, which all six recorded by OpenAI have",
    ),
    Refused(
        r"Items::test_method_list_with_all_params",
        r"400 - Invalid 'limit': integer below minimum value\.",
        "they send limit 0",
    ),
    Refused(
        r"InputTokens::test_method_count_with_all_params",
        r"400 - Mutually exclusive parameters\.",
        "they send a conversation beside a previous response",
    ),
)


@dataclass(frozen=True)
class Outcome:
    """What a run printed: how many passed, how many were refused by the reason, and all others with what they say."""

    passed: int
    refused: Counter[str]
    unexplained: tuple[str, ...]

    @property
    def summary(self) -> str:
        """The run in one line."""
        refused = self.refused.total()
        return f"{self.passed} of {self.passed + refused + len(self.unexplained)} passed, {refused} were refused"


def interpreter() -> tuple[Path, Path]:
    """The Python that has the SDK with its tests' needs, and the folder of its source. Raises NotInstalled."""
    version = sdks.version_of("3")
    python = python_environment("openai-resources", (f"openai[aiohttp]=={version}", *PINS))
    return python, unpacked_source("openai-source", f"openai=={version}")


def run(python: Path, source: Path, seed: int | None) -> Outcome:
    """One run of the tests; seed None is the plain fake."""
    with tempfile.TemporaryDirectory() as name, FakeServer([], seed=seed, plain=seed is None) as fake:
        folder = Path(name)
        shutil.copy(_PLUGIN, folder)
        options = "-q -rA --show-capture=no --tb=line -p no:cacheprovider -o addopts= -p openai_prepared"
        environ = child_environment(folder, TEST_API_BASE_URL=fake.base_url, PYTHONPATH=name, CI="true")
        environ["PYTHONDONTWRITEBYTECODE"] = "1"
        command = [str(python), "-m", "pytest", *options.split(), *FILES]
        done = processes.run(command, env=environ, seconds=SECONDS, cwd=source)
    outcome = read(done.stdout)
    if not outcome.passed:
        raise processes.ProcessFailed(f"no test passed: {processes.last_line(done.stdout + done.stderr)}")
    return outcome


def read(output: str) -> Outcome:
    """What a run of pytest printed, with `-rA` and whole lines."""
    passed, refused, unexplained = 0, Counter[str](), []
    for outcome, test, said in _OUTCOME.findall(output):
        if outcome == "PASSED":
            passed += 1
        elif outcome == "FAILED" and (reason := _reason(test, said)):
            refused[reason] += 1
        else:
            unexplained.append(f"{outcome} {test}: {said}")
    return Outcome(passed, refused, tuple(unexplained))


def _reason(test: str, said: str) -> str:
    for entry in REFUSED:
        if re.search(rf"{entry.tests}\[\w+\]$", test) and re.search(entry.says, said):
            return entry.why
    return ""
