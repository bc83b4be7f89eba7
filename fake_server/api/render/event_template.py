"""Events that differ only in one or two texts: rendered once, then filled in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fake_server.api.render.style import Style, new_id

PLACEHOLDERS = (new_id("mark"), new_id("mark"))
"""Stand in a value where the texts will go."""


class EventTemplate:
    """The event of a value that contains the first or both PLACEHOLDERS, each once."""

    def __init__(self, style: Style, value: Mapping[str, Any]) -> None:
        rest = style.format_event(style.serialize(value))
        self._text = style.serialize_text
        places = sorted(
            (rest.find(b'"%s"' % mark.encode()), index) for index, mark in enumerate(PLACEHOLDERS)
        )
        self._order = [index for place, index in places if place >= 0]
        self._between = []
        for index in self._order:
            before, _, rest = rest.partition(b'"%s"' % PLACEHOLDERS[index].encode())
            self._between.append(before)
        self._last = rest

    def events(self, *texts: Iterable[str]) -> Iterator[bytes]:
        """Yield an event for each text, or for each pair of texts if the value has two placeholders."""
        text, last, first = self._text, self._last, self._between[0]
        if len(self._order) == 1:
            return (first + text(value) + last for value in texts[0])
        second, (left, right) = self._between[1], (texts[index] for index in self._order)
        return (
            first + text(first_value) + second + text(second_value) + last
            for first_value, second_value in zip(left, right, strict=False)
        )
