"""The token estimate: pieces add up to the text, and genuine usage is near."""

from __future__ import annotations

import json
import os
import statistics
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_server.api import tokens

SHARED = Path(os.environ.get("OPENAI_CONTRACT_SHARED", Path(__file__).parents[3] / "shared"))
RECORDINGS = SHARED / "recordings" / "openai.jsonl"


@given(st.text())
def test_the_pieces_joined_are_the_text(text: str) -> None:
    pieces = tokens.split(text)
    assert "".join(pieces) == text
    assert all(pieces)
    assert len(pieces) == tokens.count(text)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Hello there, world!", ["Hello", " there", ",", " world", "!"]),
        ("it's 12345", ["it", "'s", " ", "123", "45"]),
        ("antidisestablishment", ["antid", "isest", "ablis", "hment"]),
        ("木が三本", ["木", "が", "三", "本"]),
        ("a\n\n  b", ["a", "\n\n", " ", " b"]),
    ],
)
def test_split(text: str, pieces: list[str]) -> None:
    assert list(tokens.split(text)) == pieces


def test_long_runs_take_linear_time() -> None:
    start = time.process_time()
    for text in (" " * 200_000, "a" * 200_000, "_" * 200_000, " \n" * 100_000, "é" * 200_000):
        assert "".join(tokens.split(text)) == text
    assert time.process_time() - start < 10


def genuine() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(kind, request, answer) of the recorded chats that the estimate is for, equal ones once."""
    if not RECORDINGS.is_file():
        pytest.skip(f"no recordings at {RECORDINGS}; set OPENAI_CONTRACT_SHARED")
    chats = {}
    with RECORDINGS.open(encoding="utf-8") as lines:
        for line in lines:
            recording = json.loads(line)
            request, response = recording["request"]["body"], recording["response"]
            if recording["endpoint"] != "chat/completions" or response["status"] != 200:
                continue
            if response["body_kind"] != "json" or not isinstance(request, dict):
                continue
            text = json.dumps(request)
            if any(mark in text for mark in ("$elided", "image_url", "input_audio", '"file"', "search-preview")):
                continue
            schema = (request.get("response_format") or {}).get("type") == "json_schema"
            tools = request.get("tools") or request.get("functions")
            kind = "tools" if tools else "schema" if schema else "plain"
            chats[text] = (kind, request, response["body"])
    return list(chats.values())


def spread(errors: list[float]) -> tuple[float, float]:
    """(median, 90th percentile)."""
    return statistics.median(errors), sorted(errors)[int(len(errors) * 0.9)]


def test_prompt_tokens_are_near_genuine_usage(record_property: Any) -> None:
    errors: dict[str, list[float]] = {"plain": [], "tools": [], "schema": []}
    for kind, request, answer in genuine():
        real = answer["usage"]["prompt_tokens"]
        errors[kind].append(abs(tokens.count_messages(request) - real) / real)
    measured = {kind: spread(values) for kind, values in errors.items()}
    for kind, (median, worst) in measured.items():
        record_property(f"prompt_tokens error, {kind}", f"median {median:.1%}, 90th percentile {worst:.1%}")
    assert len(errors["plain"]) > 300
    assert measured["plain"][0] <= 0.03
    assert measured["plain"][1] <= 0.11
    assert measured["tools"][0] <= 0.05
    assert measured["schema"][0] <= 0.05


def test_completion_tokens_are_near_genuine_usage() -> None:
    errors = []
    for _, _, answer in genuine():
        details = answer["usage"].get("completion_tokens_details") or {}
        message = answer["choices"][0]["message"]
        if len(answer["choices"]) > 1 or details.get("reasoning_tokens") or message.get("tool_calls"):
            continue
        real = answer["usage"]["completion_tokens"]
        if message.get("content") and real >= 8:
            errors.append(abs(tokens.count(message["content"]) - real) / real)
    median, worst = spread(errors)
    assert median <= 0.04
    assert worst <= 0.17


def test_the_frame_counts() -> None:
    bare = {"messages": [{"role": "user", "content": "hi"}]}
    assert tokens.count_messages(bare) == tokens.PRIMING + tokens.PER_MESSAGE + 1
    named = {"messages": [{"role": "user", "name": "Ann", "content": "hi"}]}
    assert tokens.count_messages(named) == tokens.count_messages(bare) + tokens.PER_NAME + 1
    image = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}
    assert tokens.count_messages(image) == tokens.PRIMING + tokens.PER_MESSAGE + tokens.PER_IMAGE
