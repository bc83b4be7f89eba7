"""Moderation results for texts and pictures: made-up scores, high where a category's typical words occur.

Shapes and the size of ordinary scores follow genuine responses of api.openai.com.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from fake_server.api.sensible import chance
from fake_server.wire.budget import spend
from fake_server.wire.datafile import read_yaml

THRESHOLD = 0.5
SEEN_IN_PICTURES = frozenset(
    ("sexual", "self-harm", "self-harm/intent", "self-harm/instructions", "violence", "violence/graphic")
)
_LONGEST = 100_000


def categories(model: str) -> tuple[str, ...]:
    """The categories a model reports, in its order; the text models have no illicit ones."""
    return tuple(_data()["categories"]["omni" if model.startswith("omni") else "text"])


def judge_input(
    model: str, texts: Sequence[str], pictures: int, seed: int, flagged: Sequence[str] | None = None
) -> dict[str, Any]:
    """Make the entry of `results` for one input of texts and pictures.

    `flagged` lists categories to flag whatever the input says.
    """
    text = "\n".join(texts)[:_LONGEST]
    spend(200 + len(text) // 5, "the moderation of its inputs")
    names = categories(model)
    high = _find_categories(text) if flagged is None else frozenset(flagged)
    types = ["text"] if texts else []
    all_types = [*types, "image"] if pictures else types
    seen = {name: all_types if name in SEEN_IN_PICTURES else types for name in names}
    scores = {name: _score(name, seed, text, name in high, bool(seen[name])) for name in names}
    entry: dict[str, Any] = {
        "flagged": any(score >= THRESHOLD for score in scores.values()),
        "categories": {name: score >= THRESHOLD for name, score in scores.items()},
        "category_scores": scores,
    }
    if model.startswith("omni"):
        entry["category_applied_input_types"] = seen
    return entry


@cache
def _data() -> Mapping[str, Any]:
    """The categories and how they are worded; read for the first moderation request."""
    return read_yaml(Path(__file__).with_suffix(".yaml"))


@cache
def _wording() -> Mapping[str, tuple[re.Pattern[str], Sequence[str]]]:
    """The pattern of each category and the categories it implies."""
    data = _data()
    patterns = {
        name: re.sub("<(.*?)>", lambda part: data["parts"][part[1]], "|".join(alternatives))
        for name, alternatives in data["wording"].items()
    }
    return {
        name: (re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), data["implied"].get(name, ()))
        for name, pattern in patterns.items()
    }


def _find_categories(text: str) -> frozenset[str]:
    return frozenset(
        category
        for name, (pattern, implied) in _wording().items()
        if pattern.search(text)
        for category in (name, *implied)
    )


def _score(name: str, seed: int, text: str, high: bool, judged: bool) -> float:
    """A score derived from the text; 0.0 if the category does not apply to this kind of input."""
    drawn = chance.fraction("moderation", seed, name, text)
    if high:
        return 0.85 + 0.14 * drawn
    return 10 ** (-6.5 + 3 * drawn) if judged else 0.0
