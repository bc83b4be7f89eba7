"""SCRIPTS.md: every example loads, every key stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from fake_server import FakeServer, scripts
from fake_server.script_model import (
    Answer,
    Call,
    Failure,
    Pace,
    Raw,
    Response,
    Script,
    Token,
    UsageNumbers,
    Weighted,
)
from fake_server.script_when import MessagesTest, ModelTest, ResultTest, TextTest, ToolsTest, ValueTest, When

PAGE = Path(__file__).resolve().parents[1] / "SCRIPTS.md"
TEXT = PAGE.read_text(encoding="utf-8")
MODELS = [
    Script, Weighted, When, MessagesTest, TextTest, ModelTest, ToolsTest, ValueTest, ResultTest, Response,
    Answer, Call, Token, UsageNumbers, Pace, Failure, Raw,
]  # fmt: skip


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL))
def test_the_examples_load(example: str) -> None:
    assert scripts.parse(yaml.safe_load(example)).warnings == ()


def test_the_example_in_python_answers() -> None:
    import httpx2

    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "abc"}]}
    told: list[str] = []

    def ask(fake: FakeServer) -> None:
        answer = httpx2.post(f"{fake.base_url}/chat/completions", json=asked).json()
        told.append(answer["choices"][0]["message"]["content"])

    exec(example.replace("...", "ask(fake)"), {"FakeServer": FakeServer, "ask": ask})
    assert told == ["cba"]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_is_on_the_page(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        assert re.search(rf"\b{field.alias or name}\b", TEXT), name
