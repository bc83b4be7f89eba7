"""Scripts are read again when they change; a mistake keeps those in use, and no request is lost."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import httpx2
import pytest

from fake_server import FakeServer
from fake_server.scripts import watch as script_watch
from fake_server.scripts.book import load
from fake_server.scripts.watch import Watch

ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


def script(path: Path, text: str, stamp: int) -> None:
    path.write_text(text)
    os.utime(path, ns=(stamp, stamp))


def test_changes_are_used_and_mistakes_told(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    told: list[str] = []
    script(path, "- {name: a, reply: {text: one}}", 1)
    with FakeServer([tmp_path]) as fake:
        settings = fake.settings
        watch = Watch([tmp_path], settings.book, lambda book: setattr(settings, "book", book), told.append)

        def said() -> str:
            reply = httpx2.post(f"{fake.base_url}/chat/completions", json=ASKED).json()
            return str(reply["choices"][0]["message"]["content"])

        assert not watch.check()
        assert said() == "one"
        script(path, "- {name: a, reply: {text: two}}", 2)
        assert watch.check()
        assert said() == "two"
        script(path, "- {name: a, reply: {txt: two}}", 3)
        assert watch.check()
        assert not watch.check()
        assert said() == "two"
        (tmp_path / "more.yaml").write_text("- {name: b, reply: {text: three}}")
        script(path, "- {name: a, when: {model: x}, reply: {text: two}}", 4)
        assert watch.check()
        assert said() == "three"
        for file in tmp_path.iterdir():
            file.unlink()
        assert watch.check()
        assert said() == "three"
    assert told[0] == "reloaded 1 script"
    assert told[1].startswith("keeping the scripts in use, because the changed ones cannot be read:\n")
    assert "s.yaml:1: unknown key 'txt' in reply: did you mean 'text'?" in told[1]
    assert told[2] == "reloaded 2 scripts"
    assert "'a' never answers: 'b'" in told[3]
    assert "no *.yaml or *.json file" in told[4]


def test_it_looks_by_itself_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script_watch, "EVERY", 0.01)
    path, read = tmp_path / "s.yaml", threading.Event()
    script(path, "- {name: a, reply: {text: one}}", 1)
    watch = Watch([path], load([path]), lambda book: read.set(), lambda text: None)
    watch.start()
    script(path, "- {name: a, reply: {text: two}}", 2)
    assert read.wait(5)
    watch.stop()


def test_the_bytes_that_a_script_sends_are_read_again_too(tmp_path: Path) -> None:
    path, body = tmp_path / "s.yaml", tmp_path / "body.bin"
    body.write_bytes(b"one")
    script(path, "- {name: a, reply: {raw: {file: body.bin}}}", 1)
    told: list[str] = []
    with FakeServer([path]) as fake:
        settings = fake.settings
        watch = Watch([path], settings.book, lambda book: setattr(settings, "book", book), told.append)

        def sent() -> bytes:
            return httpx2.post(f"{fake.base_url}/chat/completions", json=ASKED).content

        assert not watch.check()
        body.write_bytes(b"the other")
        assert watch.check()
        assert not watch.check()
        assert sent() == b"the other"
        body.unlink()
        assert watch.check()
        assert not watch.check()
        assert sent() == b"the other"
        body.write_bytes(b"back again")
        assert watch.check()
        assert not watch.check()
        assert sent() == b"back again"
    assert [line.partition("\n")[0] for line in told] == [
        "reloaded 1 script",
        "keeping the scripts in use, because the changed ones cannot be read:",
        "reloaded 1 script",
    ]
