"""The profiles the kit brings along: each departure was seen, has its link, and nothing else is tolerated."""

from __future__ import annotations

from datetime import date

import pytest
import yaml

from contract_tests.recordings.judging import judge_files
from contract_tests.rules.engine.judge import Level
from contract_tests.target.errors import UsageError
from contract_tests.tests.shared import SHARED, needs_recordings
from contract_tests.tolerance.entry import split_tolerated
from contract_tests.tolerance.file import load_profile, profile_names

OF_RESPONSES = {"codex-backend", "openrouter"}
"""Dialects of Responses, which test_profiles_of_responses.py is about."""
DIALECTS = [name for name in profile_names() if load_profile(name).entries and name not in OF_RESPONSES]
LEFT = {"mistral": {"usage.adds-up", "usage.details-within"}}
"""MUST rules whose findings no profile can tell from a fault, or that are one model's."""


def test_nothing_is_tolerated_without_a_profile() -> None:
    assert load_profile("openai").entries == ()
    assert load_profile("openai").select == ()
    assert load_profile("chat-only").entries == ()


def test_only_chat_is_asked_of_a_server_that_has_only_chat() -> None:
    asked = load_profile("chat-only").select
    assert "chat" in asked
    assert not {"models", "embeddings", "completions"} & set(asked)


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_says_what_it_is(name: str) -> None:
    profile = load_profile(name)
    assert profile.about.endswith(".")
    for entry in profile.entries:
        assert entry.link.startswith("https://github.com/")
        assert not entry.reason.endswith(".")


def test_a_name_nobody_knows_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'azure'"):
        load_profile("azur")
    with pytest.raises(UsageError, match="the kit has azure, chat-only, "):
        load_profile("xyzzy")


@pytest.mark.slow
@needs_recordings
@pytest.mark.parametrize("name", DIALECTS)
def test_every_departure_was_seen(name: str) -> None:
    entries = load_profile(name).entries
    found = judge_files([SHARED / "recordings" / f"{name}.jsonl"]).findings
    _, tolerated = split_tolerated(found, entries, date.today())
    seen = {one.entry for one in tolerated}
    bugs = yaml.load((SHARED / "drift-bugs.yaml").read_text(), Loader=yaml.CSafeLoader)
    sources = {f"https://github.com/{one['source'].replace('#', '/issues/')}" for one in bugs}
    assert [one.rule for one in entries if one not in seen and one.link not in sources] == []


@pytest.mark.slow
@needs_recordings
@pytest.mark.parametrize("name", ["azure", "ollama", "vllm", "mistral"])
def test_the_recordings_of_a_dialect_hold_no_other_must_finding(name: str) -> None:
    found = judge_files([SHARED / "recordings" / f"{name}.jsonl"]).findings
    counting, _ = split_tolerated(found, load_profile(name).entries, date.today())
    assert {one.rule.id for one in counting if one.rule.level is Level.MUST} <= LEFT.get(name, set())
