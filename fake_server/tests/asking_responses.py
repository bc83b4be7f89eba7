"""Asking for responses through the official SDK, and what tests of them share."""

from __future__ import annotations

from typing import Any

import openai

from fake_server import FakeServer

MODEL = "gpt-4o"


def ask(client: openai.OpenAI, text: Any = "hi", **more: Any) -> Any:
    return client.responses.create(**{"model": MODEL, "input": text, **more})


def show_messages(server: FakeServer) -> None:
    """Answer with every message that the model is shown."""
    text = "{% for message in messages %}[{{ message.text }}]{% endfor %}"
    server.script({"name": "show", "reply": {"template": True, "text": text}})


def items_of(client: openai.OpenAI, name: str) -> list[Any]:
    return list(client.conversations.items.list(name, order="asc"))
