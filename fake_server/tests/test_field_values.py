"""Values of header fields are checked where they are loaded or armed: none can break the head it is written into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from fake_server import FakeServer
from fake_server.faults import FaultError, parse
from fake_server.scripts.book import ScriptError
from fake_server.scripts.book import parse as parse_scripts
from fake_server.wire.exchange import Exchange, Framing, Request, Write
from fake_server.wire.fixture import Fixture as Saved
from fake_server.wire.fixture import FixtureError, load, save

pytestmark = pytest.mark.security("raw HTTP")
WRONG = ["a\r\nEvil: 1", "a\nEvil: 1", "a\rEvil: 1", "a\0b", "€", "\x7f", "a\u2028b", "\x85"]
FAULTS: dict[str, Any] = {
    "header": lambda value: {"fault": "header", "name": "x-a", "value": value},
    "reply": lambda value: {"fault": "reply", "headers": {"x-a": value}},
    "content type": lambda value: {"fault": "reply", "content_type": value},
    "preflight": lambda value: {"fault": "preflight", "headers": {"x-a": value}},
}
REPLIES: dict[str, Any] = {
    "error": lambda value: {"error": {"status": 429, "message": "m", "headers": {"x-a": value}}},
    "raw": lambda value: {"raw": {"body": "b", "headers": {"x-a": value}}},
    "faults": lambda value: {"text": "t", "faults": [{"fault": "header", "name": "x-a", "value": value}]},
}


@pytest.mark.parametrize("value", WRONG, ids=ascii)
@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_says_what_no_header_field_can_have(kind: str, value: str) -> None:
    with pytest.raises(FaultError, match="must be one line of Latin-1, without"):
        parse(FAULTS[kind](value))


@pytest.mark.parametrize("value", WRONG, ids=ascii)
@pytest.mark.parametrize("kind", REPLIES)
def test_a_script_says_what_no_header_field_can_have(kind: str, value: str) -> None:
    with pytest.raises(ScriptError, match="must be one line of Latin-1, without"):
        parse_scripts([{"name": "a", "reply": REPLIES[kind](value)}])


@pytest.mark.parametrize("value", ["", "a b", "é\xff", "a\tb", '"a", b;c=1'], ids=ascii)
def test_what_a_header_field_can_have_passes(value: str) -> None:
    for item in FAULTS.values():
        parse(item(value))
    parse_scripts([{"name": kind, "reply": item(value)} for kind, item in REPLIES.items()])


@pytest.mark.parametrize("value", WRONG[:6], ids=ascii)
def test_a_template_cannot_break_a_head(value: str) -> None:
    with FakeServer([], plain=True) as fake:
        for kind in ("error", "raw"):
            fake.reply({"template": True, **REPLIES[kind]("{{ request.messages[0].content }}")})
            body = {"model": "gpt-4o", "messages": [{"role": "user", "content": value}]}
            reply = httpx2.post(f"{fake.base_url}/chat/completions", json=body)
            assert (reply.status_code, "evil" in reply.headers) == (500, False)
            assert "must be one line of Latin-1" in reply.json()["error"]["message"]


@pytest.mark.parametrize("written", [r'"a\r\nEvil: 1"', r'"a\nb"', r'"a\rb"', r'"a\0b"', '"€"'])
@pytest.mark.parametrize("place", ["VALUE", "NAME", "REASON", "TRAILER"])
def test_a_fixture_with_a_head_that_breaks_is_refused_with_its_line(tmp_path: Path, written: str, place: str) -> None:
    exchange = Exchange(
        Request("POST", "/v1/chat/completions", (), b"{}"),
        200,
        (("NAME", "VALUE"), ("Transfer-Encoding", "chunked")),
        (Write(b"{}"),),
        framing=Framing.CHUNKED,
        reason="REASON",
        trailers=(("X-T", "TRAILER"),),
    )
    save(Saved(exchange), tmp_path / "a.yaml")
    path = tmp_path / "b.yaml"
    path.write_text((tmp_path / "a.yaml").read_text().replace(place, written), encoding="utf-8")
    with pytest.raises(FixtureError, match=r"b\.yaml:\d+.* a head's lines are Latin-1 without line breaks or NUL"):
        load(path)
