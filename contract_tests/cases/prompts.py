"""Texts, tools and schemas that several cases send."""

from __future__ import annotations

from functools import partial
from typing import Any

POEM = "write a poem about a tree"
"""What the seed program asks for."""
POEM_TOKENS = 4096
"""What that may cost: it sets no limit, so the most its model answers."""

SHORT = "Say hello in one short sentence."
SENTENCE = "Describe a tree in one sentence of about twenty words."
LONG = "Count from 1 to 100 in words, separated by commas."
COUNTING = "one two three four five six"
UNUSUAL = 'Zażółć gęślą jaźń café naïve — 日本語 עברית 🌳👩‍🌾 \\n "quoted" <b>&amp;</b> end'
"""Text that is lost easily: several scripts, a joined emoji, a backslash, quotes, markup."""

CODE = """def tree(height):
    for row in range(height):
        print(" " * (height - row), "*" * row)


    return height"""
"""Text whose pieces are often nothing but spaces and line ends."""

NOTES = "You are brief. " + " ".join(
    f"Note {number}: the tree in garden {number} is {number} years old." for number in range(1, 31)
)
"""Some 300 words that are no question: who does not count them has not read them."""

RED_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
"""A PNG of one red pixel, in Base64."""

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city right now.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["C", "F"]}},
            "required": ["city"],
        },
    },
}
CLOCK: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_time",
        "description": "The local time in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def repeat(text: str) -> str:
    """A request to say `text` and nothing else."""
    return f"Repeat after me, word for word and nothing else: {text}"


def message(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


user = partial(message, "user")
