"""The freedom a style takes, and what it never touches."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_server.api.render.style import Style
from fake_server.wire import sse

DRAWN = [Style.draw(seed, b'{"model":"m"}') for seed in range(200)]


def test_every_freedom_is_taken_by_some_seed() -> None:
    for field in fields(Style):
        if field.name == "space":  # many clients need it, though the standard does not
            assert all(style.space for style in DRAWN)
            continue
        assert len({getattr(style, field.name) for style in DRAWN}) > 1, field.name


def test_header_names_in_each_case() -> None:
    names = {case: Style(header_case=case).format_header_name("x-request-ID") for case in ("lower", "title", "upper")}
    assert names == {"lower": "x-request-id", "title": "X-Request-Id", "upper": "X-REQUEST-ID"}


def test_the_request_decides_too() -> None:
    assert len({Style.draw(1, str(number).encode()).seed for number in range(50)}) == 50


def test_plain_writes_what_openai_writes() -> None:
    assert Style.PLAIN.serialize({"b": "é", "a": [1]}) == '{"b":"é","a":[1]}'.encode()
    assert Style.PLAIN.format_event(b"{}") == b"data: {}\n\n"
    assert list(Style.PLAIN.split("write a poem")) == ["write", " a", " poem"]


@given(st.text(), st.sampled_from(DRAWN))
def test_the_pieces_joined_are_the_text_and_none_is_empty(text: str, style: Style) -> None:
    pieces = list(style.split(text))
    assert "".join(pieces) == text
    assert all(pieces)


@pytest.mark.parametrize(
    ("cuts", "least", "most"), [("tokens", 100, 100), ("groups", 25, 25), ("few", 1, 4), ("letters", 60, 300)]
)
def test_how_many_pieces_a_text_becomes(cuts: str, least: int, most: int) -> None:
    assert least <= len(list(Style(cuts=cuts, seed=1).split(" ox" * 100))) <= most


def test_letters_cut_single_characters_now_and_then() -> None:
    assert {1, 5} <= {len(piece) for piece in Style(cuts="letters", seed=2).split("x" * 200)}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(DRAWN),
)
def test_json_in_any_style_reads_the_same_and_fits_one_line(value: object, style: Style) -> None:
    written = style.serialize({"value": value})
    assert json.loads(written) == {"value": value}
    assert b"\n" not in written
    assert b"\r" not in written


@pytest.mark.parametrize("order", ["sorted", "reversed"])
def test_the_order_of_members_reaches_every_level(order: str) -> None:
    text = Style(order=order).serialize({"a": [{"d": 1, "c": 2}], "b": 3})
    assert text == (b'{"a":[{"c":2,"d":1}],"b":3}' if order == "sorted" else b'{"b":3,"a":[{"c":2,"d":1}]}')


def test_an_event_is_one_event_and_a_comment_is_none() -> None:
    for style in DRAWN:
        events = sse.decode(style.format_comment() + style.format_event(b"[DONE]"))
        assert [event.data for event in events] == [None, "[DONE]"]
        assert all(event.complete for event in events)


def test_ids_are_new_every_time() -> None:
    for style in (Style.PLAIN, *DRAWN[:20]):
        replies = {style.new_reply_id() for _ in range(50)}
        calls = {style.new_call_id() for _ in range(50)}
        assert len(replies) == len(calls) == 50
        assert all(reply_id.startswith("chatcmpl-") and reply_id[9:].isalnum() for reply_id in replies)
        assert all(call_id.startswith("call_") and call_id[5:].isalnum() for call_id in calls)
