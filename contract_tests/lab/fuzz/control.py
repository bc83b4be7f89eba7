"""Part `control`: what is put in force under /__fake__/ is taken or refused in words, and requests go on.

Each value is played in a space of its own, which is dropped afterwards.
"""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from hypothesis import strategies as st

from contract_tests.lab.fuzz.asked import EXAMPLES
from contract_tests.lab.fuzz.client import LONGEST, calm, captured, request_bytes, send
from contract_tests.lab.fuzz.part import Part
from contract_tests.lab.fuzz.serving import Served
from contract_tests.lab.fuzz.values import TEXTS, changed
from fake_server.faults import CATALOGUE
from fake_server.server.openapi.control import EXAMPLES as ADDED
from fake_server.wire.exchange import Exchange, Request

Step = tuple[str, str, Any]
"""Method, path and body of one request."""
BRIEF = 0.3
"""Seconds that a client waits for a reply that a fault may keep back."""
_FAULTS = [
    {"fault": name, **one}
    for name in CATALOGUE
    for one in ({}, {"after_events": 1}, {"times": 2}, {"probability": 0.5})
]
_WRITTEN = {path: list(examples.values()) for path, examples in ADDED.items()}
_WRITTEN["/__fake__/faults"] += _FAULTS
_ADDS = st.sampled_from(list(_WRITTEN)).flatmap(
    lambda path: st.tuples(st.just("POST"), st.just(path), changed(st.sampled_from(_WRITTEN[path]), most=2))
)
_LOOKS = st.sampled_from(
    [
        *(("GET", f"/__fake__{path}", None) for path in ("", "/requests", "/scripts", "/faults", "/spaces")),
        *(("GET", f"/__fake__/requests?limit={one}", None) for one in ("0", "-1", "9" * 5000, "1.5", "%00")),
        *(("DELETE", f"/__fake__/{path}", None) for path in ("requests", "scripts", "faults", "scripts/x")),
        ("DELETE", "/__fake__/faults/cut%201", None),
        ("POST", "/__fake__/reset", None),
        ("POST", "/__fake__/reset?all=x", None),
        ("GET", "/metrics", None),
        ("GET", "/v1/chat/completions?limit=3", None),
        ("GET", "/v1/models", None),
    ]
)
_ASKS = st.sampled_from(EXAMPLES).flatmap(
    lambda one: st.tuples(st.just("POST"), st.just(f"/v1{one[0]}"), changed(st.just(one[1]), most=1))
)
STEPS = st.lists(
    _ADDS | _ADDS | _LOOKS | _ASKS | st.tuples(st.just("POST"), st.just("/__fake__/faults"), TEXTS),
    max_size=6,
)
_count = count()


def check(served: Served, steps: list[Step]) -> None:
    space = f"s{next(_count)}"
    for step in [*steps, *_LAST]:
        _answered(served, space, *step)
    exchange = _answered(served, "", "DELETE", f"/__fake__/spaces/{space}", None)
    assert exchange.status == 204


_LAST: list[Step] = [
    ("POST", "/v1/chat/completions", {**EXAMPLES[0][1], "stream": True}),
    ("GET", "/__fake__/requests", None),
    ("GET", "/__fake__/scripts", None),
    ("GET", "/__fake__/faults", None),
]


def _answered(served: Served, space: str, method: str, path: str, body: Any) -> Exchange:
    data = b"" if body is None else json.dumps(body).encode()
    fields = (("content-type", "application/json"), ("x-fake-space", space))
    request = Request(method, path, fields if space else fields[:1], data)
    controls = not path.startswith("/v1")
    got = send(served.port, [request_bytes(request)], LONGEST if controls else BRIEF)
    calm(served)
    exchange = captured(request, got.data)
    if controls:
        assert got.ended
        assert exchange.status is not None
        assert exchange.status < 500, exchange.payload[:300]
        assert exchange.status == 204 or path == "/metrics" or isinstance(json.loads(exchange.payload), dict)
    return exchange


PART = Part(
    "control",
    "scripts, replies and faults in force, whatever they say",
    STEPS,
    check,
    served=True,
    examples=40,
)
