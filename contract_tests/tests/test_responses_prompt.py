"""A prompt template comes back as it was sent, in the form that api.openai.com is recorded to give it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from contract_tests.tests.test_responses import broken, load

PICTURE = {"type": "input_image", "image_url": "https://example.invalid/tree.png"}
BACK = {"type": "input_image", "detail": "auto", "file_id": None, "image_url": PICTURE["image_url"]}
TEXT = {"type": "input_text", "text": "a tree"}
FILE = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}

VARIABLES: dict[str, tuple[Any, Any, bool]] = {
    "a text": ("a tree", TEXT, True),
    "a text as a part": (TEXT, TEXT, True),
    "a picture": (PICTURE, BACK, True),
    "a picture whose place was not asked for": (PICTURE, {**BACK, "image_url": None}, True),
    "a file": (FILE, {"type": "input_file", "file_id": None, "filename": "a.pdf"}, True),
    "another text": ("a tree", {**TEXT, "text": "a"}, False),
    "a text that is none": ("a tree", {**TEXT, "text": None}, False),
    "a bare text": ("a tree", "a tree", False),
    "no variable": ("a tree", None, False),
    "another picture": (PICTURE, {**BACK, "image_url": "https://example.invalid/a.png"}, False),
    "a picture from a file": (PICTURE, {**BACK, "file_id": "file-1"}, False),
    "another detail": ({**PICTURE, "detail": "low"}, BACK, False),
}


@pytest.mark.parametrize("name", VARIABLES)
def test_variables_come_back(name: str) -> None:
    sent, back, holds = VARIABLES[name]
    exchange = load("response-prompt-dict")
    request, body = dict(exchange.request.json() or {}), json.loads(exchange.payload)
    request["prompt"]["variables"] = {"topic": sent}
    body["prompt"]["variables"] = {"topic": back} if back is not None else {}
    asked = exchange.but(request=replace(exchange.request, body=json.dumps(request).encode()))
    assert ("responses.prompt" in broken(asked.with_payload(json.dumps(body).encode()))) is not holds


@pytest.mark.parametrize(("member", "value"), [("id", "pmpt_0"), ("version", "3"), ("version", None)])
def test_the_template_is_the_one_that_was_sent(member: str, value: str | None) -> None:
    exchange = load("response-prompt-dict")
    body = json.loads(exchange.payload)
    body["prompt"][member] = value
    assert broken(exchange.with_payload(json.dumps(body).encode())) == {"responses.prompt"}
