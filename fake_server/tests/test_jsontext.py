"""JSON text: what a lenient parser hides is said aloud, and members are found by byte."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_server.wire.jsontext import Locator, Path, parse

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_good_text_has_no_problems(value: Any, indent: int | None, ascii_only: bool) -> None:
    document = parse(json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))
    if not any(problem.kind == "encoding" for problem in document.problems):
        assert (document.value, document.problems, document.ok) == (value, (), True)


@pytest.mark.parametrize(
    ("text", "kind", "offset", "ok"),
    [
        (b"", "syntax", 0, False),
        (b'{"a":1', "syntax", 6, False),
        ('{"é": x}'.encode(), "syntax", 7, False),
        (b"{} {}", "syntax", 3, False),
        (b"{'a': 1}", "syntax", 1, False),
        (b'{"a": "\xff"}', "encoding", 7, True),
        (b"\xef\xbb\xbf{}", "bom", 0, True),
        (b'{"a":1,"b":2,"a":3}', "duplicate", 13, True),
        (b"[1, NaN]", "number", 4, True),
        (b"[-Infinity]", "number", 1, True),
        (b"9" * 5000, "number", 0, False),
        (b"[" * 201 + b"]" * 201, "depth", 200, False),
        (b"[" * 1_000_000, "depth", 999_999, False),
    ],
)
def test_bad_text_is_named_with_its_byte(text: bytes, kind: str, offset: int, ok: bool) -> None:
    document = parse(text)
    assert (document.problems[0].kind, document.problems[0].offset) == (kind, offset)
    assert document.ok is ok


def test_depth_counts_no_strings_and_problems_are_capped() -> None:
    assert parse(json.dumps("[" * 500).encode()).ok
    assert parse(b"[" * 200 + b"]" * 200).ok
    assert len(parse(b"[" + b"NaN," * 100 + b"1]").problems) == 20


@given(st.binary(max_size=60))
def test_any_bytes_are_read_without_raising(text: bytes) -> None:
    parse(text)
    Locator(text).find(("a", 0))


@given(st.text(alphabet='{}[]",:\\ ab1', max_size=40))
def test_nearly_json_is_read_without_raising(text: str) -> None:
    document = parse(text.encode())
    assert document.ok or document.problems
    Locator(text.encode()).find(("a", 1, "b"))


@pytest.mark.parametrize("piece", [b'"', b'"\\', b'{"a":', b"[", b'"a\\"', b",", b"{}"])
def test_reading_is_not_quadratic(piece: bytes) -> None:
    text = (piece * 400_000)[:400_000]
    started = time.process_time()
    parse(text)
    Locator(text).find(("a", "a"))
    assert time.process_time() - started < 5


def paths(value: Any, path: Path = ()) -> list[tuple[Path, Any]]:
    found: list[tuple[Path, Any]] = [(path, value)]
    if isinstance(value, dict):
        found += [pair for name, member in value.items() for pair in paths(member, (*path, name))]
    elif isinstance(value, list):
        found += [pair for index, item in enumerate(value) for pair in paths(item, (*path, index))]
    return found


@given(VALUES, st.sampled_from([None, 2]), st.booleans())
def test_every_member_is_found_where_it_stands(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    for path, member in paths(value):
        start = Locator(text).find(path)
        assert start is not None
        assert json.JSONDecoder().raw_decode(text[start:].decode())[0] == member


def test_members_that_are_not_there_are_not_found() -> None:
    text = b'{"a": [1, {"b": 2}], "a": [3]}'
    assert Locator(text).find(("a", 0)) == 27
    for path in (("b",), ("a", 1), ("a", "b"), (0,), ("a", 0, 0)):
        assert Locator(text).find(path) is None
