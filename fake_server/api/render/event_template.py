"""Events that differ only in one or two texts: rendered once, then filled in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fake_server.api.render.style import Style, new_id

PLACEHOLDERS = (new_id("mark"), new_id("mark"))
"""Stand in a value where the texts will go."""


class EventTemplate:
    """The event of a value that contains the first or both PLACEHOLDERS, each once."""

    def __init__(self, style: Style, value: Mapping[str, Any]) -> None:
        rest = style.format_event(style.serialize(value))
        self._style = style
        places = sorted((rest.find(b'"%s"' % mark.encode()), index) for index, mark in enumerate(PLACEHOLDERS))
        self._order = [index for place, index in places if place >= 0]
        self._between = []
        for index in self._order:
            before, _, rest = rest.partition(b'"%s"' % PLACEHOLDERS[index].encode())
            self._between.append(before)
        self._last = rest

    def events(self, *texts: Iterable[str]) -> list[bytes]:
        """Make an event of each text, or of each pair of texts if the value has two placeholders."""
        serialize, last, first = self._style.serialize_texts, self._last, self._between[0]
        if len(self._order) == 1:
            return [first + text + last for text in serialize(texts[0])]
        left, right = (serialize(texts[index]) for index in self._order)
        second = self._between[1]
        return [first + text + second + other + last for text, other in zip(left, right, strict=True)]
