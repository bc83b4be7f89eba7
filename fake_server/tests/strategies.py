"""Exchanges for property tests: odd bytes, odd headers, every framing and ending."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from fake_server.wire.exchange import Ending, Exchange, Framing, Headers, Request, Write

RESERVED = {"content-length", "transfer-encoding", "connection", "content-type", "content-encoding"}
NAMES = st.from_regex(r"[A-Za-z!#$%&'*+.^_`|~0-9-]{1,12}", fullmatch=True).filter(
    lambda name: name.lower() not in RESERVED
)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=20).map(
    lambda value: value.strip(" \t")
)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=4).map(tuple)
STATUSES = st.integers(200, 599).filter(lambda status: status not in (204, 304))
INFORMATIONAL = st.lists(st.tuples(st.sampled_from([100, 102, 103]), HEADERS), max_size=2).map(tuple)
REASONS = st.sampled_from(["", "OK", "Very  Odd", "\xe9t\xe9"])
POST = Request("POST", "/v1/chat/completions", (("Content-Type", "application/json"),), b"{}")


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    """An exchange as a capture could have yielded it: what it says of itself is consistent."""
    framing = draw(st.sampled_from(Framing))
    bodies = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=5))
    writes = () if framing is Framing.NONE else tuple(Write(body) for body in bodies)
    ending = draw(st.sampled_from([Ending.CLEAN, Ending.CUT, Ending.RESET]))
    if framing is Framing.NONE or (framing is Framing.CLOSE and ending is Ending.CUT):
        ending = Ending.CLEAN
    size = sum(len(write.data) for write in writes)
    mark: Headers = ()
    if framing is Framing.LENGTH:
        mark = (("content-LENGTH", str(size if ending is Ending.CLEAN else size + 7)),)
    elif framing is Framing.CHUNKED:
        mark = (("Transfer-Encoding", "chunked"),)
    clean_chunks = framing is Framing.CHUNKED and ending is Ending.CLEAN
    return Exchange(
        request=POST,
        status=204 if framing is Framing.NONE else draw(STATUSES),
        reason=draw(REASONS),
        http_version="1.1" if framing is Framing.CHUNKED else draw(st.sampled_from(["1.0", "1.1"])),
        headers=(*draw(HEADERS), *mark, *draw(HEADERS)),
        framing=framing,
        writes=writes,
        ending=ending,
        informational=draw(INFORMATIONAL),
        trailers=draw(HEADERS) if clean_chunks else (),
    )


def cut(payload: bytes, sizes: Sequence[int]) -> tuple[Write, ...]:
    """`payload` in writes of these sizes, the rest in a last write; sizes below 1 are skipped."""
    writes, start = [], 0
    for size in sizes:
        if size > 0 and start < len(payload):
            writes.append(Write(payload[start : start + size]))
            start += size
    if start < len(payload):
        writes.append(Write(payload[start:]))
    return tuple(writes)
