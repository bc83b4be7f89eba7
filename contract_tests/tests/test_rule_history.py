"""The history of the rules: ids are permanent, and what became of each stands in history.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from contract_tests.rules import RULES, history

LEVELS = {rule.id: rule.level.value for rule in RULES.values()}


def test_the_history_ends_with_the_rules_as_they_are() -> None:
    assert not list(history.changes_since(LEVELS)), "run `make rules`, which adds what is missing"
    assert history.replay(history.load_history()) == LEVELS, "a rule that is withdrawn is named under `withdrawn`"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"added": {"chat.id": "MUST"}}, "which an earlier version had"),
        ({"levels": {"chat.id": "MUST"}}, "which it had"),
        ({"levels": {"chat.none": "MUST"}}, "which no version added"),
        ({"withdrawn": {"chat.none": "it was wrong"}}, "which is not there"),
    ],
)
def test_a_change_that_contradicts_an_earlier_version_is_named(changes: history.Version, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        history.replay({"1": {"added": {"chat.id": "MUST"}}, "2": changes})


def test_an_id_is_never_given_anew() -> None:
    first = {"1": {"added": {"chat.id": "MUST"}}, "2": {"withdrawn": {"chat.id": "it was wrong"}}}
    assert history.replay(first) == {}
    with pytest.raises(ValueError, match="which an earlier version had"):
        history.replay({**first, "3": {"added": {"chat.id": "MUST"}}})


@pytest.mark.parametrize(
    "text",
    [
        "0.1.0:\n  added:\n    chat.id: MUST\nunreleased: {}\n",
        "0.1.0:\n  added:\n    chat.id: MUST\nunreleased:\n  added:\n    chat.role: MUST\n",
        "0.1.0:\n  added:\n    chat.id: MUST\nunreleased:\n  levels:\n    chat.id: SHOULD\n",
    ],
)
def test_what_is_missing_is_added(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history.yaml"
    path.write_text(text)
    monkeypatch.setattr(history, "FILE", path)
    monkeypatch.setattr(history, "load_history", lambda: yaml.safe_load(path.read_text()))
    levels = {"chat.id": "NOTE", "chat.role": "MUST", "chat.created": "MUST"}
    path.write_text(history.add_changes(levels))
    assert history.replay(history.load_history()) == levels
    assert not list(history.changes_since(levels))


def test_a_rule_that_no_version_names_is_unreleased() -> None:
    assert history.since("chat.made-up") == history.UNRELEASED
