"""Part `pages`: what a hostile page makes a browser send controls nothing, reads nothing, and never has a key added.

A request is drawn with what makes it hostile: a name that the page let point here, its origin, or what the browser
says of it. It goes to the control of the fake, and to two relays: one that adds a key, and one that adds nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from contract_tests.lab.fuzz.client import ask, check_log, first_exchange, send
from contract_tests.lab.fuzz.fake_process import FakeProcess
from contract_tests.lab.fuzz.part import Part
from fake_server.connection import Connection, Listener
from fake_server.relay.relay import Relay
from fake_server.server.control.operations import OPERATIONS
from fake_server.wire.exchange import Request

log = logging.getLogger("fake_server")
KEY = "sk-fuzz-0123456789abcdefghij"
_OWN = ("localhost", "127.0.0.1", "LOCALHOST", "[::1]", "a.localhost")
_PORTS = st.sampled_from(["", ":", ":80", ":1337", ":99999"])
_LABELS = st.from_regex(r"\A[a-zA-Z0-9-]{1,12}\Z")
_FOREIGN_NAMES = st.one_of(
    st.builds("{}.{}".format, _LABELS, st.sampled_from(["example", "evil.example", "local", "internal", "com"])),
    st.builds("{}.{}.example".format, st.sampled_from(_OWN[:3]), _LABELS),
    st.builds("x{}".format, st.sampled_from(_OWN[:3])),
    _LABELS.map("x-{}".format),
    st.builds("{}@{}".format, st.sampled_from(_OWN[:3]), _LABELS),
    st.builds("{}@{}".format, _LABELS, st.sampled_from(_OWN[:3])),
    st.builds(
        "{}{}x".format, st.sampled_from(_OWN[:3]), st.sampled_from([",", ", ", "/", "?", "#", "\\", "\t", "%00"])
    ),
    st.sampled_from(
        ["localhost..", ".localhost", "l\u00f6calhost", "[::1", "[::1]x", "[a]", "*", "", "0:0:0:0:0:0:0:1"]
    ),
)
_FOREIGN_ORIGINS = st.one_of(
    st.builds("{}://{}{}".format, st.sampled_from(["http", "https", "HTTP", "ws"]), _FOREIGN_NAMES, _PORTS),
    st.sampled_from(["null", "", "file://", "http://", "https://localhost:3000", "http://127.0.0.1:3000", "localhost"]),
    _LABELS,
)
_OWN_URL = re.compile(rf"https?://({'|'.join(map(re.escape, _OWN))})[/?#]")
"""Where a page is the server's own, whatever follows."""
_SITES = st.sampled_from(["cross-site", "same-site", "", "Same-Origin", "cross-site, none"])
_MODES = st.sampled_from(["cors", "no-cors", "navigate", "websocket", ""])
_DESTINATIONS = st.sampled_from(["empty", "script", "image", "iframe", "embed", ""])
_TYPES = st.sampled_from(
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json"]
)
_BODIES = st.sampled_from(
    [b"", b"hello", b"close", b'{"text":"x"}', b'{"fault":"close"}', b'{"reply":{"text":"x"}}', b"text=x", b'["x"]']
)
_PATHS = st.sampled_from(
    [
        *(path.replace("{name}", "x") for _, path, _ in OPERATIONS),
        "/__fake__/",
        "/__fake__/reset?all=true",
        "/__fake__x",
    ]
)
_EMPTY_TOO = ("host", "origin", "sec-fetch-site", "referer")
"""Fields that show a foreign page even where they are empty; others are then left out."""
_METHODS = st.sampled_from(["GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"])
_PREFIXES = st.sampled_from(["", "", "/@pages", "/@new", "/@a b"])


@dataclass(frozen=True)
class Hostile:
    """A request of a hostile page; `token` says how to spoil the token of a relay in its path, None leaves it out."""

    method: str
    path: str
    fields: tuple[tuple[str, str], ...]
    body: bytes
    token: str | None = None

    def request(self, path: str) -> bytes:
        """The request as bytes, at this path."""
        lines = [f"{self.method} {path.replace(' ', '%20')} HTTP/1.1", "connection: close"]
        lines += [f"{name}: {value}" for name, value in self.fields]
        head = "\r\n".join([*lines, f"content-length: {len(self.body)}", "", ""])
        return head.encode("latin-1", "replace") + self.body


