"""Part `faults`: any faults together, by header, script or control, break the reply but not the server."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import count
from typing import Any

import http_sf
from hypothesis import strategies as st

from contract_tests.lab.fuzz.client import ask, check_log, request_bytes, send
from contract_tests.lab.fuzz.fake_process import FakeProcess
from contract_tests.lab.fuzz.part import Part
from contract_tests.lab.fuzz.requests import EXAMPLES
from fake_server.faults import CATALOGUE, FaultError, parse
from fake_server.wire.exchange import Request

BRIEF = 0.25
"""Seconds that a client waits for what a fault may hold back."""
WAYS = ("header", "script", "control")
_TIMES = st.sampled_from([0, 0.001, 0.02, 0.5, 3600])
_TEXTS = st.sampled_from(
    [
        "", "a", "fin", "rst", "é", "crlf", "cr", "x-a", "content-length", "transfer-encoding",
        "a\r\nb: c", "\0",
    ]
)  # fmt: skip
_NUMBERS = st.sampled_from([0, 1, 2, 3, -1, 5, 17, 64, 200, 204, 299, 400, 404, 429, 503, 599, 100_000, 10**8])
_VALUES = st.booleans() | _NUMBERS | _TIMES | _TEXTS


@st.composite
def some_fault(draw: st.DrawFn) -> dict[str, Any]:
    """A valid fault as an author writes it; a bare one in place of one that is not valid."""
    name = draw(st.sampled_from(list(CATALOGUE)))
    members = [key for key in CATALOGUE[name].model_fields if key != "fault"]
    fault = {"fault": name, **draw(st.dictionaries(st.sampled_from(members), _VALUES, max_size=3))}
    try:
        parse(fault)
    except FaultError:
        fault = {"fault": name}
    return fault


_POSTS = [("POST", path, {**body, **more}) for path, body in EXAMPLES for more in ({}, {"stream": True})]
_GETS = [(method, path, None) for method in ("GET", "HEAD") for path in ("/models", "/models/a", "/chat/completions")]
ASKS = st.sampled_from(_POSTS) | st.sampled_from(_GETS)
VALUES = st.tuples(
    st.lists(some_fault(), min_size=1, max_size=4),
    st.sampled_from(WAYS),
    ASKS,
    st.sampled_from(["1.1", "1.0"]),
)
_count = count()


def check(fake: FakeProcess, value: tuple[list[dict[str, Any]], str, tuple[str, str, Any], str]) -> None:
    faults, way, (method, path, body), version = value
    space = f"f{next(_count)}"
    fields = [("content-type", "application/json"), ("x-fake-space", space)]
    if way == "header":
        fields.append(("x-fake-fault", fault_header(faults)))
    elif way == "script":
        _put(fake, space, "scripts", {"reply": {"text": "a b c", "faults": faults}})
    else:
        _put(fake, space, "faults", faults)
    request = Request(method, f"/v1{path}", tuple(fields), b"" if body is None else json.dumps(body).encode())
    send(
        fake.port,
        [request_bytes(request).replace(b" HTTP/1.1\r\n", b" HTTP/%s\r\n" % version.encode(), 1)],
        BRIEF,
    )
    check_log(fake)
    journal = ask(fake, Request("GET", "/__fake__/requests", (("x-fake-space", space),), b""))
    assert json.loads(journal.payload)["requests"][0]["method"] == method
    ask(fake, Request("DELETE", f"/__fake__/spaces/{space}", (), b""))


def fault_header(faults: list[dict[str, Any]]) -> str:
    """The value of the header `x-fake-fault`, without what a structured field cannot hold."""
    items: Any = []
    for fault in faults:
        parameters = {
            key: Decimal(str(value)) if isinstance(value, float) else value
            for key, value in fault.items()
            if key != "fault" and (not isinstance(value, str) or _is_plain(value))
        }
        items.append((http_sf.Token(fault["fault"]), parameters))
    return str(http_sf.ser(items))


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _put(fake: FakeProcess, space: str, where: str, value: Any) -> None:
    fields = (("content-type", "application/json"), ("x-fake-space", space))
    exchange = ask(fake, Request("POST", f"/__fake__/{where}", fields, json.dumps(value).encode()))
    assert exchange.status == 201, exchange.payload


PART = Part(
    "faults",
    "any faults together break the reply but not the server",
    VALUES,
    check,
    asks_fake=True,
    examples=40,
)
