"""The Exchange: headers, media type, JSON of a request, cutting a payload into writes."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_server.tests.strategies import cut
from fake_server.wire.exchange import Aspect, Exchange, Request, Write, header

HEADERS = (("Content-Type", "Text/Event-Stream; charset=utf-8"), ("x-a", "1"), ("X-A", "2"))
EXCHANGE = Exchange(Request("GET", "/v1/models?limit=1"), 200, HEADERS, (Write(b"a"), Write(b"b", 0.5)))


def test_headers_are_found_in_any_case_and_joined() -> None:
    assert EXCHANGE.header("X-a") == "1, 2"
    assert EXCHANGE.header("absent") is None
    assert header(None, "x-a") is None


def test_media_type_is_lower_case_without_parameters() -> None:
    assert EXCHANGE.media_type == "text/event-stream"
    assert EXCHANGE.but(headers=()).media_type is None


def test_payload_path_and_copies() -> None:
    assert EXCHANGE.payload == b"ab"
    assert EXCHANGE.request.path == "/v1/models"
    assert EXCHANGE.with_payload(b"new").writes == (Write(b"new"),)
    assert EXCHANGE.with_payload(b"").writes == ()
    assert EXCHANGE.but(status=500).status == 500


def test_an_exchange_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        EXCHANGE.status = 500  # type: ignore[misc]


def test_what_is_not_known_is_not_known() -> None:
    vague = EXCHANGE.but(unknown=frozenset({Aspect.TIMING}))
    assert vague.knows(Aspect.HEADERS)
    assert not vague.knows(Aspect.HEADERS, Aspect.TIMING)


@pytest.mark.parametrize(
    ("body", "value"),
    [(b'{"a": 1}', {"a": 1}), (b"", None), (b"{", None), (b"\xff", None), (b"[" * 100_000, None)],
)
def test_the_json_of_a_request_never_raises(body: bytes, value: object) -> None:
    assert Request("POST", "/", body=body).json() == value


@given(st.binary(max_size=50), st.lists(st.integers(-2, 20), max_size=10))
def test_cutting_loses_nothing_and_makes_no_empty_write(payload: bytes, sizes: list[int]) -> None:
    writes = cut(payload, sizes)
    assert b"".join(write.data for write in writes) == payload
    assert all(write.data for write in writes)
