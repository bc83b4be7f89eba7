"""What does not count when a request is compared with a recording: members of its body, and patterns in its texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

Part = str | re.Pattern[str]
"""A member (`messages[0].content`; `*` is any name or index), a name in PATTERNS, or a regular expression (`/…/`)."""

PATTERNS: Mapping[str, str] = MappingProxyType(
    {
        "iso-time": r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?)?(?!\d)",
        "uuid": r"(?i)(?<![0-9a-f])(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32})(?![0-9a-f])",
    }
)
"""Patterns that have a name: ISO 8601 dates and times, UUIDs with and without hyphens."""

_STEP = re.compile(r'\.?(?P<name>[^.\[\]"]+)|\[(?P<index>\*|-?[0-9]{1,9})\]|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]')
_PLAIN_NAME = re.compile(r'[^.\[\]"*\s]+')
_ANY = "*"

_Steps = tuple[str | int, ...]


class Ignored:
    """Removes the ignored `parts` from requests and recordings. Raises ValueError for a part that is none of Part.

    A member of an object is left out, an item of an array and a matching text are replaced by a placeholder.
    """

    def __init__(self, parts: Part | Iterable[Part] = ()) -> None:
        self._paths: list[_Steps] = []
        self._patterns: list[tuple[re.Pattern[str], str]] = []
        for part in [parts] if isinstance(parts, str | re.Pattern) else parts:
            if (pattern := _pattern(part)) is not None:
                self._patterns.append((pattern, f"<{part if part in PATTERNS else 'ignored'}>"))
            else:
                self._paths.append(_steps(str(part)))

    def remove_from_body(self, body: Any) -> Any:
        """A JSON value or bytes without what is ignored."""
        if isinstance(body, bytes):
            text = body.decode("utf-8", "surrogateescape")
            return self.remove_from_text(text).encode("utf-8", "surrogateescape") if self._patterns else body
        return self._remove(body, self._paths) if self._paths or self._patterns else body

    def remove_from_text(self, text: str) -> str:
        """A text with the placeholders of the patterns."""
        for pattern, placeholder in self._patterns:
            text = pattern.sub(lambda _, new=placeholder: new, text)  # type: ignore[misc]
        return text

    def _remove(self, value: Any, paths: list[_Steps]) -> Any:
        """The value without what `paths`, which begin at it, lead to."""
        if isinstance(value, dict):
            below = {name: _below(paths, name) for name in value}
            return {name: self._remove(member, below[name]) for name, member in value.items() if () not in below[name]}
        if isinstance(value, list):
            items = ((item, _below(paths, index, index - len(value))) for index, item in enumerate(value))
            return ["<ignored>" if () in rest else self._remove(item, rest) for item, rest in items]
        return self.remove_from_text(value) if isinstance(value, str) else value


def join(path: str, name: str) -> str:
    """The path of a member, in the form in which it can be ignored."""
    if not _PLAIN_NAME.fullmatch(name):
        return f"{path}[{json.dumps(name, ensure_ascii=False)}]"
    return f"{path}.{name}" if path else name


def _below(paths: list[_Steps], *names: str | int) -> list[_Steps]:
    return [path[1:] for path in paths if path[0] in names or path[0] == _ANY] if paths else paths


def _pattern(part: Part) -> re.Pattern[str] | None:
    """The pattern of a part; None for a member."""
    if isinstance(part, re.Pattern):
        pattern = part
    elif part in PATTERNS:
        return re.compile(PATTERNS[part])
    elif len(part) > 1 and part.startswith("/") and part.endswith("/"):
        try:
            pattern = re.compile(part[1:-1])
        except re.error as error:
            raise ValueError(f"cannot ignore {part!r}: not a regular expression: {error}") from error
    else:
        return None
    if pattern.search(""):
        raise ValueError(f"cannot ignore {part!r}: it matches also the empty text")
    return pattern


def _steps(part: str) -> _Steps:
    steps: list[str | int] = []
    position = 2 if part.startswith("$.") else 0
    while position < len(part):
        match = _STEP.match(part, position)
        if match is None or (match[0][0] == "." and not steps):
            break
        position = match.end()
        index, quoted = match["index"], match["quoted"]
        steps.append(match["name"] or (json.loads(quoted) if quoted else index if index == _ANY else int(index)))
    if not steps or position < len(part):
        names = ", ".join(PATTERNS)
        raise ValueError(
            f"cannot ignore {part!r}: name a member (messages[0].content, messages[*].id), "
            f"a pattern ({names}) or a regular expression (/…/)"
        )
    return tuple(steps)
