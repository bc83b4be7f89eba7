"""What the fake says of texts and pictures: made-up scores, high where a plain word of a category stands.

Shapes and the size of ordinary scores are those of genuine answers of api.openai.com.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fake_server.sensible import chance

THRESHOLD = 0.5
SEEN_IN_PICTURES = frozenset(
    ("sexual", "self-harm", "self-harm/intent", "self-harm/instructions", "violence", "violence/graphic")
)
_WORDS: Mapping[str, str] = {
    "harassment": r"idiot|stupid|loser|shut up|pathetic|worthless",
    "harassment/threatening": r"(?:i'?ll|i will|going to) (?:hurt|get|find|beat) you",
    "hate": r"subhuman|vermin|i hate (?:all|those|these) \w+",
    "hate/threatening": r"(?:wipe|drive) (?:them|those people) out",
    "illicit": r"shoplift|counterfeit|launder money|pick a lock|cook meth",
    "illicit/violent": r"(?:build|make) (?:a )?(?:bomb|pipe bomb|grenade)",
    "self-harm": r"self[- ]harm|suicide|cut myself|kill myself|end my life",
    "self-harm/intent": r"(?:want to|going to) (?:kill myself|die|end my life)",
    "self-harm/instructions": r"how (?:to|do i) (?:kill myself|cut myself)",
    "sexual": r"porn|erotic|naked|nude",
    "sexual/minors": r"(?:erotic|nude|naked)\b.*\b(?:child|minor|underage)",
    "violence": r"kill|murder|stab|shoot|punch|harm the|blow up|attack them",
    "violence/graphic": r"blood everywhere|dismember|guts spilled|decapitat",
}
_FOUND = {name: re.compile(rf"\b(?:{words})", re.IGNORECASE) for name, words in _WORDS.items()}
_OMNI = (
    "harassment", "harassment/threatening", "sexual", "hate", "hate/threatening", "illicit",
    "illicit/violent",
    "self-harm/intent", "self-harm/instructions", "self-harm", "sexual/minors", "violence",
    "violence/graphic",
)  # fmt: skip
_OLD = (
    "sexual", "hate", "harassment", "self-harm", "sexual/minors", "hate/threatening", "violence/graphic",
    "self-harm/intent", "self-harm/instructions", "harassment/threatening", "violence",
)  # fmt: skip
_LONGEST = 100_000


def categories(model: str) -> tuple[str, ...]:
    """The categories a model knows, in its order: the text models have no illicit ones."""
    return _OMNI if model.startswith("omni") else _OLD


def result(
    model: str, texts: Sequence[str], pictures: int, seed: int, flagged: Sequence[str] | None = None
) -> dict[str, Any]:
    """One entry of `results`, for what one input says in texts and pictures.

    `flagged` are the categories that are flagged whatever it says.
    """
    said = "\n".join(texts)[:_LONGEST]
    names = categories(model)
    scores = {
        name: _score(
            name, seed, said, bool(_FOUND[name].search(said)) if flagged is None else name in flagged
        )
        for name in names
    }
    told: dict[str, Any] = {
        "flagged": any(score >= THRESHOLD for score in scores.values()),
        "categories": {name: score >= THRESHOLD for name, score in scores.items()},
        "category_scores": scores,
    }
    if model.startswith("omni"):
        told["category_applied_input_types"] = {name: _types(name, texts, pictures) for name in names}
    return told


def _score(name: str, seed: int, said: str, found: bool) -> float:
    drawn = chance.fraction("moderation", seed, name, said)
    return 0.85 + 0.14 * drawn if found else 10 ** (-6.5 + 3 * drawn)


def _types(name: str, texts: Sequence[str], pictures: int) -> list[str]:
    seen = ["image"] if pictures and name in SEEN_IN_PICTURES else []
    return (["text"] if texts else []) + seen
