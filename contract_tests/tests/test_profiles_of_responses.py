"""Profiles of servers that have Responses, each in its own way: what is asked of them, and what is tolerated."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from contract_tests.recordings.judging import judge_files
from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import Outcome
from contract_tests.run.run import Options, run
from contract_tests.run.tolerated import tolerate_in_case
from contract_tests.target.errors import UsageError
from contract_tests.tests.shared import SHARED, needs_recordings
from contract_tests.tests.small_target import completed
from contract_tests.tests.test_responses_run import THINKING
from contract_tests.tolerance.entry import split_tolerated
from contract_tests.tolerance.file import load_profile
from fake_server.testing.server import FakeServer

KEPT = ("responses.stored", "conversations", "stored")


@pytest.mark.parametrize("name", ["stateless", "openrouter"])
def test_a_server_that_stores_nothing_is_asked_for_all_else(name: str) -> None:
    asked = load_profile(name).select
    assert {"responses.short", "responses.stream.call", "responses.same-text", "chat.short"} <= set(asked)
    assert [case_id for case_id in asked if case_id.startswith(tuple(f"{section}." for section in KEPT))] == []


@pytest.mark.parametrize("bug", ["codex-backend-terminal-output-empty", "codex-backend-store-must-be-false"])
def test_the_backend_of_codex_passes_with_its_profile(bug: str) -> None:
    profile = load_profile("codex-backend")
    with FakeServer(seed=1, bugs=[bug]) as fake:
        report = completed(run(Options(fake.base_url, models=THINKING, select=profile.select)))
    results = [tolerate_in_case(result, profile.entries, date.today()) for result in report.results]
    assert [finding.rule.id for result in results for finding in result.findings] == []
    assert {result.outcome for result in results} <= {Outcome.PASS, Outcome.WARN, Outcome.NOT_REACHED}


@needs_recordings
def test_what_openrouter_was_recorded_to_send_is_tolerated() -> None:
    found = judge_files([SHARED / "recordings" / "openrouter.jsonl"]).findings
    of_responses = [
        one for one in found if one.rule.section.startswith("responses") and one.rule.level is not Level.NOTE
    ]
    open_, tolerated = split_tolerated(of_responses, load_profile("openrouter").entries, date.today())
    assert [(one.rule.id, one.actual) for one in open_] == []
    assert {one.entry for one in tolerated} == set(load_profile("openrouter").entries)


def test_what_is_left_out_of_a_profile_is_cases_that_there_are(tmp_path: Path) -> None:
    profile = tmp_path / "own.yaml"
    profile.write_text("openai-contract-profile: 1\nselect: [chat]\nwithout: [chat.stream]\ntolerate: []\n")
    asked = load_profile(str(profile)).select
    assert "chat.short" in asked
    assert "chat.stream.short" not in asked
    for wrong in ("[chat.stre]", "chat", "[7]"):
        profile.write_text(f"openai-contract-profile: 1\nwithout: {wrong}\ntolerate: []\n")
        with pytest.raises(UsageError, match=r"own\.yaml:2: .*"):
            load_profile(str(profile))
