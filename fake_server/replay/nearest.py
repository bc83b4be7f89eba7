"""Which recorded request is nearest to one that nothing fits, and where the two differ, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from fake_server.wire.text import shorten

SHOWN = 80
"""Characters of a value that are shown."""
_COUNTED = 100
_COMPARED = 2000
"""Characters of a text whose words are compared."""


def find_nearest(asked: Any, recorded: Sequence[Any]) -> int:
    """The index of the recorded body most like the one asked; the first of those equally like."""
    leaves = dict(_leaves(asked))
    return max(range(len(recorded)), key=lambda index: _overlap(leaves, dict(_leaves(recorded[index]))))


def format_differences(asked: Any, recorded: Any) -> str:
    """Where two bodies (JSON values or bytes) first differ, and in how many places more; '' when equal."""
    found = [escape_unprintable(one) for one in islice(differences(asked, recorded), _COUNTED + 1)]
    if len(found) < 2:
        return "".join(found)
    more = f"at least {_COUNTED}" if len(found) > _COUNTED else str(len(found) - 1)
    return f"{found[0]} (and {more} more difference{'' if more == '1' else 's'})"


def differences(asked: Any, recorded: Any, path: str = "") -> Iterator[str]:
    """Every place where two JSON values differ, in words; 1 is 1.0 but not true."""
    if isinstance(asked, dict) and isinstance(recorded, dict):
        for name in [*asked, *(name for name in recorded if name not in asked)]:
            at = f"{path}.{name}" if path else name
            if name not in asked:
                yield f"{at} is missing, recorded {format_value(recorded[name])}"
            elif name not in recorded:
                yield f"{at} is {format_value(asked[name])}, the recording has no such member"
            else:
                yield from differences(asked[name], recorded[name], at)
    elif isinstance(asked, list) and isinstance(recorded, list):
        for index, (one, other) in enumerate(zip(asked, recorded, strict=False)):
            yield from differences(one, other, f"{path}[{index}]")
        if len(asked) != len(recorded):
            yield f"{path or 'the body'} has {len(asked)} items, recorded {len(recorded)}"
    elif asked != recorded or isinstance(asked, bool) != isinstance(recorded, bool):
        yield _format_unequal(asked, recorded, path or "the body")


def format_value(value: Any) -> str:
    """A value as JSON, shortened."""
    text = repr(value) if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False)
    return shorten(text, SHOWN)


def escape_unprintable(text: str, most: int = 400) -> str:
    """The text's last `most` characters, with those escaped that a terminal or an encoding cannot take."""
    kept = text if len(text) <= most else "..." + text[-most:]
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in kept)


def _format_unequal(asked: Any, recorded: Any, at: str) -> str:
    """Two unequal values; of long ones, what stands where they part."""
    if type(asked) is not type(recorded) or not isinstance(asked, str | bytes):
        return f"{at} is {format_value(asked)}, recorded {format_value(recorded)}"
    if not asked or not recorded or len(format_value(asked)) < SHOWN > len(format_value(recorded)):
        return f"{at} is {format_value(asked)}, recorded {format_value(recorded)}"
    pairs = enumerate(zip(asked, recorded, strict=False))
    parting = next((index for index, (one, other) in pairs if one != other), min(len(asked), len(recorded)))
    unit = "byte" if isinstance(asked, bytes) else "character"
    start, stop = max(0, parting - 20), parting + 40
    near = [
        format_value(text[start:stop]) if parting < len(text) else "ends there" for text in (asked, recorded)
    ]
    return f"{at} differs from {unit} {parting} on: {near[0]}, recorded {near[1]}"


def _overlap(asked: dict[str, Any], recorded: dict[str, Any]) -> float:
    """From 0 to 1: the share of leaves that stand at the same place, the more so with like values."""
    same = sum(_similarity(asked[path], recorded[path]) for path in asked.keys() & recorded.keys())
    return 2 * same / max(1, len(asked) + len(recorded))


def _similarity(one: Any, other: Any) -> float:
    """Of two values at one place: half for being there, the rest for what they share."""
    if one == other:
        return 1.0
    if not isinstance(one, str) or not isinstance(other, str):
        return 0.5
    words, others = set(one[:_COMPARED].split()), set(other[:_COMPARED].split())
    return 0.5 + 0.4 * len(words & others) / max(1, len(words | others))


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, member in value.items():
            yield from _leaves(member, f"{path}.{name}")
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, value
