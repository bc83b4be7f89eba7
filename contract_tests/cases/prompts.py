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
STOPS = ["nine", "four five"]
"""Stop sequences of `COUNTING`: one that does not come, and one of several tokens, which may be recognized late."""
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

STORY = " ".join(["the dog ran to the old house by the river and sat in the sun"] * 28)
"""Some 400 words, each of them one token: of two such texts one that is lost is missing in the count."""

REPEAT_FIRST = "Repeat my first message, word for word and nothing else."
REPEAT_LAST = "Repeat your last message, word for word and nothing else."
REPEAT_RESULT = "Repeat the tool's result, word for word and nothing else."

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
BOOKING: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "book_table",
        "description": "Books a table in a restaurant.",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "guests": {"type": "integer"},
                "price": {"type": "number"},
                "outside": {"type": "boolean"},
                "dishes": {"type": "array", "items": {"type": "string"}},
                "host": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "age": {"type": ["integer", "null"]}},
                    "required": ["name", "age"],
                    "additionalProperties": False,
                },
            },
            "required": ["city", "guests", "price", "outside", "dishes", "host"],
            "additionalProperties": False,
        },
    },
}
"""Parameters of every type; what holds them is in the form that strict mode requires."""
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


def in_parts(role: str, *texts: str) -> dict[str, Any]:
    """A message whose content is an array of text parts."""
    return message(role, [{"type": "text", "text": text} for text in texts])


def joined(message: dict[str, Any]) -> dict[str, Any]:
    """A message in parts as one whose content is a string."""
    return {**message, "content": " ".join(part["text"] for part in message["content"])}


def message(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


user = partial(message, "user")
