"""The example of the page about importing is code that runs."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from contract_tests.recordings.files import read_json_lines
from contract_tests.recordings.importing import InputError
from contract_tests.tests.shared import ROOT

URL = "https://api.example.invalid/v1/chat/completions"


def test_the_example_of_the_page_works(tmp_path: Path) -> None:
    page = (ROOT / "contract_tests" / "recordings" / "importing" / "README.md").read_text()
    reader, lines = (textwrap.dedent(f"   {code}") for code in re.findall(r"```python\n   (.*?)\n   ```", page, re.S))
    postbox: dict[str, Any] = {}
    exec(reader, postbox)
    reply = {"status": 200, "headers": {"content-type": "application/json"}, "text": '{"a": "\ud800"}'}
    asked = {"method": "POST", "url": URL, "json": {"model": "m"}}
    letters = [
        {"ask": {"method": "GET", "url": URL.replace("chat/completions", "models")}, "reply": reply},
        {"ask": asked, "reply": reply},
        {"ask": {**asked, "url": "https://h.invalid/logo.png"}, "reply": reply},
    ]
    models, chat, skipped = postbox["entries"]({"letters": letters}, "x")
    assert (models.exchange.request.body, chat.exchange.request.body) == (b"", b'{"model": "m"}')
    assert (chat.where, skipped.reason) == ("letter 1", "not an endpoint of the OpenAI API")
    with pytest.raises(InputError, match="x: letter 0: the member 'ask' is missing"):
        list(postbox["entries"]({"letters": [{"reply": reply}]}, "x"))
    exec(lines, postbox | {"Path": Path, "read_json_lines": read_json_lines}, postbox)
    path = tmp_path / "x"
    path.write_text("".join(f"{json.dumps(letter)}\n" for letter in letters) + "{\n")
    found = postbox["entries"](path)
    assert [next(found), next(found)] == [models, chat]
    with pytest.raises(InputError, match=r"x:4: not JSON: .* at column"):
        list(found)
