"""Masks messages and excerpts, which may hold a credential that was cut, or one that is short."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from urllib.parse import quote, quote_plus

from fake_server.relay.redact.body import mask_text
from fake_server.relay.redact.dummies import is_dummy
from fake_server.relay.redact.known import ShortWord, as_known, fold_case
from fake_server.relay.redact.patterns import skip_prefix
from fake_server.relay.redact.views import apply_edits, merge_edits

_SHORT = re.compile(
    r"""(?ix) ( \b(?:bearer|basic)[ \t]+(?!(?-i:[a-z]+)\W*(?:\s|$))
              | (?<![\w-])sk-
              | \b(?:x-)?api[-_]key["']?[ \t]*[:=][ \t]*["']?
              ) [\w.~+/-]{6,}=*"""
)
"""What looks like a credential in a message, after a first group that says so; a recording keeps such short ones."""
_COLOUR = re.compile(r"(?:\x1b|\\x1b|\\u001b|\\033|\\e|�)\[[0-9;]{0,20}m")
"""A colour of a terminal, also escaped: its letter in front of a credential is no part of a word."""
_CUT = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{10,}(?=['\"…`]|\.\.\.|$)")
"""What may be the start of a credential whose end was cut off: the form of a whole one asks for more."""
_LONGEST_CUT = 600
"""Characters of the longest text in which such starts are looked for: those who quote cut a short part."""
_DISTINCTIVE, _SHORTEST_START = 8, 4
"""From this many characters on, the start of a known value is masked without the rest; from the second number
on where `…` says that the rest was cut off."""
_PART = 12
"""From this many characters on, a part of a known value is masked wherever it was cut out: few words are as long."""
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_CACHED = 2_000
"""Characters of the longest text whose masked form is remembered: reports repeat the texts of rules."""
_MARGIN = 400
"""Characters beyond an excerpt that are looked at, as half a credential is not recognized."""


_known: ContextVar[Callable[[], Iterable[str]]] = ContextVar("known", default=tuple)


@contextmanager
def excerpts_without(known: Callable[[], Iterable[str]]) -> Iterator[None]:
    """While entered, excerpts hold none of these values either; `known` is called by the first excerpt that is cut.

    An encoded value must be replaced before the cut, too, and who quotes a reply does not know the keys of the run.
    """
    outer = _known.get()
    token = _known.set(cache(lambda: (*outer(), *known())))
    try:
        yield
    finally:
        _known.reset(token)


def mask_excerpt(text: str, known: Iterable[str] = ()) -> str:
    """A message or an excerpt as a person may see it; each secret becomes a dummy of the same length.

    Besides what `mask_text` masks: a known value of which only the start is left, and what stands behind
    `Bearer`, `sk-` or `api_key=` even if it is short.
    """
    values = tuple(known)
    return _mask_again(text, values) if len(text) <= _CACHED else _mask(text, values)


def excerpt(text: str, limit: int, known: Iterable[str] = ()) -> str:
    """The first `limit` characters of a text, masked before the cut."""
    return _mask_part(text[: limit + _MARGIN], known)[:limit] if len(text) > limit else text


def shorten_masked(text: str, limit: int, known: Iterable[str] = ()) -> str:
    """The text in at most `limit` characters, masked before the cut; a cut one ends with `…`."""
    return text if len(text) <= limit else f"{excerpt(text, limit - 1, known)}…"


def excerpt_end(text: str, limit: int, known: Iterable[str] = ()) -> str:
    """The last `limit` characters of a text, masked before the cut."""
    return _mask_part(text[-limit - _MARGIN :], known)[-limit:] if len(text) > limit else text


def _mask_part(text: str, known: Iterable[str]) -> str:
    return mask_excerpt(text, dict.fromkeys((*known, *_known.get()())))


def _mask(text: str, known: tuple[str, ...]) -> str:
    colours = list(_COLOUR.finditer(text))
    masked = mask_text(_COLOUR.sub(lambda colour: " " * len(colour.group()), text) if colours else text, known)
    spans = (*_starts(masked, known), *_parts(masked, known), *_short(masked), *_cut_forms(masked))
    masked = apply_edits(masked, merge_edits((start, stop, None) for start, stop in spans))
    return apply_edits(masked, [(*colour.span(), colour.group()) for colour in colours])


_mask_again = lru_cache(maxsize=8192)(_mask)


def _short(text: str) -> Iterator[tuple[int, int]]:
    for match in _SHORT.finditer(text):
        start = skip_prefix(text, match.end(1), match.end())
        if not is_dummy(text[start : match.end()]):
            yield start, match.end()


def _cut_forms(text: str) -> Iterator[tuple[int, int]]:
    for match in _CUT.finditer(text) if len(text) <= _LONGEST_CUT else ():
        start, stop = skip_prefix(text, *match.span()), match.end()
        mark, rest = text[match.start() : start], text[start:stop]
        is_mark = mark.endswith(("-", "_")) and (len(mark) > 3 or mark in ("hf_", "r8_"))
        if is_mark and len(rest) > 5 and re.search("[0-9]", rest) and not is_dummy(rest):
            yield start, stop


def _starts(text: str, known: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Where a known value begins whose end is missing; `…` may stand for it."""
    values = [value[skip_prefix(value) :] for value in as_known(tuple(known)) if not isinstance(value, ShortWord)]
    small = fold_case(text)
    for value in values:
        if len(value) < _DISTINCTIVE:
            continue
        forms = dict.fromkeys(
            map(fold_case, (value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]))
        )
        for begin in dict.fromkeys(form[:_DISTINCTIVE] for form in forms):
            position = small.find(begin)
            while position >= 0:
                stop = position + max(_common_length(small, position, form) for form in forms)
                yield position, stop
                position = small.find(begin, stop)
            for length in range(_DISTINCTIVE - 1, _SHORTEST_START - 1, -1) if "…" in text else ():
                yield from _before_ellipsis(small, begin[:length])


def _parts(text: str, known: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Where a part of a known value stands whose beginning is missing; words alone, without a digit, are none."""
    if not (wanted := _parts_of(known)):
        return
    small = fold_case(text)
    for run in _BARE.finditer(small):
        for start in range(run.start(), run.end() - _PART + 1):
            if small[start : start + _PART] in wanted:
                yield start, start + _PART


@lru_cache(maxsize=64)
def _parts_of(known: tuple[str, ...]) -> frozenset[str]:
    """Every part of _PART characters of the known values, in lower case."""
    values = [fold_case(value) for value in as_known(known) if not isinstance(value, ShortWord)]
    parts = {value[start : start + _PART] for value in values for start in range(len(value) - _PART + 1)}
    return frozenset(part for part in parts if _BARE.fullmatch(part) and re.search("[0-9]", part))


def _before_ellipsis(text: str, start: str) -> Iterator[tuple[int, int]]:
    position = text.find(f"{start}…")
    while position >= 0:
        yield position, position + len(start)
        position = text.find(f"{start}…", position + 1)


def _common_length(text: str, start: int, form: str) -> int:
    """How many characters of `form` are in the text at `start`."""
    length = 0
    while text[start + length : start + length + 1] == form[length : length + 1] != "":
        length += 1
    return length
