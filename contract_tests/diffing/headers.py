"""Header fields: which there are, how their names are written, and their values by kind."""

from __future__ import annotations

import re
from collections.abc import Iterator

from contract_tests.diffing.forms import describe_id
from fake_server.wire.exchange import Exchange

ABSENT = "absent"
_SHOWN_VALUE = 60
_DATE = re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_OPAQUE = re.compile(r"[\w.~+/=:-]{24,}")
_SECRET = ("set-cookie", "authorization", "cookie")
_COMPARED_BY_FRAMING = ("transfer-encoding", "content-length")
_OF_THE_CONNECTION = ("connection", "keep-alive", "date")
"""Fields that tell of the moment or of the connection, not of who answers."""
_BY_VALUE = ("content-type", "content-encoding", "location")


def compare_headers(one: Exchange, other: Exchange, all_kept: bool) -> Iterator[tuple[str, str, str]]:
    """Each field of either side as both have it; with `all_kept` absence and the case of names as well."""
    for name in dict.fromkeys(name.lower() for exchange in (one, other) for name, _ in exchange.headers):
        if name in _OF_THE_CONNECTION or (name in _COMPARED_BY_FRAMING and one.framing and other.framing):
            continue
        value_a, value_b = one.header(name), other.header(name)
        if all_kept or (value_a is not None and value_b is not None):
            yield f"header {name}", describe_header(name, value_a), describe_header(name, value_b)
    if all_kept:
        yield "case of header names", *_cases(one, other)


def _cases(one: Exchange, other: Exchange) -> tuple[str, str]:
    """How the names are written that both have, in a word each, or where that is the same by the names."""
    common = {name.lower() for name, _ in one.headers} & {name.lower() for name, _ in other.headers}
    names = [
        sorted({name for name, _ in each.headers if name.lower() in common}, key=str.lower)
        for each in (one, other)
    ]
    words = _case(names[0]), _case(names[1])
    if names[0] == names[1] or words[0] != words[1]:
        return words
    told = [", ".join(sorted(set(names[i]) - set(names[1 - i])))[:_SHOWN_VALUE] for i in (0, 1)]
    return told[0], told[1]


def _case(names: list[str]) -> str:
    for word, change in (("lower case", str.lower), ("Title-Case", str.title), ("upper case", str.upper)):
        if all(name == change(name) for name in names):
            return word
    return "mixed"


def describe_header(name: str, value: str | None) -> str:
    """A header's value, by kind where it differs from reply to reply or should not be shown."""
    if value is None:
        return ABSENT
    if name in _SECRET:
        return "a secret"
    if name in _BY_VALUE:
        return value[:_SHOWN_VALUE]
    for pattern, words in ((_NUMBER, "a number"), (_DATE, "a date"), (_DURATION, "a duration")):
        if pattern.fullmatch(value):
            return words
    form = describe_id(value)
    if form in ("UUID", "hex"):
        return form
    if name.endswith(("-id", "-ray", "etag")):
        return f"an id {form}" if form.endswith("…") else "an id"
    return "an opaque text" if _OPAQUE.fullmatch(value) else value[:_SHOWN_VALUE] or "empty"
