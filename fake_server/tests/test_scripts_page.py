"""SCRIPTS.md: every example loads, every key has its meaning and an example, the tables are fresh."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from contract_tests.lab.pages.scripts_page import MODELS, PAGE, keys, page
from fake_server import FakeServer
from fake_server.scripts import book

TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_load(example: str) -> None:
    assert book.parse(yaml.safe_load(example)).warnings == ()


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


def test_the_tables_are_those_of_the_models() -> None:
    told = TEXT.replace("| `times` |", "| `tymes` |")
    assert page(told) == TEXT


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_every_key_has_a_meaning_and_an_example(model: type[BaseModel]) -> None:
    assert f"<!-- keys of {model.__name__} -->" in TEXT
    assert all(keys(model).values())
    used = written(model)
    missing = {key for key in keys(model) if key not in used and (model.__name__, key) not in TOLD}
    assert not missing


TOLD = {("Raw", "file"), ("Pace", "recorded")}
"""Told in words: a page has no file beside it."""


def written(model: type[BaseModel]) -> set[str]:
    """The keys of this model that some example uses."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, model):
            names = {name: field.alias or name for name, field in type(value).model_fields.items()}
            found.update(names[name] for name in value.model_fields_set)
        if isinstance(value, BaseModel):
            for name in value.model_fields_set:
                walk(getattr(value, name))
        elif isinstance(value, dict):
            for one in value.values():
                walk(one)
        elif isinstance(value, tuple):
            for one in value:
                walk(one)

    for example in EXAMPLES:
        for script in book.parse(yaml.safe_load(example)):
            walk(script)
    return found
