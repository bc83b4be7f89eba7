"""Texts that are written as the codes of their characters: `115, 107, 45`, `73 6b 2d`, `0x73, 0x6b`."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator

from fake_server.relay.redact.dummies import fill
from fake_server.relay.redact.views import Edit, merge_edits

_GAP = r"[^0-9A-Za-z]{1,8}"
_TENS = "(?:[3-9][0-9]|1[0-2][0-9])(?![0-9])"
_SIXTEENS = r"(?:0[xX]|[uU]\+00|x)?[2-7][0-9a-fA-F](?![0-9A-Za-z])"
_RUNS = {
    10: re.compile(rf"(?<![0-9.]){_TENS}(?:{_GAP}(?:0{_GAP})?{_TENS}){{5,}}+"),
    16: re.compile(rf"(?<![0-9A-Za-z]){_SIXTEENS}(?:{_GAP}{_SIXTEENS}){{5,}}+"),
    8: re.compile(r"(?:\\[01][0-7]{2}){6,}+"),
    2: re.compile(rf"(?<![0-9])0?[01]{{7}}(?![0-9])(?:{_GAP}0?[01]{{7}}(?![0-9])){{5,}}+"),
}  # fmt: skip
"""Runs of codes of printed characters, by their base; decimal ones may be written `115.0`. They take all they can: an
expression that could give back would remember each of a million codes."""
_DIGITS = {
    10: re.compile(r"[0-9]{2,3}"),
    16: re.compile(r"[2-7][0-9a-fA-F](?![0-9A-Za-z])"),
    8: re.compile(r"[01][0-7]{2}"),
    2: re.compile(r"[01]{7,8}"),
}
_NUMERALS = {2: "b", 8: "o", 10: "d", 16: "x"}


class Codes:
    """Numbers read as characters; `text` is what they spell."""

    def __init__(self) -> None:
        self._starts, self._stops, self._codes, self._bases = array("i"), array("i"), array("i"), bytearray()

    @property
    def text(self) -> str:
        return "".join(map(chr, self._codes))

    def add(self, start: int, stop: int, code: int, base: int) -> None:
        self._starts.append(start)
        self._stops.append(stop)
        self._bases.append(base)
        self._codes.append(code)

    def end(self) -> None:
        """What follows does not belong to what was added before."""
        self.add(0, 0, 0, 10)

    def map_back(self, edits: Iterable[Edit]) -> Iterator[Edit]:
        for first, last, new in merge_edits(edits):
            old = "".join(map(chr, self._codes[first:last]))
            spelled = fill(old) if new is None or len(new) != len(old) else new
            for place, char in zip(range(first, last), spelled, strict=True):
                start, stop, base = self._starts[place], self._stops[place], self._bases[place]
                yield start, stop, format(ord(char), _NUMERALS[base]).rjust(stop - start, "0")


def find_codes(text: str) -> Iterator[Codes]:
    """The runs of codes in a text, whatever stands between them."""
    for base, run in _RUNS.items():
        for match in run.finditer(text):
            codes = Codes()
            for digits in _DIGITS[base].finditer(text, *match.span()):
                codes.add(*digits.span(), int(digits[0], base), base)
            yield codes
