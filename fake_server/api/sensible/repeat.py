"""Find the words that a request asks to be repeated verbatim.

Understands `Repeat after me: …`, `Reply with exactly: …`, `Say …`, `Echo: …`, `Print the following: …`, text
in quotes or a code fence, over several lines, in any script. Requests that only look alike (`say something
nice`, `answer with one word`) are not repeated.
"""

from __future__ import annotations

import re

MAX_TEXT = 100_000

_START = r"(?:^|(?<=[.!?:;,\n])[ \t]{0,9}|\b(?:please|then|just|only|must|should|to|and|always)\s+)"
_THING = (
    r"(?:the|this|these|following|exact|single|one|text|words?|lines?|sentences?|phrase|message|string|token|"
    r"characters?|numbers?(?=\s+-?\d)|verbatim|exactly|only|just|precisely|back|out loud)"
)
_REPEAT = re.compile(
    rf"{_START}(?:repeat|echo)\b"
    rf"(?P<how>(?:(?:,\s*|\s+)(?:after me|to me|word for word|nothing but|and nothing else|{_THING})\b)*)"
    r"\s*(?P<mark>[:,—]?)\s*(?P<what>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_REPLY = re.compile(
    rf"{_START}(?:(?:only|just)\s+)?(?:reply|respond|answer)\b\s*"
    rf"(?P<how>(?:\s*\b(?:with|only|nothing but|{_THING})\b)*)\s*(?P<mark>:?)\s*(?P<what>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_SAY = re.compile(
    rf"{_START}say\b(?P<how>(?:\s+(?:exactly|only|just|precisely|out loud|"
    r"the (?:words?|phrase|text|sentence|following))\b)*)"
    r"\s*(?P<mark>:?)\s*(?P<what>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_PRINT = re.compile(
    rf"{_START}(?:print|output|write|return|type)\b(?P<how>(?:\s+{_THING}\b)+)\s*(?P<mark>:)\s*(?P<what>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_EXACT = re.compile(r"exactly|only|just|precisely|nothing but|verbatim|\bwords?\b|exact", re.IGNORECASE)
_NOT_LITERAL = re.compile(
    r"(?:something|anything|nothing|a|an|how|what|why|who|when|where|if|whether|your|my|which|in|to|it|that|"
    r"them|each|every|yes or no|true or false|(?:the\s+)?(?:number|result|answer|name|json|value|letter|city|"
    r"code|output|questions?|valid|short|brief|concise|format|language|english|one|two|three))\b",
    re.IGNORECASE,
)
_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»", "‘": "’", "'": "'", "`": "`"}
_TAIL = re.compile(
    r"(?:,?\s{0,9}(?:and|with)\s+(?:nothing|no\s+other|not\s+a)\b[^\n]*"
    r"|,\s{0,9}nothing (?:else|more)[^\n]*|,?\s{1,9}please[.!]?"
    r"|(?<=[.!?])\s{1,9}(?:do not|don't|nothing|no|without|only|just|never)\b[^\n]*)\Z",
    re.IGNORECASE,
)
_TAIL_LENGTH = 200
_BLOCK_AFTER = re.compile(r"\n[ \t]{0,9}\n<[A-Za-z_]")


def words_to_repeat(text: str, strict: bool = False) -> str | None:
    """The words to repeat, None if the text asks for none. `strict` requires `exactly`, a colon or quotes."""
    text = text[:MAX_TEXT].strip()
    for pattern, free in ((_REPEAT, True), (_REPLY, False), (_SAY, True), (_PRINT, False)):
        match = pattern.search(text)
        if not match:
            continue
        what, how = match.group("what").strip(), match.group("how")
        inside = _read_quoted(what)
        if inside is not None:
            return inside
        literal = bool(match.group("mark"))
        literally_asked = literal or bool(_EXACT.search(how)) or (free and not strict)
        if literally_asked and (literal or not _NOT_LITERAL.match(what)):
            return _strip_tail(what, literal)
    return None


def _read_quoted(what: str) -> str | None:
    """The content of the quotes or code fence that `what` starts with, None without one."""
    if what.startswith("```"):
        body, end, _ = what[3:].partition("```")
        first, newline, rest = body.partition("\n")
        if end:
            return (rest if newline and not first.strip(" ").count(" ") else body).strip("\n")
    close = _QUOTES.get(what[:1])
    if close is None:
        return None
    stop = what.find(close, 1)
    while stop > 0:
        after = what[stop + 1 : stop + 2]
        if not after.isalnum():  # an apostrophe inside a word closes nothing
            return what[1:stop]
        stop = what.find(close, stop + 1)
    return None


def _strip_tail(what: str, literal: bool) -> str:
    """Strip what follows the words, such as `…, and nothing else`; a full stop is kept only after a colon."""
    block = _BLOCK_AFTER.search(what)
    what = (what[: block.start()] if block else what).rstrip()
    shorter = (what[:-_TAIL_LENGTH] + _TAIL.sub("", what[-_TAIL_LENGTH:])).strip() or what
    alone = not literal and shorter.endswith(".") and shorter.find(".") == len(shorter) - 1 > 0
    return shorter[:-1] if alone else shorter
