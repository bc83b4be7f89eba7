"""Part `control`: whatever is sent to /__fake__/ is accepted or refused with a message, and the API goes on.

Each value has a space of its own, which is deleted afterwards.
"""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from hypothesis import strategies as st

from contract_tests.lab.fuzz.client import LONGEST, check_log, first_exchange, request_bytes, send
from contract_tests.lab.fuzz.fake_process import FakeProcess
from contract_tests.lab.fuzz.part import Part
from contract_tests.lab.fuzz.requests import EXAMPLES
from contract_tests.lab.fuzz.values import TEXTS, mutations
from fake_server.faults import CATALOGUE
from fake_server.server.openapi.control import EXAMPLES as ADDED
from fake_server.wire.exchange import Exchange, Request

Step = tuple[str, str, Any]
"""Method, path and body of one request."""
BRIEF = 0.3
"""Seconds that a client waits for a reply that a fault may hold back."""
_FAULTS = [
    {"fault": name, **members}
    for name in CATALOGUE
    for members in ({}, {"after_events": 1}, {"times": 2}, {"probability": 0.5})
]
_WRITTEN = {path: list(examples.values()) for path, examples in ADDED.items()}
_WRITTEN["/__fake__/faults"] += _FAULTS
_ADDS = st.sampled_from(list(_WRITTEN)).flatmap(
    lambda path: st.tuples(st.just("POST"), st.just(path), mutations(st.sampled_from(_WRITTEN[path]), most=2))
)
_LOOKS = st.sampled_from(
    [
        *(("GET", f"/__fake__{path}", None) for path in ("", "/requests", "/scripts", "/faults", "/spaces")),
        *(("GET", f"/__fake__/requests?limit={limit}", None) for limit in ("0", "-1", "9" * 5000, "1.5", "%00")),
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
    lambda example: st.tuples(st.just("POST"), st.just(f"/v1{example[0]}"), mutations(st.just(example[1]), most=1))
)
STEPS = st.lists(
    _ADDS | _ADDS | _LOOKS | _ASKS | st.tuples(st.just("POST"), st.just("/__fake__/faults"), TEXTS),
    max_size=6,
)
_count = count()


def check(fake: FakeProcess, steps: list[Step]) -> None:
    space = f"s{next(_count)}"
    for step in [*steps, *_LAST]:
        _send_step(fake, space, *step)
    exchange = _send_step(fake, "", "DELETE", f"/__fake__/spaces/{space}", None)
    assert exchange.status == 204


_LAST: list[Step] = [
    ("POST", "/v1/chat/completions", {**EXAMPLES[0][1], "stream": True}),
    ("GET", "/__fake__/requests", None),
    ("GET", "/__fake__/scripts", None),
    ("GET", "/__fake__/faults", None),
]


def _send_step(fake: FakeProcess, space: str, method: str, path: str, body: Any) -> Exchange:
    data = b"" if body is None else json.dumps(body).encode()
    fields = (("content-type", "application/json"), ("x-fake-space", space))
    request = Request(method, path, fields if space else fields[:1], data)
    controls = not path.startswith("/v1")
    received = send(fake.port, [request_bytes(request)], LONGEST if controls else BRIEF)
    check_log(fake)
    exchange = first_exchange(request, received.data)
    if controls:
        assert received.ended
        assert exchange.status is not None
        assert exchange.status < 500, exchange.payload[:300]
        assert exchange.status == 204 or path == "/metrics" or isinstance(json.loads(exchange.payload), dict)
    return exchange


PART = Part(
    "control",
    "scripts, replies and faults are accepted or refused, whatever they say",
    STEPS,
    check,
    asks_fake=True,
    examples=40,
)
