"""Moderation results for texts and pictures: made-up scores, high where a category's typical words occur.

Shapes and the size of ordinary scores follow genuine responses of api.openai.com.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from fake_server.api.sensible import chance

THRESHOLD = 0.5
SEEN_IN_PICTURES = frozenset(
    ("sexual", "self-harm", "self-harm/intent", "self-harm/instructions", "violence", "violence/graphic")
)
_ANYBODY = (
    r"(?:you|him|her|them|us|people|someone|somebody|anyone|everyone|everybody|(?:all )?(?:these|those) \w+)"
)
_GROUP = r"(?:immigrants|foreigners|women|men|jews|muslims|christians|gays|people)"
_HURT = r"(?:kill|murder|stab|shoot|strangle|torture|hurt|harm|punch|attack|beat up)"
_WILL = r"(?:i'?ll|i will|i want to|i wanna|i(?:'?m| am) (?:going to|gonna))"
_WORDS: Mapping[str, str] = {
    "harassment": r"(?:you|he|she|they)(?:'re|'s| are| is) (?:an? |so |such an? )*(?:idiots?|stupid|losers?"
    r"|pathetic|worthless|morons?)|shut up,? you",
    "harassment/threatening": rf"{_WILL} {_HURT} {_ANYBODY}",
    "hate": rf"subhumans?|(?:are|they're) (?:all )?vermin|i hate (?:all|these|those) {_GROUP}",
    "hate/threatening": rf"(?:wipe|drive) (?:those|these|all the) \w+ out|kill all (?:the |those )?{_GROUP}",
    "illicit": r"shoplift(?:ing)?|counterfeit (?:money|bills|notes)|launder(?:ing)? money|pick(?:ing)? a lock"
    r"|cook(?:ing)? meth|hotwire a car",
    "illicit/violent": r"(?:build|make|making|building) (?:a |an )?(?:pipe )?(?:bombs?|grenades?)",
    "self-harm": r"self[- ]harm(?:ing)?|commit(?:ting|ted)? suicide|(?:cut|harm|hurt)(?:ting|ing)? myself",
    "self-harm/intent": rf"{_WILL} (?:die|end my life|(?:kill|cut|hurt|harm) myself)",
    "self-harm/instructions": r"how (?:to|do i|can i|should i) (?:\w+ )?(?:kill|cut|harm|hurt) myself",
    "sexual": r"porn(?:ography|ographic)?|erotica?|explicit sex|sex scenes?",
    "sexual/minors": r"(?:erotica?|nude|naked|sexual)\b.{0,80}\b(?:child|children|minors?|underage)",
    "violence": rf"{_HURT}(?:s|ed|d|bed|ing|bing)? (?:{_ANYBODY}|myself)"
    r"|(?:murder|stab|strangle|torture|harm)(?:ed|d|bed)? (?:the|a|my) \w+"
    r"|blow up (?:the|a) (?:school|building|bus|train)",
    "violence/graphic": r"blood everywhere|dismember(?:s|ed|ing)?|guts spilled|decapitat(?:e|es|ed|ing)",
}
"""Typical wording of each category; figures of speech ("kill a process") must not match."""
_IMPLIED: Mapping[str, tuple[str, ...]] = {
    "harassment/threatening": ("harassment", "violence"),
    "hate/threatening": ("hate", "violence"),
    "illicit/violent": ("illicit",),
    "self-harm/intent": ("self-harm",),
    "self-harm/instructions": ("self-harm",),
    "sexual/minors": ("sexual",),
    "violence/graphic": ("violence",),
}
"""The broader categories that a narrow category implies."""
_OMNI_CATEGORIES = (
    "harassment", "harassment/threatening", "sexual", "hate", "hate/threatening", "illicit",
    "illicit/violent",
    "self-harm/intent", "self-harm/instructions", "self-harm", "sexual/minors", "violence",
    "violence/graphic",
)  # fmt: skip
_TEXT_CATEGORIES = (
    "sexual", "hate", "harassment", "self-harm", "sexual/minors", "hate/threatening", "violence/graphic",
    "self-harm/intent", "self-harm/instructions", "harassment/threatening", "violence",
)  # fmt: skip
_LONGEST = 100_000


def categories(model: str) -> tuple[str, ...]:
    """The categories a model reports, in its order; the text models have no illicit ones."""
    return _OMNI_CATEGORIES if model.startswith("omni") else _TEXT_CATEGORIES


def judge_input(
    model: str, texts: Sequence[str], pictures: int, seed: int, flagged: Sequence[str] | None = None
) -> dict[str, Any]:
    """Make the entry of `results` for one input of texts and pictures.

    `flagged` lists categories to flag whatever the input says.
    """
    text = "\n".join(texts)[:_LONGEST]
    names = categories(model)
    high = _find_categories(text) if flagged is None else frozenset(flagged)
    seen = {name: _applied_types(name, texts, pictures) for name in names}
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
def _patterns() -> Mapping[str, re.Pattern[str]]:
    """Compile the pattern of each category; cached, and not done before the first moderation request."""
    return {name: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for name, words in _WORDS.items()}


def _find_categories(text: str) -> frozenset[str]:
    categories_found = {name for name, words in _patterns().items() if words.search(text)}
    return frozenset(categories_found.union(*(_IMPLIED.get(name, ()) for name in categories_found)))


def _score(name: str, seed: int, text: str, high: bool, judged: bool) -> float:
    """A score derived from the text; 0.0 if the category does not apply to this kind of input."""
    drawn = chance.fraction("moderation", seed, name, text)
    if high:
        return 0.85 + 0.14 * drawn
    return 10 ** (-6.5 + 3 * drawn) if judged else 0.0


def _applied_types(name: str, texts: Sequence[str], pictures: int) -> list[str]:
    seen = ["image"] if pictures and name in SEEN_IN_PICTURES else []
    return (["text"] if texts else []) + seen
