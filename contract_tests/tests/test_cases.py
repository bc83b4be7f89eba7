"""The register of cases, and the cases as pytest items."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from contract_tests.cases import CASES, select
from contract_tests.run.run import Options, run
from contract_tests.tests import planted
from contract_tests.tests.small_target import SmallTarget, completed
from fake_server.testing.server import FakeServer

ROOT = Path(__file__).parents[2]


def test_ids_are_slugs_and_titles_are_unlike_each_other() -> None:
    titles = [case.title for case in CASES.values()]
    assert len(set(titles)) == len(titles)
    for case in CASES.values():
        assert re.fullmatch(r"[a-z]+(\.[a-z]+)*\.[a-z][a-z-]*", case.id)
        assert case.section
        assert case.requests > 0 <= case.tokens


def test_cases_are_chosen_by_id_and_by_section() -> None:
    assert [case.id for case in select(["chat.n", "models."])] == [
        "chat.n",
        "models.list",
        "models.retrieve",
        "models.retrieve-unknown",
    ]
    assert select([]) == list(CASES.values())
    with pytest.raises(KeyError, match=r"chat\.stre"):
        select(["chat.stre"])


def test_a_case_sends_no_more_requests_than_it_says() -> None:
    async def go() -> None:
        async with SmallTarget() as target:
            report = await run(Options(target.base_url))
        for result in report.results:
            assert len(result.exchanges) <= CASES[result.case_id].requests, result.case_id

    completed(go())


def test_every_case_of_the_fake_stays_within_its_tokens() -> None:
    with FakeServer(seed=3) as fake:
        report = completed(run(Options(fake.base_url, select=("chat", "tools", "relations"))))
    for result in report.results:
        used = 0
        for exchange in result.exchanges:
            found = re.findall(rb'"completion_tokens":\s*(\d+)', exchange.payload)
            used += int(found[-1]) if found else 0
        assert used <= CASES[result.case_id].tokens, result.case_id


def _pytest(*arguments: str) -> str:
    hidden = ("PYTEST", "COV_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    return f"{done.stdout}{done.stderr}\nexit {done.returncode}"


def test_pytest_items_have_the_outcomes_of_the_run() -> None:
    with FakeServer(seed=1) as fake, planted.Planted(fake.base_url, planted.no_done) as proxy:
        said = _pytest("contract_tests", "--target", proxy.base_url, "-v", "--select", "chat", "-k", "short")
    assert "test_contract[chat.short] PASSED" in said
    assert "test_contract[chat.stream.short] FAILED" in said
    assert "chat.stream.done-last   MUST" in said
    assert "1 failed, 1 passed" in said
    assert "Traceback" not in said


def test_pytest_tolerates_what_a_baseline_knows(tmp_path: Path) -> None:
    known = tmp_path / "known.yaml"
    known.write_text(
        "openai-contract-baseline: 1\ntolerate:\n- {rule: chat.stream.done-last, reason: the old gateway}\n"
    )
    with FakeServer(seed=1) as fake, planted.Planted(fake.base_url, planted.no_done) as proxy:
        chosen = ("--target", proxy.base_url, "--select", "chat.stream.short", "-rP")
        said = _pytest("contract_tests", *chosen, "--baseline", str(known))
        wrong = _pytest("contract_tests", *chosen, "--profile", "no-such")
    assert "1 passed" in said
    assert "tolerated: ✗ chat.stream.done-last" in said
    assert "the old gateway" in said
    assert "no profile is called 'no-such'" in wrong


def test_pytest_is_not_green_where_nothing_was_reached(tmp_path: Path) -> None:
    script = tmp_path / "quota.yaml"
    script.write_text(
        "- name: quota\n  when: {messages: {last: {contains: hello}}}\n"
        "  reply: {error: {status: 429, message: Used up., code: insufficient_quota}}\n"
    )
    with FakeServer([script]) as fake:
        said = _pytest("contract_tests", "--target", fake.base_url, "--select", "chat.short")
    assert "1 skipped" in said
    assert said.endswith("exit 3")


def test_pytest_says_that_nobody_is_there() -> None:
    said = _pytest("contract_tests/test_contract.py", "--target", "http://127.0.0.1:1/v1")
    assert "the target cannot be asked: 127.0.0.1 port 1 refused the connection" in said
    assert said.endswith("exit 3")


def test_without_a_target_no_case_is_collected() -> None:
    said = _pytest("contract_tests/test_contract.py", "--collect-only", "-q")
    assert "test_contract[" not in said
    assert f"no tests collected ({len(CASES)} deselected)" in said
