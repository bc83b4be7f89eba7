"""The parts of shrinking that know nothing of rules: the search, JSON by spans, edits of a body."""

import gzip
import json
from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_tests.shrinking import spans
from contract_tests.shrinking.editing import edit_body, remove_content_coding, replace_body
from contract_tests.shrinking.search import Exhausted, Search, reduce
from fake_server.wire.exchange import Ending, Exchange, Framing, Request, Write
from fake_server.wire.proof import capture_replay

ASKED = Request("POST", "/v1/chat/completions")


def exchange(payload: bytes, *headers: tuple[str, str], **values: Any) -> Exchange:
    return Exchange(ASKED, 200, headers, (Write(payload),), **values)


@given(st.lists(st.integers(), max_size=60), st.sets(st.integers(0, 59), max_size=4))
def test_reduce_keeps_what_is_needed_and_nothing_else(items: list[int], needed: set[int]) -> None:
    places = list(range(len(items)))
    wanted = needed.intersection(places)

    kept = reduce(places, lambda some: wanted.issubset(some))

    assert set(kept) == wanted
    assert kept == sorted(kept)


def test_reduce_asks_few_questions_about_many_items() -> None:
    asked: list[int] = []

    def test(some: list[int]) -> bool:
        asked.append(len(some))
        return {0, 317, 499}.issubset(some)

    assert reduce(range(500), test) == [0, 317, 499]
    assert len(asked) < 90


@pytest.mark.parametrize("bounds", [{"seconds": 0.0}, {"seconds": 60.0, "max_calls": 0}])
def test_a_search_ends_at_its_bounds_and_keeps_its_best(bounds: dict[str, Any]) -> None:
    whole = exchange(b"{}")
    search = Search(whole, lambda candidate: True, **bounds)

    with pytest.raises(Exhausted):
        search.accepts(exchange(b""))
    assert search.best is whole


def test_a_refused_candidate_is_not_judged_again() -> None:
    search = Search(exchange(b"{}"), lambda candidate: False, 60.0)

    assert not search.accepts(exchange(b""))
    assert not search.accepts(exchange(b""))
    assert search.calls == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.sampled_from([None, 1, 2]), st.booleans(), st.data())
def test_what_is_cut_leaves_json_and_every_other_byte(
    value: Any, indent: int | None, ascii_only: bool, data: st.DataObject
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    tree = spans.parse(text)
    assert tree is not None
    items = [item for _, item in spans.patterns(tree)]
    gone = set(data.draw(st.lists(st.sampled_from(items), max_size=5))) if items else set()

    edits = list(spans.cut_items(tree, gone))
    left = spans.apply_edits(text, edits)

    json.loads(left)
    assert _leaves(spans.parse(left), left) == _leaves(tree, text, gone)


def _leaves(tree: spans.Span | None, text: bytes, gone: Collection[spans.Item] = ()) -> list[bytes]:
    """Every member and item that is no object and no array and not cut, with its name, byte for byte."""
    found: list[bytes] = []
    for item in tree.items if tree else ():
        if item in gone:
            continue
        if item.value.kind in ("string", "bare"):
            found.append(text[item.start : item.stop])
        found += _leaves(item.value, text, gone)
    return found


@pytest.mark.parametrize(
    ("text", "name", "left"),
    [
        (b'{"a":1,"b":2,}', "a", b'{"b":2,}'),
        (b'{"a":1,"b":2,}', "b", b'{"a":1,}'),
        (b"{'a':'x','b':'y'}", "a", b"{'b':'y'}"),
        (b'{"a":NaN,"b":2}', "b", b'{"a":NaN}'),
        (b'{"a":1 "b":2}', "a", b'{"b":2}'),
        (b'{"a":1,"a":2}', "a", b"{}"),
        (b'{ "a" : {"c" : [1]} , "b":"\\u00e9', "a", b'{ "b":"\\u00e9'),
    ],
)
def test_wrong_json_stays_wrong_in_the_same_way(text: bytes, name: str, left: bytes) -> None:
    tree = spans.parse(text)
    assert tree is not None
    gone = {item for item in tree.items if item.name == name}

    assert spans.apply_edits(text, list(spans.cut_items(tree, gone))) == left


@given(st.binary(max_size=60) | st.text(alphabet="{}[]\",: \\a'1", max_size=40).map(str.encode))
def test_any_bytes_are_read(text: bytes) -> None:
    tree = spans.parse(text)
    if tree is not None:
        list(spans.cut_items(tree, {item for _, item in spans.patterns(tree)}))


def test_too_deep_a_text_has_no_tree() -> None:
    assert spans.parse(b"[" * 5000) is None


def test_an_edit_stays_in_its_write() -> None:
    writes = (Write(b"abc", 0.1), Write(b"def", 0.2), Write(b"ghi", 0.3))
    whole = Exchange(ASKED, 200, (), writes)

    assert edit_body(whole, [(2, 7, b"-")]).writes == (Write(b"ab-", 0.1), Write(b"hi", 0.5))
    assert edit_body(whole, [(3, 3, b"+")]).payload == b"abc+defghi"


@pytest.mark.parametrize(("length", "after"), [("4", "2"), ("9", "7"), ("3", "1"), ("many", "many")])
def test_a_length_stays_as_right_or_wrong_as_it_was(length: str, after: str) -> None:
    whole = exchange(b"abcd", ("Content-Length", length), framing=Framing.LENGTH)

    assert replace_body(whole, b"ab").header("content-length") == after


def test_a_compressed_body_is_edited_inside_and_can_be_unpacked() -> None:
    packed = gzip.compress(b'{"a":1}')
    headers = (("Content-Encoding", "gzip"), ("Content-Length", str(len(packed))))
    whole = exchange(packed, *headers, framing=Framing.LENGTH)

    inside = edit_body(whole, [(1, 6, b"")])
    assert gzip.decompress(inside.payload) == b"{}"
    assert inside.header("content-length") == str(len(inside.payload))
    plain = remove_content_coding(whole)
    assert (plain.payload, plain.headers) == (b'{"a":1}', (("Content-Length", "7"),))


def test_a_problem_is_told_anew() -> None:
    headers = (("Content-Length", "9"),)
    cut = exchange(b"abcd", *headers, framing=Framing.LENGTH, ending=Ending.CUT)
    whole = cut.but(problem=capture_replay(cut).problem)
    assert "4" in whole.problem or "5" in whole.problem

    shorter = replace_body(whole, b"ab")

    assert shorter.problem == capture_replay(shorter).problem
