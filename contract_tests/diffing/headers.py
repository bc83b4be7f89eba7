"""Header fields: which there are, the letter case of their names, and their values by kind."""

from __future__ import annotations

import re
from collections.abc import Iterator

from contract_tests.diffing.forms import ABSENT, describe_id
from fake_server.relay.redact import excerpt
from fake_server.relay.redact.names import is_secret_field
from fake_server.wire.exchange import Exchange

_SHOWN_VALUE = 60
_DATE = re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_OPAQUE = re.compile(r"[\w.~+/=:-]{24,}")
_SECRET = ("set-cookie", "authorization", "cookie")
_COMPARED_BY_FRAMING = ("transfer-encoding", "content-length")
_OF_THE_CONNECTION = ("connection", "keep-alive", "date")
"""Fields that depend on the moment or the connection, not on the server."""
_BY_VALUE = ("content-type", "content-encoding", "location")


def compare_headers(a: Exchange, b: Exchange, all_kept: bool) -> Iterator[tuple[str, str, str]]:
    """Each field as (name, value in A, in B); with `all_kept` also absent fields, and the case of names."""
    for name in dict.fromkeys(name.lower() for exchange in (a, b) for name, _ in exchange.headers):
        if name in _OF_THE_CONNECTION or (name in _COMPARED_BY_FRAMING and a.framing and b.framing):
            continue
        value_a, value_b = a.header(name), b.header(name)
        if all_kept or (value_a is not None and value_b is not None):
            yield f"header {name}", describe_header(name, value_a), describe_header(name, value_b)
    if all_kept:
        yield "case of header names", *_cases(a, b)


def _cases(a: Exchange, b: Exchange) -> tuple[str, str]:
    """The letter case of the names that both have, a word for each side; if equal, the names."""
    common = {name.lower() for name, _ in a.headers} & {name.lower() for name, _ in b.headers}
    names = [
        sorted({name for name, _ in exchange.headers if name.lower() in common}, key=str.lower) for exchange in (a, b)
    ]
    words = _case(names[0]), _case(names[1])
    if names[0] == names[1] or words[0] != words[1]:
        return words
    only = [", ".join(sorted(set(names[i]) - set(names[1 - i])))[:_SHOWN_VALUE] for i in (0, 1)]
    return only[0], only[1]


def _case(names: list[str]) -> str:
    for word, change in (("lower case", str.lower), ("Title-Case", str.title), ("upper case", str.upper)):
        if all(name == change(name) for name in names):
            return word
    return "mixed"


def describe_header(name: str, value: str | None) -> str:
    """A header's value, or its kind if it differs from reply to reply or is secret."""
    if value is None:
        return ABSENT
    if name in _SECRET or is_secret_field(name):
        return "a secret"
    if name in _BY_VALUE:
        return excerpt(value, _SHOWN_VALUE)
    for pattern, words in ((_NUMBER, "a number"), (_DATE, "a date"), (_DURATION, "a duration")):
        if pattern.fullmatch(value):
            return words
    form = describe_id(value)
    if form in ("UUID", "hex"):
        return form
    if name.endswith(("-id", "-ray", "etag")):
        return f"an id {form}" if form.endswith("…") else "an id"
    return "an opaque text" if _OPAQUE.fullmatch(value) else excerpt(value, _SHOWN_VALUE) or "empty"
