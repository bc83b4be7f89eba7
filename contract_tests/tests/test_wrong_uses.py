"""Impossible options and other wrong uses: one clear line each, as the golden transcripts have them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from contract_tests.cli import cli
from contract_tests.tests.wrong_uses import answered, transcripts, uses
from fake_server.cli import main


@pytest.mark.parametrize("path", transcripts(), ids=lambda path: path.stem)
def test_what_a_wrong_use_is_told(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert answered(text) == text, "read it aloud, then: python -m contract_tests.tests.wrong_uses"


def test_no_message_is_a_traceback_or_blames_the_kit() -> None:
    for path in transcripts():
        text = path.read_text(encoding="utf-8")
        assert "Traceback" not in text
        assert "the kit itself failed:" not in text
        assert not re.search(r"\bErrno\b|<[A-Z]\w+\.|exit code [4-9]", text)


def test_every_command_is_used_wrongly() -> None:
    used = [use for path in transcripts() for use in uses(path.read_text(encoding="utf-8"))]
    for command in cli.commands:
        assert any(use.startswith(f"contract {command}") for use in used), command
    for command in main.commands:
        assert any(use.startswith(f"fake-server {command}") for use in used), command
