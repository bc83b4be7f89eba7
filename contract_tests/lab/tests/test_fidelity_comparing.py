"""Each property is found broken by a change that breaks it and by no other; secrets and misses too."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable
from dataclasses import replace

import pytest

from contract_tests.lab.fidelity.capture import Capture, Piece, read_capture
from contract_tests.lab.fidelity.comparing import Verdict
from contract_tests.lab.fidelity.replies import KEY, LEAKED, REPLIES
from contract_tests.lab.fidelity.rows import MISS, ROWS, SECRETS, column, miss, secrets
from contract_tests.lab.fidelity.tools import Measurement

YES, NO, PARTLY, NOT_SHOWN = Verdict.YES, Verdict.NO, Verdict.PARTLY, Verdict.NOT_SHOWN
MISSED = Capture(status=404)


def _sent() -> dict[str, Capture]:
    replies = {}
    for name, reply in REPLIES.items():
        at, log = 0.0, []
        for pause, data in reply.sends:
            at += pause
            log.append((at, data))
        replies[name] = read_capture(log)
    return replies


SENT = _sent()


def measurement(name: str, received: Capture, **more: object) -> Measurement:
    """A tool that kept everything but this reply."""
    whole = {"recorded": SENT, "unrecorded": MISSED, "requests": (), "files": {"a": b"clean"}}
    return Measurement(**{**whole, "replayed": {**SENT, name: received}, **more})  # type: ignore[arg-type]


def one_write(reply: Capture) -> Capture:
    return replace(reply, pieces=(Piece(reply.body, reply.pieces[-1].at),))


def at_once(reply: Capture) -> Capture:
    return replace(reply, pieces=tuple(replace(piece, at=reply.head_at) for piece in reply.pieces))


def with_body(reply: Capture, old: bytes, new: bytes) -> Capture:
    """One change within the first chunk that has it, the sizes left alone."""
    assert len(old) == len(new)
    index = next(index for index, piece in enumerate(reply.pieces) if old in piece.data)
    changed = replace(reply.pieces[index], data=reply.pieces[index].data.replace(old, new, 1))
    return replace(reply, pieces=(*reply.pieces[:index], changed, *reply.pieces[index + 1 :]))


def with_headers(reply: Capture, change: Callable[[list[tuple[str, str]]], list[tuple[str, str]]]) -> Capture:
    return replace(reply, headers=tuple(change(list(reply.headers))))


def is_twice(field: tuple[str, str]) -> bool:
    return field[0].lower() == "x-twice"


def join_fields(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The two fields X-Twice as one, where the first stood."""
    return [("x-twice", "first, second") if is_twice(f) else f for f in fields if f[0] != "X-Twice"]


