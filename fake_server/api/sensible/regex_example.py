"""Make a text that a simple regular expression matches, by walking the expression once.

Supports literals, classes, groups, alternatives and repeats, which is what the `pattern` of a JSON Schema
usually contains. Look-around and word boundaries count as empty, so callers check the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fake_server.wire.budget import spend
from fake_server.wire.text import shorten

MAX_LENGTH = 10_000
MAX_DEPTH = 50
MAX_READ = 200_000
"""Characters of the expression that are read, those that are repeated each time."""

_DIGITS = "1234567890"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_WORD = _LETTERS + _LETTERS.upper() + "0123456789_"
_PRINTABLE = _LETTERS + _LETTERS.upper() + "0123456789 -_.,:;!?@#$%&*+=/()[]{}<>~^|'\"\\`"
_CLASSES = {"d": _DIGITS, "w": _LETTERS + _DIGITS + "_" + _LETTERS.upper(), "s": " \t"}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_REPEAT = re.compile(r"[*+?]|\{(\d{1,6})(?:(,)(\d{0,6}))?\}")
_GROUP = re.compile(r"\?(?:P?<[A-Za-z_]\w*>|[a-zA-Z-]*:)")
_LOOK = re.compile(r"\?<?[=!]")


class Unsupported(ValueError):
    """The expression uses unsupported syntax, or the text grows too long."""


def make_example(pattern: str, minimum: int = 0, salt: int = 0) -> str | None:
    """Make a text of at least `minimum` characters that should match, None if there is none.

    Another salt gives another text if the expression allows it.
    """
    text = None
    for extra in (0, 1, 2, 4, 8, 16, 32, 64, 128, 512, 2048):
        try:
            text = _Generator(pattern, extra, salt).generate()
        except (Unsupported, IndexError, ValueError, OverflowError):
            return text
        if len(text) >= minimum:
            return text
    return text


@dataclass
class _Generator:
    pattern: str
    extra: int
    salt: int
    at: int = 0
    length: int = 0
    depth: int = 0
    read: int = 0

    def generate(self) -> str:
        try:
            text = self._alternatives()
        finally:
            spend(self.read // 5, f"an example of the pattern {shorten(self.pattern, 60)!r}")
        if self.at < len(self.pattern):
            raise Unsupported("an unexpected ')'")
        return text

    def _peek(self) -> str:
        return self.pattern[self.at] if self.at < len(self.pattern) else ""

    def _alternatives(self) -> str:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unsupported("nested too deep")
        texts = [self._sequence()]
        while self._peek() == "|":
            self.at += 1
            texts.append(self._sequence())
        self.depth -= 1
        return texts[self.salt % len(texts)]

    def _sequence(self) -> str:
        parts: list[str] = []
        while self._peek() not in ("", "|", ")"):
            start, length = self.at, self.length
            part = self._atom()
            lowest, highest = self._repeat()
            count, after = min(lowest + self.extra, highest), self.at
            if not count:
                self.length = length
                continue
            parts.append(part)
            for _ in range(count - 1):
                self.at = start
                parts.append(self._atom())
                if self.length > MAX_LENGTH:
                    raise Unsupported("too long")
            self.at = after
        return "".join(parts)

    def _repeat(self) -> tuple[int, int]:
        repeat = _REPEAT.match(self.pattern, self.at)
        if not repeat:
            return 1, 1
        self.at = repeat.end()
        if self._peek() in ("?", "+"):  # lazy, possessive: the same texts
            self.at += 1
        if repeat.group() in ("*", "+", "?"):
            return {"*": (0, MAX_LENGTH), "+": (1, MAX_LENGTH), "?": (0, 1)}[repeat.group()]
        lowest, comma, highest = repeat.groups()
        return int(lowest), int(highest or MAX_LENGTH) if comma else int(lowest)

    def _atom(self) -> str:
        start = self.at
        text = self._one_atom()
        self.read += self.at - start
        if self.read > MAX_READ:
            raise Unsupported("too long to read")
        return text

    def _one_atom(self) -> str:
        mark = self._peek()
        self.at += 1
        if mark == "(":
            return self._group()
        if mark == "[":
            return self._one_of(self._class())
        if mark == "\\":
            return self._one_of(self._escape(in_class=False))
        if mark in "^$":
            return ""
        if mark in "*+?":
            raise Unsupported("nothing to repeat")
        return self._one_of(_LETTERS if mark == "." else mark)

    def _group(self) -> str:
        look = _LOOK.match(self.pattern, self.at)
        if header := look or _GROUP.match(self.pattern, self.at):
            self.at = header.end()
        elif self._peek() == "?":
            raise Unsupported("a group of another kind")
        text = self._alternatives()
        if self._peek() != ")":
            raise Unsupported("a group without end")
        self.at += 1
        return "" if look else text

    def _escape(self, in_class: bool) -> str:
        mark = self.pattern[self.at]
        self.at += 1
        if mark.lower() in _CLASSES:
            inside = _CLASSES[mark.lower()]
            return inside if mark.islower() else _all_but(inside)
        if mark in "bBAZz" and not in_class:
            return ""
        if mark in "xu":
            digits = 2 if mark == "x" else 4
            self.at += digits
            return chr(int(self.pattern[self.at - digits : self.at], 16))
        if mark.isalnum() and mark not in _ESCAPES:
            raise Unsupported("an escape of another kind")
        return _ESCAPES.get(mark, mark)

    def _class(self) -> str:
        negated = self._peek() == "^"
        self.at += negated
        members: list[str] = []
        while self._peek() != "]" or not members:
            low = self._member()
            if len(low) == 1 and self._peek() == "-" and self.pattern[self.at + 1] != "]":
                self.at += 1
                high = self._member()
                low = "".join(map(chr, range(ord(low), min(ord(high), ord(low) + 200) + 1)))
            members.append(low)
        self.at += 1
        inside = "".join(members)
        return _all_but(inside) if negated else inside

    def _member(self) -> str:
        mark = self.pattern[self.at]
        self.at += 1
        return self._escape(in_class=True) if mark == "\\" else mark

    def _one_of(self, choices: str) -> str:
        if not choices:
            return ""
        position = self.length
        self.length += 1
        return choices[(position + self.salt) % len(choices)]


def _all_but(characters: str) -> str:
    return "".join(character for character in _PRINTABLE if character not in characters)
