"""Any two replies can be compared: legal ones, broken ones, hostile ones, and drawn ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_tests.diffing import Comparison, Kind
from contract_tests.tests.diff_pairs import (
    DICT,
    STREAM,
    between,
    events,
    rows,
)
from contract_tests.tests.shared import ROOT
from contract_tests.tests.test_legal_variations import CONFORMING, varied
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange


@pytest.mark.parametrize("path", CONFORMING, ids=lambda path: path.stem)
def test_legal_variations_show_as_what_they_are(path: Path) -> None:
    exchange = fixture.load(path).exchange
    for name, variant in varied(exchange):
        found = {one.kind for one in between(exchange, variant).differences}
        also = {
            "other order": {Kind.ORDER},
            "more members": {Kind.SHAPE, Kind.ORDER},
            "dated model": {Kind.SHAPE},
        }
        assert found <= {Kind.FRAMING, *also.get(name, set())}, name


BROKEN = fixture.find(ROOT / "fixtures" / "broken")


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_fixture_is_the_same_as_itself_and_unlike_another_both_ways(path: Path) -> None:
    exchange = fixture.load(path).exchange
    assert between(exchange, exchange).differences == ()
    other = fixture.load(ROOT / "fixtures" / "conforming" / "poem-stream.yaml").exchange
    assert mirrored(between(exchange, other)) == sorted_rows(between(other, exchange))


def mirrored(found: Comparison) -> list[tuple[str, str, str, str]]:
    return sorted((kind, where, b, a) for kind, where, a, b in rows(found))


def sorted_rows(found: Comparison) -> list[tuple[str, str, str, str]]:
    return sorted(rows(found))


DEEP = b'{"choices":' + b"[" * 5000 + b"]" * 5000 + b"}"
HOSTILE: dict[str, bytes] = {
    "deep": DEEP,
    "deep in an event": b"data: " + DEEP + b"\n\n",
    "deep but read": b'{"x":' * 190 + b"1" + b"}" * 190,
    "not UTF-8": b'{"id": "\xff\xfe", "choices": [{"message": {"\xff": 1}}]}',
    "many names": json.dumps({str(number): number for number in range(50_000)}).encode(),
    "many events": b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n' * 5_000,
    "lone surrogates": b'{"id":"\\ud800","object":"\\udfff","choices":[]}',
    "a huge number": b'{"created":' + b"9" * 5000 + b"}",
    "NaN": b'{"created": NaN, "choices": null}',
    "wrong everywhere": b'{"choices":[null,1,"x",[],{"index":"a","delta":[]}],"error":0,"usage":[]}',
    "wrong in events": b'data: {"choices":[{"index":[],"delta":{"tool_calls":[1,{"function":[]}]}}]}\n\ndata: 7\n\n',
    "only a mark": b"\xef\xbb\xbf",
    "control characters": b'data: {"type":"\\u001b[2J","x":1}\n\n',
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("like", [DICT, STREAM], ids=["dict", "stream"])
def test_hostile_replies_are_compared_all_the_same(like: Exchange, body: bytes) -> None:
    hostile = like.with_payload(body)
    assert between(hostile, hostile).differences == ()
    assert mirrored(between(like, hostile)) == sorted_rows(between(hostile, like))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "choices", "delta", "message", "content", "usage", "x"]), inner)
    ),
    max_leaves=12,
)
BODIES = (
    st.binary(max_size=60)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.lists(JSON, max_size=4).map(lambda found: b"".join(write.data for write in events(*found)))
)


@settings(max_examples=120, deadline=None)
@given(BODIES, BODIES, st.sampled_from([DICT, STREAM]))
def test_any_two_bodies_can_be_compared(one: bytes, other: bytes, like: Exchange) -> None:
    a, b = like.with_payload(one), like.with_payload(other)
    assert between(a, a).differences == ()
    assert mirrored(between(a, b)) == sorted_rows(between(b, a))
