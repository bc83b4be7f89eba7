"""The JSON Schema of a fixture's head, from the keys and words that `fixture_reading` takes.

A schema cannot say everything: that sizes add up and that a body file is there, the reader checks.
"""

from __future__ import annotations

from enum import StrEnum

from fake_server.wire.exchange import Aspect, Ending, Framing
from fake_server.wire.fixture_reading import BODY_KEYS, HEAD_KEYS, NOT_IN_LINE, REQUEST_KEYS, RESPONSE_KEYS
from fake_server.wire.schemas import DRAFT, Schema, list_keys, urn

SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
"""What is read as a text: YAML takes a title of digits for a number."""
LINE: Schema = {**SCALAR, "not": {"type": "string", "pattern": NOT_IN_LINE.pattern}}
HEADERS: Schema = {
    "type": "array",
    "items": {"type": "array", "minItems": 2, "maxItems": 2, "items": LINE},
}
BODY: Schema = {
    "type": ["object", "null"],
    "maxProperties": 1,
    **list_keys(
        {
            "file": {**SCALAR, "description": "raw bytes beside the head", "pattern": r"^[^/\u0000]+$"},
            "text": {**SCALAR, "description": "UTF-8"},
            "json": {"description": "sent as compact JSON"},
        },
        BODY_KEYS,
    ),
}
SIZES: Schema = {
    "type": ["array", "null"],
    "items": {"type": "array", "minItems": 1, "items": {"type": "number"}},
    "description": "[size in bytes, pause in seconds] of each",
}


def schema(mark: str, version: int) -> Schema:
    """The schema of a head whose first key is `mark`."""
    request = {"method": SCALAR, "target": SCALAR, "headers": _or_null(HEADERS), "body": BODY}
    response = {
        "status": {"type": ["integer", "null"], "description": "null: no reply came"},
        "reason": LINE,
        "http_version": LINE,
        "headers": HEADERS,
        "informational": {
            "type": "array",
            "items": {"type": "array", "minItems": 2, "maxItems": 2, "prefixItems": [{"type": "integer"}, HEADERS]},
        },
        "framing": _words(Framing),
        "trailers": HEADERS,
        "head_pause": {"type": "number", "description": "seconds before the status line"},
        "body": BODY,
        "writes": SIZES,
        "raw": BODY,
        "reads": SIZES,
    }
    recorded = {"type": ["string", "integer", "null"], "pattern": r"^\d{4}", "description": "a time, or a number"}
    head = {
        mark: {"const": version},
        "title": SCALAR,
        "breaks": {"type": "array", "description": "the rules that it breaks", "items": SCALAR},
        "source": {**SCALAR, "description": "where it was seen"},
        "notes": SCALAR,
        "recorded": recorded,
        "request": {"type": "object", **list_keys(request, REQUEST_KEYS, ("method", "target"))},
        "response": {"type": "object", **list_keys(response, RESPONSE_KEYS, ("status",))},
        "ending": _words(Ending),
        "problem": SCALAR,
        "unknown": {"type": "array", "items": _words(Aspect)},
    }
    return {
        "$schema": DRAFT,
        "$id": urn("fixture", version),
        "title": "A recorded exchange",
        "type": "object",
        **list_keys(head, HEAD_KEYS, (mark, "request", "response")),
    }


def _words(kind: type[StrEnum]) -> Schema:
    return {"enum": [member.value for member in kind]}


def _or_null(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}
