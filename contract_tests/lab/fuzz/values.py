"""Values that JSON and YAML can hold, awkward ones among them, and small mutations of values and bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

TEXTS = st.sampled_from(
    ["", " ", "a", "x" * 70, "é\u2028", "\0", "\ud800", "\udc00\ud800", "😀" * 9, "\r\n", "{{ last }}",
    "a.b[0]", "%s",
     "gpt-4o-mini", "no-such-model", "user", "auto", "required", "json_schema", "../x", "$.a", "(a+)+$", "-1"]
) | st.text(max_size=8)  # fmt: skip
NUMBERS = st.sampled_from([0, -1, 1, 2, 128, 129, 2**31, 2**63, -(2**64), 10**400, 0.5, -0.0, 1e308, 5e-324])
LEAVES = st.none() | st.booleans() | NUMBERS | TEXTS | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def paths(value: Any, where: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all members and items, the outermost first."""
    if isinstance(value, Mapping):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    else:
        return []
    here = [(*where, key) for key, _ in inner]
    return here + [path for key, item in inner for path in paths(item, (*where, key))]


@st.composite
def mutations(draw: st.DrawFn, bases: st.SearchStrategy[Any], most: int = 3) -> Any:
    """One of `bases` with up to `most` members or items replaced, added, repeated or removed."""
    value = json.loads(json.dumps(draw(bases)))
    for _ in range(draw(st.integers(0, most))):
        places = paths(value)
        if not places:
            return draw(VALUES)
        path = draw(st.sampled_from(places))
        holder = value
        for key in path[:-1]:
            holder = holder[key]
        kind = draw(st.sampled_from(["replace", "replace", "add", "double", "drop"]))
        if kind == "drop":
            del holder[path[-1]]
        elif kind == "double" and isinstance(holder, list):
            holder *= draw(st.integers(2, 20))
        elif kind == "add":
            key = draw(TEXTS)
            holder.append(draw(VALUES)) if isinstance(holder, list) else holder.update({key: draw(VALUES)})
        else:
            holder[path[-1]] = draw(VALUES)
    return value


@st.composite
def byte_mutations(draw: st.DrawFn, bases: st.SearchStrategy[bytes], bits: tuple[bytes, ...], most: int = 4) -> bytes:
    """One of `bases` with up to `most` pieces removed, repeated or replaced by a bit; maybe cut short."""
    data = draw(bases)
    for _ in range(draw(st.integers(0, most))):
        start = draw(st.integers(0, len(data)))
        stop = min(start + draw(st.sampled_from([0, 1, 2, 8, 40])), len(data))
        bit = draw(st.sampled_from(bits) | st.binary(max_size=4) | st.just(data[start:stop] * 2))
        data = data[:start] + bit + data[stop:]
    return data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 5)) == 0 else data
