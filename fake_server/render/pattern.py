"""Events that differ in a text or two alone: rendered once, and then only their texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_server.style import Style, new_id

MARKS = (new_id("mark"), new_id("mark"))
"""What stands in a value where its texts will."""


class Pattern:
    """The event of a value that holds MARKS, or the first of them, once each."""

    def __init__(self, style: Style, value: Mapping[str, Any]) -> None:
        rest = style.event(style.json(value))
        self._text = style.text
        found = sorted((rest.find(b'"%s"' % mark.encode()), index) for index, mark in enumerate(MARKS))
        self._order = [index for place, index in found if place >= 0]
        self._between = []
        for index in self._order:
            before, _, rest = rest.partition(b'"%s"' % MARKS[index].encode())
            self._between.append(before)
        self._last = rest

    def event(self, *texts: str) -> bytes:
        """The event with these texts in the place of the marks."""
        told = [
            before + self._text(texts[index])
            for before, index in zip(self._between, self._order, strict=True)
        ]
        return b"".join(told) + self._last
