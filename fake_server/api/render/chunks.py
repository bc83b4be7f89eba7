"""What streams of all kinds have: padding, and the turns that choices take."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import TypeVar

from fake_server.api.render.style import Style, new_id

_Entry = TypeVar("_Entry")
AT_ONCE = 256
"""Events that are rendered at once, so that a long stream is never held whole."""


class Padding:
    """Padding of 1 to 16 characters, which hides the length of a chunk's text."""

    def __init__(self, style: Style) -> None:
        self._letters, self._chance = new_id("", 32), random.Random(style.seed)

    def take(self, count: int) -> list[str]:
        """The paddings of the next chunks."""
        letters, draw = self._letters, self._chance.getrandbits
        numbers = [draw(8) for _ in range(count)]
        return [letters[number >> 4 : (number >> 4) + 1 + number % 16] for number in numbers]


def interleave(choices: Iterable[Iterator[_Entry]]) -> Iterator[_Entry]:
    """Take one entry of each choice in turn, as choices are generated side by side."""
    for row in zip_longest(*choices):
        yield from (entry for entry in row if entry is not None)
