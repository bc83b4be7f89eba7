"""Finds the recorded request nearest to one that matched nothing, and describes where the two differ."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from fake_server.replay.ignoring import PATTERNS, Ignored, join
from fake_server.wire.text import shorten

SHOWN = 80
"""Characters of a value that a message quotes."""
_COUNTED = 100
_SUGGESTED = 3
"""Members that a miss suggests to ignore."""
_COMPARED = 2000
"""Characters of a text whose words are compared."""


def find_nearest(requested: Any, recorded: Sequence[Any]) -> int:
    """The index of the recorded body most like the requested one; the first of equally similar bodies."""
    leaves = dict(_leaves(requested))
    return max(range(len(recorded)), key=lambda index: _overlap(leaves, dict(_leaves(recorded[index]))))


def format_differences(requested: Any, recorded: Any) -> str:
    """Where two bodies (JSON values or bytes) first differ, and in how many more places; '' if equal."""
    first = [escape_unprintable(text) for _, text in islice(differences(requested, recorded), _COUNTED + 1)]
    if len(first) < 2:
        return "".join(first)
    more = f"at least {_COUNTED}" if len(first) > _COUNTED else str(len(first) - 1)
    return f"{first[0]} (and {more} more difference{'' if more == '1' else 's'})"


def differences(requested: Any, recorded: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every member that differs between two JSON values, with the difference in words; 1 is 1.0 but not true.

    The member is '' for the whole body, and where arrays have different lengths.
    """
    if isinstance(requested, dict) and isinstance(recorded, dict):
        for name in [*requested, *(name for name in recorded if name not in requested)]:
            at = join(path, name)
            if name not in requested:
                yield at, f"{at} is missing, recorded {format_value(recorded[name])}"
            elif name not in recorded:
                yield at, f"{at} is {format_value(requested[name])}, not in the recording"
            else:
                yield from differences(requested[name], recorded[name], at)
    elif isinstance(requested, list) and isinstance(recorded, list):
        for index, (item, recorded_item) in enumerate(zip(requested, recorded, strict=False)):
            yield from differences(item, recorded_item, f"{path}[{index}]")
        if len(requested) != len(recorded):
            yield "", f"{path or 'the body'} has {len(requested)} items, recorded {len(recorded)}"
    elif requested != recorded or isinstance(requested, bool) != isinstance(recorded, bool):
        yield path, _format_unequal(requested, recorded, path or "the body")


def suggest_ignoring(requested: Any, recorded: Any) -> str:
    """A sentence, after a space, that says how to ignore what differs; '' if that is no matter of a few parts."""
    candidates = [*([name] for name in PATTERNS), list(PATTERNS)]
    same = (parts for parts in candidates if not any(_differences_without(parts, requested, recorded)))
    parts = next(same, [])
    if not parts:
        paths = [path for path, _ in islice(differences(requested, recorded), _SUGGESTED + 1)]
        parts = paths if len(paths) <= _SUGGESTED and all(paths) else paths[:1]
    if not parts or not all(part and part.isprintable() and len(part) <= SHOWN for part in parts):
        return ""
    options = " ".join(f"--ignore {shlex.quote(part)}" for part in parts)
    return f" What does not count can be ignored: {options} (in Python ignore={parts})."


def _differences_without(parts: list[str], requested: Any, recorded: Any) -> Iterator[tuple[str, str]]:
    ignored = Ignored(parts)
    return differences(ignored.remove_from_body(requested), ignored.remove_from_body(recorded))


def format_value(value: Any) -> str:
    """A value as JSON, shortened."""
    text = repr(value) if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False)
    return shorten(text, SHOWN)


def escape_unprintable(text: str, most: int = 400) -> str:
    """The text's last `most` characters, unprintable ones escaped."""
    end = text if len(text) <= most else "..." + text[-most:]
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in end)


def _format_unequal(requested: Any, recorded: Any, at: str) -> str:
    """Two unequal values; of long ones, the text around the first difference."""
    whole = [format_value(requested), format_value(recorded)]
    long = isinstance(requested, str | bytes) and max(map(len, whole)) >= SHOWN
    if not long or type(requested) is not type(recorded) or not requested or not recorded:
        return f"{at} is {whole[0]}, recorded {whole[1]}"
    pairs = enumerate(zip(requested, recorded, strict=False))
    parting = next((index for index, pair in pairs if pair[0] != pair[1]), min(len(requested), len(recorded)))
    unit = "byte" if isinstance(requested, bytes) else "character"
    start, stop = max(0, parting - 20), parting + 40
    near = [format_value(text[start:stop]) if parting < len(text) else "ends there" for text in (requested, recorded)]
    return f"{at} differs from {unit} {parting} on: {near[0]}, recorded {near[1]}"


def _overlap(requested: dict[str, Any], recorded: dict[str, Any]) -> float:
    """From 0 to 1: the share of leaves that both have at the same path, weighted by their similarity."""
    same = sum(_similarity(requested[path], recorded[path]) for path in requested.keys() & recorded.keys())
    return 2 * same / max(1, len(requested) + len(recorded))


def _similarity(a: Any, b: Any) -> float:
    """0.5 for any two values at the same path, more for texts that share words, 1.0 for equal values."""
    if a == b:
        return 1.0
    if not isinstance(a, str) or not isinstance(b, str):
        return 0.5
    words_a, words_b = set(a[:_COMPARED].split()), set(b[:_COMPARED].split())
    return 0.5 + 0.4 * len(words_a & words_b) / max(1, len(words_a | words_b))


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, member in value.items():
            yield from _leaves(member, f"{path}.{name}")
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, value
