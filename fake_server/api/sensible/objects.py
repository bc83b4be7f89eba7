"""Write the JSON that `response_format` asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from fake_server.api import chat_request
from fake_server.api.sensible import filler, hints, words
from fake_server.api.sensible.vocabulary import PATTERNS, UNDERSTOOD

MAX_KEYS = 20
_QUOTED = re.compile(r"[\"'`“]([A-Za-z_]\w{0,40})[\"'`”]")
_PLAIN_WORD = re.compile(r"[A-Za-z_]\w*")


def write_json(request: Mapping[str, Any], seed: int, index: int = 0) -> str:
    """Write JSON text that is valid for the schema, or else has the keys named in the messages."""
    question = chat_request.last_user_text(request)
    if chat_request.response_format(request) == "json_schema":
        value = filler.fill(chat_request.response_schema(request), question, seed, index)
    else:
        value = _make_object(request, question, seed, index)
    return json.dumps(value, ensure_ascii=False)


def _make_object(request: Mapping[str, Any], question: str, seed: int, index: int) -> dict[str, Any]:
    for text in (question, chat_request.system_text(request)):
        example = hints.find_json_object(text)
        if example:
            return example
        names = find_keys(text)
        if names:
            schema = {"type": "object", "properties": {name: _guess_schema(name) for name in names}, "required": names}
            value = filler.fill(schema, question, seed, index)
            return value if isinstance(value, dict) else {}
    return {"answer": words.write_text(request, seed, index)}


def find_keys(text: str) -> list[str]:
    """Find the keys a text names: `with keys name and age`, `"why" and "how" keys`, `fields: a, b`."""
    before = PATTERNS["keys_before"].finditer(text[: hints.MAX_TEXT])
    keys = [name for match in before for name in _QUOTED.findall(match.group(1))]
    match = PATTERNS["keys"].search(text[: hints.MAX_TEXT])
    if match and not keys:
        quoted = list(hints.find_quoted(match.group(1)))
        for part in quoted or re.split(r",|\band\b", match.group(1)):
            named = _PLAIN_WORD.findall(part)
            if named[1:] and named[0].lower() in UNDERSTOOD["not_keys"]:
                break
            keys += named[:1]
    return list(dict.fromkeys(keys))[:MAX_KEYS]


def _guess_schema(name: str) -> dict[str, Any]:
    """Guess the schema of a member from its name."""
    name_words = set(hints.split_words(name))
    if name_words & UNDERSTOOD["whole_numbers"]:
        return {"type": "integer"}
    if name_words & UNDERSTOOD["lists"]:
        return {"type": "array", "items": {"type": "string"}, "minItems": 2}
    return {"type": "string"}
