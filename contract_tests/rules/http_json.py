"""Section http, JSON text (RFC 8259): of a body, or of the data of an event."""

from __future__ import annotations

from collections.abc import Iterable

from contract_tests.rules import references as see
from contract_tests.rules.engine import Fault
from contract_tests.rules.http import http
from contract_tests.rules.node import Node, Place
from contract_tests.rules.subjects import json_bodies, json_texts
from contract_tests.rules.view import View
from fake_server.wire import jsontext
from fake_server.wire.exchange import Aspect


@http.rule("json-syntax", over=json_bodies, see=see.JSON, harm="no client can read the reply")
def json_syntax(view: View) -> Iterable[Fault]:
    """A JSON body is one JSON text."""
    for problem in view.document.problems:
        if problem.kind in ("syntax", "depth"):
            yield Place(offset=problem.offset), problem.detail


Text = tuple[Node, jsontext.Document]


def _problems(text: Text, kind: str) -> Iterable[Fault]:
    node, parsed = text
    for problem in parsed.problems:
        if problem.kind == kind:
            event = node.document.event.index if node.document.event else None
            yield Place(event, (), node.document.start + problem.offset), problem.detail


@http.rule(
    "json-utf8",
    over=json_texts,
    needs=[Aspect.BODY_BYTES],
    see=f"{see.JSON}#section-8.1",
    harm="openai-python 3 raises UnicodeDecodeError; others show replacement characters",
)
def json_utf8(text: Text) -> Iterable[Fault]:
    """JSON text is encoded in UTF-8."""
    return _problems(text, "encoding")


@http.rule(
    "json-no-bom",
    over=json_bodies,
    needs=[Aspect.BODY_BYTES],
    see=f"{see.JSON}#section-8.1",
    harm="Go, Java and Rust parsers and Python's `json.loads` of a text refuse the reply",
)
def json_no_bom(view: View) -> Iterable[Fault]:
    """JSON text does not begin with a byte order mark."""
    return _problems((view.root, view.document), "bom")


@http.rule(
    "json-numbers", over=json_texts, see=f"{see.JSON}#section-6", harm="strict parsers refuse the whole text"
)
def json_numbers(text: Text) -> Iterable[Fault]:
    """Numbers are JSON numbers: NaN and Infinity do not exist."""
    return _problems(text, "number")


@http.rule(
    "json-unique-names",
    over=json_texts,
    needs=[Aspect.BODY_BYTES],
    see=f"{see.JSON}#section-4",
    harm=("parsers keep the first, keep the last or refuse: two clients read two different answers"),
)
def json_unique_names(text: Text) -> Iterable[Fault]:
    """The names within a JSON object are unique."""
    return _problems(text, "duplicate")
