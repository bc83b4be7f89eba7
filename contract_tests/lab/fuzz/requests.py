"""Part `requests`: any well-formed HTTP request gets a reply that conforms to the contract."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from contract_tests.lab.fuzz.client import ask, check_log, check_well_formed
from contract_tests.lab.fuzz.fake_process import FakeProcess
from contract_tests.lab.fuzz.part import Part
from contract_tests.lab.fuzz.values import TEXTS, byte_mutations, mutations
from contract_tests.rules import judge
from contract_tests.rules.engine.judge import MUST
from fake_server.server.openapi.document import OPERATIONS
from fake_server.wire.exchange import Request

_NOTHING = {
    "completion_id": "chatcmpl-none",
    "response_id": "resp_none",
    "conversation_id": "conv_none",
    "item_id": "msg_none",
}
"""Ids of which nothing is stored, as paths have them."""
EXAMPLES: list[tuple[str, Any]] = [
    (operation.path.format(**_NOTHING), json.loads(json.dumps(body)))
    for operation in OPERATIONS
    for body in operation.examples.values()
]
"""A path, and a request body that is answered there."""
BITS = (
    b"[" * 3000, b'{"a":' * 3000, b"NaN", b"-Infinity", b"1e999", b"9" * 5000, b'"a":1,"a":2,', b"\\ud800",
    b"\0", b"\xff", b"\xef\xbb\xbf", b",", b"}", b"]", b'"', b"\\", b"\\u", b"01", b"+1", b"'", b"/* */",
    b"null", b"{}", b"\xc0\xaf",
)  # fmt: skip
CODINGS = st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1"])
_ODD = {
    "content-type": ("text/plain", "application/json; charset=utf-16", "a", ";", "multipart/form-data"),
    "content-encoding": ("gzip", "identity", "br, gzip", ""),
    "authorization": ("Bearer", "Bearer sk-a@b", "Bearer sk-a@/", "Basic eDp5", "\xff"),
    "x-fake-space": ("a", "", "/", "\xe9", "a" * 101, "..", "a@b"),
    "expect": ("100-continue", "x"),
    "accept": ("text/event-stream",),
    "origin": ("null",),
    "range": ("bytes=0-1",),
    "if-none-match": ("*",),
    "x-a": ("\xe9" * 3000,),
}
FIELDS = st.lists(
    st.sampled_from([(name, value) for name, values in _ODD.items() for value in values]), max_size=2
).map(tuple)
FREE = ("formats.schema-kept",)
"""Rules that cannot hold where a changed schema matches nothing."""


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, bytes]:
    """A path and a body: an example with changes to its value or to its bytes, in some encoding."""
    path, example = draw(st.sampled_from(EXAMPLES))
    if draw(st.integers(0, 3)) == 0:
        return path, draw(byte_mutations(st.just(json.dumps(example).encode()), BITS))
    value = draw(mutations(st.just(example)))
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    coding = draw(CODINGS)
    return path, text.encode(coding, "replace" if coding == "latin-1" else "surrogatepass")


@st.composite
def posts(draw: st.DrawFn) -> Request:
    """A POST to a path that takes one."""
    path, body = draw(bodies())
    root = draw(st.sampled_from(["/v1", "/v1", "", "/@one/v1"]))
    fields = draw(FIELDS)
    if not any(name == "content-type" for name, _ in fields):
        fields = (("content-type", "application/json"), *fields)
    return Request("POST", root + path, fields, body)


WORDS = TEXTS.map(lambda text: quote(text.encode("utf-8", "surrogatepass"), safe="/[]=&"))


METHODS = ("GET", "GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "TRACE", "X")
PATHS = (
    "/chat/completions", "/chat/completions/{}", "/chat/completions/{}/messages", "/models", "/models/{}",
    "/completions", "/health", "/{}", "//v1/models", "/engines/{}", "/docs", "/openapi.json",
)  # fmt: skip


@st.composite
def other_requests(draw: st.DrawFn) -> Request:
    """Any method on any path, with a query."""
    path = draw(st.sampled_from(PATHS))
    names = st.sampled_from(["after", "limit", "order", "model", "metadata[a]", "metadata", "x"])
    query = "&".join(f"{name}={value}" for name, value in draw(st.lists(st.tuples(names, WORDS), max_size=3)))
    method = draw(st.sampled_from(METHODS))
    root, mark = draw(st.sampled_from(["/v1", ""])), draw(st.sampled_from(["", "?"]))
    target = f"{root}{path.format(draw(WORDS))}{mark}{query}"
    return Request(method, target, draw(FIELDS), draw(st.sampled_from([b"", b"{}", b"[]", b"\xff"])))


def check(fake: FakeProcess, request: Request) -> None:
    exchange = ask(fake, request)
    check_log(fake)
    check_well_formed(exchange)
    broken = [
        finding for finding in judge(exchange).findings if finding.rule.level is MUST and finding.rule.id not in FREE
    ]
    assert not broken, [f"{finding.rule.id} {finding.actual}" for finding in broken]


PART = Part(
    "requests",
    "any request is answered or refused as the contract requires",
    posts() | other_requests(),
    check,
    asks_fake=True,
)
