"""Other people's suites against the fake: three generations of the official SDK, and LangChain over both APIs."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract_tests.lab import suites
from contract_tests.lab.suites import langchain, openai_resources
from contract_tests.lab.tools import processes, sdks
from contract_tests.lab.tools.environments import NotInstalled
from fake_server import FakeServer

SCRIPT = Path(suites.__file__).parent / "openai_python.py"
CHECKS = 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize("generation", ["1", "2", "3"])
def test_the_official_sdk_does_all_of_it(generation: str, seed: int | None) -> None:
    try:
        python = sdks.python_for(generation)
    except NotInstalled as error:
        pytest.skip(f"openai {generation}: {error}")
    with FakeServer([], seed=seed, plain=seed is None) as fake:
        environ = processes.child_environment(FAKE_URL=fake.root)
        done = processes.run([python, SCRIPT], env=environ, seconds=100)
    lines = done.stdout.splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == [], done.stderr
    assert (done.returncode, len(lines)) == (0, 2 * CHECKS), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("seed", [None, 3])
def test_langchain_over_responses_passes_what_it_passes_over_chat(seed: int | None) -> None:
    try:
        python = langchain.interpreter()
    except NotInstalled as error:
        pytest.skip(f"LangChain: {error}")
    done = langchain.run(python, seed)
    outcomes = langchain.outcomes(done.stdout)
    passed = [test for test, outcome in outcomes.items() if outcome == "PASSED"]
    over_chat, over_responses = (
        {test.removeprefix(prefix) for test in passed if test.startswith(prefix)}
        for prefix in ("TestChat::", "TestResponses::")
    )
    assert langchain.failures(done.stdout) == [], done.stdout
    assert over_chat <= over_responses
    assert len(over_chat) > 40


def test_what_is_skipped_without_a_reason_is_a_failure() -> None:
    output = """\
PASSED test_langchain.py::TestChat::test_invoke
SKIPPED test_langchain.py::TestChat::test_stream_time - Skipped: VCR not set up.
SKIPPED test_langchain.py::TestChat::test_tool_calling - Skipped: Test requires tool calling.
FAILED test_langchain.py::TestResponses::test_stream - AssertionError: empty
"""
    assert langchain.failures(output) == ["TestChat::test_tool_calling", "TestResponses::test_stream"]
    assert langchain.remarks(output) == [
        "SKIPPED TestChat::test_stream_time: it times a replayed cassette of LangChain's own, not a server",
        "SKIPPED TestChat::test_tool_calling: Skipped: Test requires tool calling.",
        "FAILED TestResponses::test_stream: AssertionError: empty",
    ]


@pytest.mark.slow
def test_openai_python_has_its_own_tests_of_responses_pass_in_what_has_state() -> None:
    try:
        python, source = openai_resources.interpreter()
    except NotInstalled as error:
        pytest.skip(f"openai's own tests: {error}")
    outcome = openai_resources.run(python, source, None)
    assert outcome.unexplained == ()
    assert set(outcome.refused) == {entry.why for entry in openai_resources.REFUSED}
    assert outcome.passed >= 295


def test_a_test_is_excused_by_name_and_by_what_it_says() -> None:
    at = "tests/api_resources/test_responses.py::TestResponses::test_"
    refusal = "openai.BadRequestError: Error code: 400 - Missing required parameter: 'model'."
    outcome = openai_resources.read(f"""\
PASSED {at}method_delete[strict]
FAILED {at}method_create_overload_1[strict] - {refusal}
FAILED {at}method_create_overload_2[strict] - openai.NotFoundError: Error code: 404 - no
FAILED {at}method_delete[loose] - {refusal}
ERROR {at}method_cancel[loose]
""")
    assert (outcome.passed, outcome.refused.total(), len(outcome.unexplained)) == (1, 1, 3)
    assert outcome.summary == "1 of 5 passed, 1 were refused"
