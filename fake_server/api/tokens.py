"""Estimate how many tokens a text has, without a vocabulary file.

`split` cuts a text the way GPT pretokenizers do (a word takes its leading space along, numbers go in
threes, punctuation clusters), then splits words that a typical vocabulary does not contain whole. Joining
the pieces gives the text again. The frame around messages and tools follows the OpenAI cookbook's "How to
count tokens". `test_tokens.py` measures the estimate on genuine recordings: the error of `prompt_tokens` on
chats without tools and images is 2.4 % in the median and 10 % at the 90th percentile; with tools 3 % and
23 %, of completions 3 % and 15 %.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from fake_server.api import chat_request
from fake_server.wire.budget import spend

PER_MESSAGE = 3
PER_NAME = 1
PRIMING = 3
PER_IMAGE = 85
PER_TOOLS = 17
PER_TOOL = 9
PER_CALL = 8
PER_PARALLEL = 12
PER_SCHEMA = 16

_WHOLE_WORD = 12
_WORD_PIECE = 6
_OTHER_SCRIPT_PIECE = 4
_MARKS = 4
_LONGEST_CACHED_TEXT = 4096
_LONGEST_CACHED_PIECE = 64
"""In characters; longer pieces are rare and would fill the cache."""
_SECTION = 64 * 1024
_SPACE = re.compile(r"(?<=\S) ")
"""A space after something else: a new piece begins with it, whatever is before and behind."""
_SYLLABLES = [first + second for first in "bcdfghjklmnpqrstvwxz" for second in "aeiou"]

_PIECE = re.compile(
    r"'(?:s|t|re|ve|m|ll|d)\b"
    r"|[ _./]?[^\W\d_]+"
    r"|\d{1,3}"
    r"| ?(?:[^\s\w]|_)+[\r\n]*"
    r"|\s*[\r\n]+"
    r"|\s+(?!\S)"
    r"|\s+"
    r"|\w"
)
_WIDE = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff"
_RUNS = re.compile(f"[ _./]?[{_WIDE}]|[ _./]?[^{_WIDE}]+")


def split(text: str) -> Sequence[str]:
    """Split a text into pieces of about one token each; joined they give the text again."""
    if len(text) <= _LONGEST_CACHED_TEXT:
        return _split_cached(text)
    spend(len(text) // 50, "the tokens of its texts")
    return tuple([part for section in _sections(text) for part in _split(section)])


def _split(text: str) -> tuple[str, ...]:
    return tuple([part for piece in _PIECE.findall(text) for part in _split_piece(piece)])


def _sections(text: str) -> Iterator[str]:
    """Sections of a long text that are split as the whole is: other threads have their turn between them."""
    start = 0
    while len(text) - start > 2 * _SECTION:
        cut = _SPACE.search(text, start + _SECTION, start + 2 * _SECTION)
        end = cut.start() if cut else start + 2 * _SECTION
        yield text[start:end]
        start = end
    yield text[start:]


_split_cached = lru_cache(maxsize=256)(_split)
"""Cached, because a script answers many requests with the same text."""


def count(text: str) -> int:
    """Estimate the number of tokens in `text`."""
    if len(text) <= _LONGEST_CACHED_TEXT:
        return len(_split_cached(text))
    spend(len(text) // 50, "the tokens of its texts")
    return sum(len(_split(section)) for section in _sections(text))


def prompt_texts(prompt: Any) -> list[str]:
    """The texts of a `prompt` or `input`: a string, an array of strings, or one or several token arrays."""
    if isinstance(prompt, str):
        return [prompt]
    if prompt and isinstance(prompt[0], int):
        return [spell_tokens(prompt)]
    return [text if isinstance(text, str) else spell_tokens(text) for text in prompt]


def spell_tokens(numbers: Iterable[int]) -> str:
    """Turn token numbers into text: a made-up word for each, since there is no vocabulary to look them up in.

    Equal numbers give equal words, and `split` makes one piece of each word, so the count stays exact.
    """
    return "".join(f" {_spell_token(number)}" for number in numbers)


def _spell_token(number: int) -> str:
    syllables = ""
    while True:
        number, place = divmod(number, len(_SYLLABLES))
        syllables += _SYLLABLES[place]
        if not number:
            return syllables


def count_calls(calls: Iterable[tuple[str, str]]) -> int:
    """Estimate the tokens of tool calls, given as (name, arguments); parallel calls share a frame."""
    costs = [PER_CALL + count(name) + count(arguments) for name, arguments in calls]
    return sum(costs) + (PER_PARALLEL if len(costs) > 1 else 0)


def count_messages(request: Mapping[str, Any]) -> int:
    """Estimate the prompt tokens of a chat request: messages, tools and response format."""
    total = PRIMING
    for message in request.get("messages") or ():
        total += PER_MESSAGE + _count_content(message.get("content"))
        if isinstance(message.get("name"), str):
            total += PER_NAME + count(message["name"])
        if not message.get("tool_calls") and not message.get("function_call"):
            continue
        calls = [call.get("function") for call in message.get("tool_calls") or () if isinstance(call, Mapping)]
        functions = [function for function in (*calls, message.get("function_call")) if isinstance(function, Mapping)]
        total += count_calls(
            (str(function.get("name", "")), str(function.get("arguments", ""))) for function in functions
        )
    if form := request.get("response_format"):
        total += _count_response_format(form)
    return total + _count_tools(request)


def _split_piece(piece: str) -> tuple[str, ...]:
    """Split a pretokenizer piece that is too long to be one vocabulary entry."""
    return _split_new_piece(piece) if len(piece) > _LONGEST_CACHED_PIECE else _split_piece_cached(piece)


def _split_new_piece(piece: str) -> tuple[str, ...]:
    if len(piece) <= _MARKS and piece.isascii():
        return (piece,)
    word = piece.strip(" _./\r\n")
    if not word:
        return (piece,) if piece.isspace() else _slice(piece, _MARKS)
    if not word[0].isalpha():
        return _slice(piece, _MARKS)
    if word.isascii():
        return (piece,) if len(word) <= _WHOLE_WORD else _slice(piece, _WORD_PIECE)
    runs = _RUNS.findall(piece)
    return tuple(part for run in runs for part in _slice(run, _OTHER_SCRIPT_PIECE))


_split_piece_cached = lru_cache(maxsize=4096)(_split_new_piece)


def _slice(text: str, size: int) -> tuple[str, ...]:
    """Slice into nearly equal parts of at most `size` characters, not counting a leading space."""
    first = 1 if text[0] in " _./" and len(text) > 1 else 0
    pieces = max(1, -(-(len(text) - first) // size))
    width = -(-(len(text) - first) // pieces)
    bounds = [0, *range(first + width, len(text), width), len(text)]
    return tuple(text[start:stop] for start, stop in pairwise(bounds))


def _count_content(content: object) -> int:
    if isinstance(content, str):
        return count(content)
    total = 0
    for part in content if isinstance(content, list) else ():
        if isinstance(part, Mapping):
            text = part.get("text") or part.get("refusal")
            total += count(text) if isinstance(text, str) else PER_IMAGE
    return total


def _count_tools(request: Mapping[str, Any]) -> int:
    """Count tools as models see them: type declarations with names, descriptions and types, not JSON."""
    if not request.get("tools") and not request.get("functions"):
        return 0
    total = 0
    for tool in chat_request.tools(request):
        texts = (tool.name, tool.description, *_schema_texts(tool.parameters))
        total += PER_TOOL + sum(map(count, texts))
    return PER_TOOLS + total if total else 0


def _schema_texts(schema: object, depth: int = 0) -> Iterator[str]:
    """The texts in a type declaration of this schema: names, descriptions, types, enum members."""
    if not isinstance(schema, Mapping) or depth > 20:
        return
    properties = schema.get("properties")
    for name, member in properties.items() if isinstance(properties, Mapping) else ():
        yield f" {name}: ,"
        if isinstance(member, Mapping):
            yield f"// {member.get('description') or ''}" if member.get("description") else ""
            yield " | ".join(map(str, _as_list(member.get("enum")))) or str(member.get("type", ""))
            yield from _schema_texts(member, depth + 1)
    for key in ("items", "additionalProperties"):
        yield from _schema_texts(schema.get(key), depth + 1)
    for key in ("anyOf", "oneOf", "allOf"):
        for member in _as_list(schema.get(key)):
            yield from _schema_texts(member, depth + 1)


def _as_list(value: object) -> Iterable[Any]:
    return value if isinstance(value, list) else ()


def _count_response_format(form: object) -> int:
    if not isinstance(form, Mapping) or not isinstance(form.get("json_schema"), Mapping):
        return 0
    return PER_SCHEMA + count(json.dumps(form["json_schema"].get("schema"), separators=(",", ":")))