@st.composite
def hostile(draw: st.DrawFn) -> Hostile:
    """A request with one thing that shows the foreign page, and whatever else may stand beside it."""
    own = draw(st.sampled_from(_OWN[:3])) + draw(st.sampled_from(["", ":80"]))
    shows = draw(st.sampled_from(["host", "origin", "site", "referer"]))
    fields = {
        "host": own,
        "content-type": draw(_TYPES),
        "sec-fetch-mode": draw(_MODES),
        "sec-fetch-dest": draw(_DESTINATIONS),
    }
    if shows == "host":
        fields["host"] = draw(_FOREIGN_NAMES) + draw(_PORTS)
        fields["origin"], fields["sec-fetch-site"] = f"http://{fields['host']}", "same-origin"
    elif shows == "origin":
        fields["origin"] = draw(_FOREIGN_ORIGINS)
        fields["sec-fetch-site"] = draw(st.sampled_from(["same-origin", "none", "cross-site"]))
    elif shows == "site":
        fields["sec-fetch-site"] = draw(_SITES)
    else:
        fields["referer"] = draw(_FOREIGN_ORIGINS.filter(lambda url: not _OWN_URL.match(url)))
        del fields["sec-fetch-mode"]
    fields |= draw(
        st.dictionaries(
            st.sampled_from(
                ["x-forwarded-host", "forwarded", "x-http-method-override", "x-fake-space", "x-original-url"]
            ),
            st.sampled_from(["localhost", "host=localhost", "DELETE", "pages", "/__fake__/reset"]),
            max_size=2,
        )
    )
    pairs = [(name, value) for name, value in fields.items() if value or name in _EMPTY_TOO]
    token = draw(st.sampled_from([None, "cut", "case", "longer", "query", "twice", "encoded", "later"]))
    return Hostile(
        draw(_METHODS), draw(_PREFIXES) + draw(_PATHS), tuple(draw(st.permutations(pairs))), draw(_BODIES), token
    )


def check(fake: FakeProcess, value: Hostile) -> None:
    before = _state(fake)
    received = send(fake.port, [value.request(value.path)])
    check_log(fake)
    assert received.ended
    _check_refused(received.data, value.method)
    assert _state(fake) == before
    level = log.level
    log.setLevel(logging.ERROR)  # a relay logs what it refuses
    try:
        asyncio.run(_check_relays(value))
    finally:
        log.setLevel(level)


def _state(fake: FakeProcess) -> Mapping[str, Any]:
    """What control can change, as a program sees it."""
    names = ("scripts", "faults", "requests", "spaces")
    return {name: json.loads(ask(fake, Request("GET", f"/__fake__/{name}", (), b"")).payload) for name in names}


def _check_refused(data: bytes, method: str) -> None:
    """Assert that a reply is an error in OpenAI's form that no page may read."""
    exchange = first_exchange(Request(method, "/", (), b""), data)
    assert exchange.status in (400, 403, 404, 421), data[:300]
    assert not [name for name, _ in exchange.headers if name.lower().startswith("access-control-")], exchange.headers
    if method != "HEAD":
        assert set(json.loads(exchange.payload)["error"]) == {"message", "type", "param", "code"}


class _Target(Listener):
    """Counts the connections that a relay makes; a relay that forwards nothing makes none."""

    connections = 0

    async def serve_connection(self, client: Connection) -> None:
        self.connections += 1
        client.drop()


async def _check_relays(value: Hostile) -> None:
    async with _Target() as target:
        url = f"http://127.0.0.1:{target.port}/v1"
        async with Relay(url, extra_headers=[("Authorization", f"Bearer {KEY}")]) as relay:
            data = await _send(relay.port, value.request(_spoil(relay.path, value)))
            _check_refused(data, value.method)
            assert KEY.encode() not in data
        async with Relay(url) as relay:
            _check_refused(await _send(relay.port, value.request(value.path)), value.method)
        assert not target.connections, "the relay forwarded it"


def _spoil(path: str, value: Hostile) -> str:
    """The path that is asked of a relay, with its token in a way that is none."""
    spoiled = {
        "cut": path[:-1],
        "case": path.swapcase(),
        "longer": f"{path}x",
        "query": f"/v1?token={path[1:]}",
        "twice": f"/{path}",
        "encoded": f"/%{ord(path[1]):02x}{path[2:]}",
        "later": f"/v1{path}",
    }
    return spoiled.get(value.token or "", "") + value.path


async def _send(port: int, request: bytes) -> bytes:
    """Send a request and read until the relay hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await asyncio.wait_for(reader.read(-1), 10)
    finally:
        writer.transport.abort()


PART = Part(
    "pages",
    "requests of hostile pages control nothing and are forwarded by no relay",
    hostile(),
    check,
    asks_fake=True,
    examples=60,
)
