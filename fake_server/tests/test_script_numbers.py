"""Scripts that answer without words: vectors, flagged categories, bytes from Base64 and from a file."""

from __future__ import annotations

import base64
import struct
from pathlib import Path
from typing import Any

import httpx2
import pytest

from fake_server import FakeServer
from fake_server.scripts import book
from fake_server.scripts.book import ScriptError

EMBEDDING = {"model": "text-embedding-3-small", "input": ["a dog", "a cat"]}
MODERATION = {"model": "omni-moderation-latest", "input": "I will kill you"}
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "a dog"}]}


def serving(*items: dict[str, Any]) -> FakeServer:
    return FakeServer([{"name": str(number), **item} for number, item in enumerate(items)], seed=1)


def post(fake: FakeServer, path: str, body: dict[str, Any]) -> httpx2.Response:
    return httpx2.post(f"{fake.base_url}/{path}", json=body)


def test_a_vector() -> None:
    with serving(
        {"when": {"messages": {"any": {"contains": "cat"}}}, "reply": {"embedding": [0.5, -1.0]}},
    ) as fake:
        data = post(fake, "embeddings", EMBEDDING).json()["data"]
        assert [one["embedding"] for one in data] == [[0.5, -1.0], [0.5, -1.0]]
        packed = post(fake, "embeddings", {**EMBEDDING, "encoding_format": "base64"}).json()["data"][1]
        assert struct.unpack("<2f", base64.b64decode(packed["embedding"])) == (0.5, -1.0)
        other = post(fake, "embeddings", {**EMBEDDING, "input": "x"}).json()["data"][0]
        assert len(other["embedding"]) == 1536


def test_answers_in_words_and_in_numbers_keep_apart() -> None:
    with serving(
        {"name": "vector", "reply": {"embedding": [1.0]}},
        {"name": "words", "reply": {"text": "woof"}},
    ) as fake:
        assert post(fake, "chat/completions", CHAT).json()["choices"][0]["message"]["content"] == "woof"
        assert post(fake, "embeddings", EMBEDDING).json()["data"][0]["embedding"] == [1.0]
        assert post(fake, "moderations", MODERATION).json()["results"][0]["flagged"] is True
        assert [one.script for one in fake.requests] == ["words", "vector", None]


def test_flagged_categories() -> None:
    with serving(
        {"times": 1, "reply": {"flagged": ["hate", "sexual/minors"]}},
        {"fallback": True, "reply": {"flagged": []}},
    ) as fake:
        result = post(fake, "moderations", MODERATION).json()["results"][0]
        assert {name for name, is_so in result["categories"].items() if is_so} == {"hate", "sexual/minors"}
        assert result["flagged"] is True
        assert result["category_scores"]["hate"] > 0.5 > result["category_scores"]["violence"]
        assert post(fake, "moderations", MODERATION).json()["results"][0]["flagged"] is False


def test_templates_and_callables_answer_without_words_too() -> None:
    told = {"template": True, "error": {"status": 429, "message": "not {{ last }}"}}
    items: list[dict[str, Any]] = [
        {"name": "e", "when": {"model": "text-embedding-3-large"}, "reply": told},
        {"name": "f", "when": {"endpoint": "embeddings"}, "reply": lambda asked: {"embedding": [2]}},
        {"name": "g", "when": {"endpoint": "moderations"}, "reply": lambda asked: "words"},
    ]
    with FakeServer(items) as fake:
        refused = post(fake, "embeddings", {**EMBEDDING, "model": "text-embedding-3-large"})
        assert (refused.status_code, refused.json()["error"]["message"]) == (429, "not a cat")
        assert post(fake, "embeddings", EMBEDDING).json()["data"][0]["embedding"] == [2]
        failed = post(fake, "moderations", MODERATION)
        assert failed.status_code == 500
        assert "gave a reply that moderations cannot answer with" in failed.json()["error"]["message"]


def test_faults_alone_break_the_answer_given_without_a_script() -> None:
    faults = [{"fault": "header", "name": "x-a", "value": "b"}]
    with serving({"when": {"endpoint": "embeddings"}, "reply": {"faults": faults}}) as fake:
        answer = post(fake, "embeddings", EMBEDDING)
        assert (answer.headers["x-a"], len(answer.json()["data"])) == ("b", 2)


def test_bytes(tmp_path: Path) -> None:
    (tmp_path / "body.bin").write_bytes(b"\x00\xff{")
    path = tmp_path / "s.yaml"
    path.write_text(
        "- {name: a, when: {model: a}, reply: {raw: {file: body.bin, headers: {content-type: image/png}}}}\n"
        "- {name: b, when: {model: b}, reply: {raw: {base64: /////w==, status: 418}}}\n"
        "- name: c\n  reply: {template: true, raw: {file: body.bin, headers: {x-m: '{{ last }}'}}}\n"
    )
    with FakeServer(path) as fake:
        first = post(fake, "chat/completions", {**CHAT, "model": "a"})
        assert (first.content, first.headers["content-type"]) == (b"\x00\xff{", "image/png")
        second = post(fake, "chat/completions", {**CHAT, "model": "b", "stream": True})
        assert (second.status_code, second.content) == (418, b"\xff\xff\xff\xff")
        third = post(fake, "chat/completions", {**CHAT, "model": "c"})
        assert (third.content, third.headers["x-m"]) == (b"\x00\xff{", "a dog")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("- name: a\n  reply:\n    raw: {file: none.bin}\n")
    with pytest.raises(ScriptError, match=r"s\.yaml:3: reply\.raw: file: 'none\.bin' cannot be read: No such"):
        book.load([path])
