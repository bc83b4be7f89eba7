"""Section http, JSON text (RFC 8259): of a body, or of the data of an event."""

from __future__ import annotations

import re
from collections.abc import Iterable

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import Complaint
from contract_tests.rules.engine.node import Node, Place
from contract_tests.rules.engine.subjects import json_bodies, json_texts
from contract_tests.rules.engine.view import View
from contract_tests.rules.http.message import NOT_STREAMED, http
from fake_server.wire import jsontext
from fake_server.wire.exchange import Aspect


@http.rule(
    "json-syntax",
    over=json_bodies,
    yields_to=(*NOT_STREAMED, ".content-coding"),
    see=see.JSON,
    harm="no client can read the reply",
)
def json_syntax(view: View) -> Iterable[Complaint]:
    """A JSON body is one JSON text."""
    for problem in view.document.problems:
        if problem.kind in ("syntax", "depth", "size"):
            yield Place(offset=problem.offset), problem.detail


Text = tuple[Node, jsontext.Document]


def _problems(text: Text, kind: str) -> Iterable[Complaint]:
    node, parsed = text
    for problem in parsed.problems:
        if problem.kind == kind:
            yield node.document.place(problem.offset), problem.detail


@http.rule(
    "json-utf8",
    over=json_texts,
    yields_to=(".content-coding",),
    needs=[Aspect.BODY_BYTES],
    see=f"{see.JSON}#section-8.1",
    harm="openai-python 3 raises UnicodeDecodeError; others show replacement characters",
)
def json_utf8(text: Text) -> Iterable[Complaint]:
    """JSON text is encoded in UTF-8."""
    return _problems(text, "encoding")


@http.rule(
    "json-no-bom",
    over=json_bodies,
    needs=[Aspect.BODY_BYTES],
    see=f"{see.JSON}#section-8.1",
    harm="Go, Java and Rust parsers and Python's `json.loads` of a text refuse the reply",
)
def json_no_bom(view: View) -> Iterable[Complaint]:
    """JSON text does not begin with a byte order mark."""
    return _problems((view.root, view.document), "bom")


@http.rule("json-numbers", over=json_texts, see=f"{see.JSON}#section-6", harm="strict parsers refuse the whole text")
def json_numbers(text: Text) -> Iterable[Complaint]:
    """Numbers are JSON numbers: NaN and Infinity do not exist."""
    return _problems(text, "number")


@http.rule(
    "json-unique-names",
    over=json_texts,
    needs=[Aspect.BODY_BYTES],
    see=f"{see.JSON}#section-4",
    harm="parsers keep the first, keep the last or refuse: two clients read two different answers",
    basis="RFC 8259: 'the behavior of software that receives such an object is unpredictable'; the parsers measured "
    "keep the last",
)
def json_unique_names(text: Text) -> Iterable[Complaint]:
    """The names within a JSON object are unique."""
    return _problems(text, "duplicate")


_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def _texts_with_surrogates(view: View) -> Iterable[Node]:
    """JSON texts with an escape of UTF-16."""
    for node, parsed in json_texts(view):
        if parsed.ok and _SURROGATE.search(node.document.text):
            yield node


def _find_lone_surrogate(text: bytes) -> int | None:
    """The byte where a surrogate stands alone, None where each has its other half."""
    high: re.Match[bytes] | None = None
    for escape in _ESCAPE.finditer(text):
        code = int(escape[1], 16) if escape[1] else 0
        low = 0xDC00 <= code < 0xE000
        if high is not None and not (low and escape.start() == high.end()):
            break
        if high is None and low:
            return escape.start()
        high = escape if 0xD800 <= code < 0xDC00 else None
    return high.start() if high else None


@http.rule(
    "json-surrogates",
    over=_texts_with_surrogates,
    needs=[Aspect.BODY_BYTES],
    see=f"{see.JSON}#section-8.2",
    harm="Python can neither print the text nor send it on; Go and Rust show U+FFFD",
)
def json_surrogates(node: Node) -> Iterable[Complaint]:
    """The escapes of JSON text make whole characters: no half of a surrogate pair stands alone."""
    at = _find_lone_surrogate(node.document.text)
    if at is not None:
        shown = node.document.text[at : at + 6].decode("ascii", "replace")
        yield node.document.place(at), f"{shown} alone", "both halves in one text"