def side_by_side(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The second field X-Twice right after the first."""
    twice = [field for field in fields if is_twice(field)]
    rest = (twice if field == twice[0] else [field] for field in fields if field != twice[1])
    return [field for group in rest for field in group]


BODY, WRITES, PAUSES, EVENTS = (row.title for row in ROWS[:4])
REASON, FIELDS, ORDER, CASE, TWICE = (row.title for row in ROWS[4:9])
HINTS, TRAILERS, CUT, SIZED, SIZED_PAUSES, CODED, ERROR, AT_ONCE = (row.title for row in ROWS[9:])

CHANGES: dict[str, tuple[str, Callable[[Capture], Capture], dict[str, tuple[Verdict, str]]]] = {
    "another byte": ("stream", lambda reply: with_body(reply, b"on the quay", b"on the Quay"), {
        BODY: (NO, "973 bytes became 973 others")}),
    "same text, other bytes": ("stream", lambda reply: with_body(reply, b"1760000000", b"1760000001"), {
        BODY: (PARTLY, "973 bytes became 973 others, the answer's text is the same")}),
    "joined writes, at the end": ("stream", one_write, {
        WRITES: (NO, "8 writes became 1"), PAUSES: (PARTLY, "0.9 s in all, at other places")}),
    "other cuts": ("paced", lambda reply: replace(reply, pieces=(
        Piece(reply.pieces[0].data[:-1], reply.pieces[0].at),
        Piece(reply.pieces[0].data[-1:] + reply.pieces[1].data, reply.pieces[1].at), reply.pieces[2])), {
        SIZED: (NO, "3 writes, of other sizes"), SIZED_PAUSES: (PARTLY, "0.5 s in all, at other places")}),
    "no pauses": ("stream", at_once, {PAUSES: (NO, "0.9 s became 0.0 s")}),
    "no pauses in a sized body": ("paced", at_once, {SIZED_PAUSES: (NO, "0.5 s became 0.0 s")}),
    "no comment": ("stream", lambda reply: with_body(reply, b": keep-alive", b"x keep-alive"), {
        BODY: (PARTLY, "973 bytes became 973 others, the answer's text is the same"),
        EVENTS: (PARTLY, "lost: comments")}),
    "a space after data": ("stream", lambda reply: with_body(reply, b'data:{"id"', b'data: "id"'), {
        BODY: (NO, "973 bytes became 973 others"), EVENTS: (PARTLY, "lost: `data:` without a space")}),
    "other line ends": ("stream", lambda reply: with_body(reply, b"7\r\nretry", b"70\nretry"), {
        BODY: (PARTLY, "973 bytes became 973 others, the answer's text is the same"),
        EVENTS: (PARTLY, "lost: line ends, `event`, `id` and `retry`")}),
    "another member": ("stream", lambda reply: with_body(reply, b'"x_extra"', b'"y_extra"'), {
        BODY: (PARTLY, "973 bytes became 973 others, the answer's text is the same"),
        EVENTS: (PARTLY, "lost: members of its own")}),
    "no error": ("stream", lambda reply: with_body(reply, b'"error"', b'"fault"'), {
        BODY: (PARTLY, "973 bytes became 973 others, the answer's text is the same"),
        EVENTS: (PARTLY, "lost: the error after `stop`")}),
    "the usual reason": ("stream", lambda reply: replace(reply, reason="OK"), {
        REASON: (NO, "`Fine By Me` became `OK`")}),
    "another value": ("stream", lambda reply: with_headers(
        reply, lambda fields: [(n, "60" if v == "59" else v) for n, v in fields]), {
        FIELDS: (PARTLY, "1 of 8 lost, 1 added")}),
    "one field more": ("stream", lambda reply: with_headers(reply, lambda fields: [*fields, ("Via", "x")]), {
        FIELDS: (PARTLY, "0 of 8 lost, 1 added"), ORDER: (PARTLY, "that of 7 names which are left")}),
    "fields in another order": ("stream", lambda reply: with_headers(
        reply, lambda fields: [fields[-1], *fields[:-1]]), {ORDER: (NO, "other order")}),
    "fields sorted": ("stream", lambda reply: with_headers(
        reply, lambda fields: sorted(fields, key=lambda field: (field[0].lower(), field[1]))), {
        ORDER: (NO, "alphabetical"), TWICE: (PARTLY, "both fields `x-twice` side by side")}),
    "names in lower case": ("stream", lambda reply: with_headers(
        reply, lambda fields: [(n.lower(), v) for n, v in fields]), {
        CASE: (NO, "6 of 8 differ: `X-Request-ID` became `x-request-id`")}),
    "two fields joined": ("stream", lambda reply: with_headers(reply, join_fields), {
        FIELDS: (PARTLY, "2 of 8 lost, 1 added"),
        CASE: (NO, "1 of 8 differ: `X-Twice` became `x-twice`"), TWICE: (NO, "2 fields `x-twice` became 1")}),
    "two fields side by side": ("stream", lambda reply: with_headers(reply, side_by_side), {
        TWICE: (PARTLY, "both fields `x-twice` side by side")}),
    "no 103": ("hints", lambda reply: replace(reply, informational=()), {HINTS: (NO, "dropped")}),
    "a bare 103": ("hints", lambda reply: replace(reply, informational=((103, ()),)), {
        HINTS: (PARTLY, "103 with other fields")}),
    "no trailers": ("trailers", lambda reply: replace(reply, trailers=()), {TRAILERS: (NO, "1 became 0")}),
    "a clean end": ("cut", lambda reply: replace(reply, whole=True), {CUT: (NO, "ends as if it were whole")}),
    "an earlier cut": ("cut", lambda reply: replace(reply, pieces=reply.pieces[:1]), {
        CUT: (PARTLY, "cut after 211 bytes, not 257")}),
    "no reply": ("cut", lambda reply: Capture(problem="no reply"), {CUT: (NO, "replay: no reply")}),
    "a miss": ("trailers", lambda reply: MISSED, {TRAILERS: (NO, "replay: 404")}),
    "unpacked": ("gzip", lambda reply: replace(
        with_headers(reply, lambda fields: [f for f in fields if f[0] != "Content-Encoding"]),
        pieces=(Piece(gzip.decompress(reply.body), 0.0),)), {CODED: (PARTLY, "decompressed")}),
    "compressed again": ("gzip", lambda reply: replace(
        reply, pieces=(Piece(gzip.compress(gzip.decompress(reply.body), 1, mtime=7), 0.0),)), {
        CODED: (PARTLY, "recompressed")}),
    "unpacked, head left": ("gzip", lambda reply: replace(
        reply, pieces=(Piece(gzip.decompress(reply.body), 0.0),)), {
        CODED: (NO, "plain, 330 bytes became 0 others")}),
    "no Retry-After": ("error", lambda reply: with_headers(
        reply, lambda fields: [f for f in fields if f[0] != "Retry-After"]), {
        ERROR: (PARTLY, "status 429; lost: retry-after")}),
    "another message": ("error", lambda reply: with_body(reply, b"Too fast.", b"Too slow."), {
        ERROR: (PARTLY, "status 429; lost: the body's bytes")}),
}  # fmt: skip


def changed_cells(cells: dict[str, object]) -> dict[str, tuple[Verdict, str]]:
    return {
        title: (cell.verdict, cell.fact)  # type: ignore[attr-defined]
        for title, cell in cells.items()
        if cell.verdict is not YES  # type: ignore[attr-defined]
    }


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_found_and_nothing_else(change: str) -> None:
    name, apply, expected = CHANGES[change]
    assert changed_cells(dict(column(SENT, measurement(name, apply(SENT[name]))))) == expected


def test_every_row_is_broken_by_some_change() -> None:
    broken = {title for _, _, expected in CHANGES.values() for title in expected}
    assert broken == {row.title for row in ROWS} - {AT_ONCE}


def test_what_is_whole_is_kept() -> None:
    cells = column(SENT, measurement("stream", SENT["stream"]))
    assert changed_cells(dict(cells)) == {}
    assert list(cells) == [*(row.title for row in ROWS), MISS, SECRETS]


def test_a_recorder_that_holds_the_stream_back_is_told() -> None:
    held = measurement("stream", SENT["stream"], recorded={**SENT, "stream": at_once(SENT["stream"])})
    assert changed_cells(dict(column(SENT, held))) == {AT_ONCE: (NO, "held back: 0.9 s became 0.0 s")}


def test_what_fails_while_recording_is_told_as_that() -> None:
    for replayed in (MISSED, replace(SENT["cut"], whole=True)):
        failed = measurement("cut", replayed, recorded={**SENT, "cut": Capture(problem="ReadError")})
        assert changed_cells(dict(column(SENT, failed))) == {CUT: (NO, "recording: ReadError")}


def test_what_only_the_replay_gets_right_is_kept() -> None:
    changed = measurement("error", SENT["error"], recorded={**SENT, "error": Capture(status=502)})
    assert changed_cells(dict(column(SENT, changed))) == {}


def test_what_the_client_does_not_show_live_counts_for_nothing() -> None:
    blind = replace(SENT["hints"], informational=())
    shown = measurement("hints", blind, live={**SENT, "hints": blind})
    assert changed_cells(dict(column(SENT, shown))) == {HINTS: (NOT_SHOWN, "")}


def test_a_body_that_was_asked_for_plain_is_not_kept_compressed() -> None:
    plain = read_capture([(0.0, data) for _, data in REPLIES["gzip"].plain])
    cells = column({**SENT, "gzip": plain}, measurement("gzip", plain))
    assert changed_cells(dict(cells)) == {CODED: (NO, "the server was asked for a plain body")}


@pytest.mark.parametrize(
    ("reply", "requests", "verdict", "fact"),
    [
        (Capture(status=404), (), YES, "404"),
        (Capture(problem="SomeError"), (), YES, "SomeError"),
        (Capture(status=200), (), NO, "answered with 200"),
        (Capture(status=404), ("cut", "cut"), NO, "the replay asks the server (cut)"),
    ],
)
def test_misses(reply: Capture, requests: tuple[str, ...], verdict: Verdict, fact: str) -> None:
    cell = miss(reply, requests)
    assert (cell.verdict, cell.fact) == (verdict, fact)


@pytest.mark.parametrize("offset", range(3))
def test_keys_are_found_however_they_are_written(offset: int) -> None:
    packed = base64.encodebytes(b"." * offset + b"Bearer " + KEY.encode() + b" and more")
    assert secrets([b"", packed]).verdict is NO


def test_a_key_in_a_reply_counts_for_part() -> None:
    assert secrets([b"sk-clean"]).verdict is YES
    assert secrets([LEAKED.encode()]).verdict is PARTLY
    assert secrets([KEY.encode(), LEAKED.encode()]).fact == "the request's and one in an error's text in the file"
