"""Find the words that a request asks to be repeated verbatim.

Understands `Repeat after me: …`, `Reply with exactly: …`, `Say …`, `Echo: …`, `Print the following: …`, text
in quotes or a code fence, over several lines, in any script. Requests that only look alike (`say something
nice`, `answer with one word`) are not repeated.
"""

from __future__ import annotations

import re

from fake_server.api.sensible.vocabulary import PATTERNS

MAX_TEXT = 100_000
_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»", "‘": "’", "'": "'", "`": "`"}
_TAIL_LENGTH = 200
_BLOCK_AFTER = re.compile(r"\n[ \t]{0,9}\n<[A-Za-z_]")


def words_to_repeat(text: str, strict: bool = False) -> str | None:
    """The words to repeat, None if the text asks for none. `strict` requires `exactly`, a colon or quotes."""
    text = text[:MAX_TEXT].strip()
    for verb in ("repeat", "reply", "say", "print"):
        match = PATTERNS[verb].search(text)
        if not match:
            continue
        what, how = match.group("what").strip(), match.group("how")
        inside = _read_quoted(what)
        if inside is not None:
            return inside
        literal = bool(match.group("mark"))
        literally_asked = literal or bool(PATTERNS["exactly"].search(how)) or (verb in ("repeat", "say") and not strict)
        if literally_asked and (literal or not PATTERNS["not_literal"].match(what)):
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
    closing = re.search(re.escape(close) + r"(?![^\W_])", what[1:])  # an apostrophe inside a word closes nothing
    return what[1 : closing.start() + 1] if closing else None


def _strip_tail(what: str, literal: bool) -> str:
    """Strip what follows the words, such as `…, and nothing else`; a full stop is kept only after a colon."""
    block = _BLOCK_AFTER.search(what)
    what = (what[: block.start()] if block else what).rstrip()
    shorter = (what[:-_TAIL_LENGTH] + PATTERNS["tail"].sub("", what[-_TAIL_LENGTH:])).strip() or what
    alone = not literal and shorter.endswith(".") and shorter.find(".") == len(shorter) - 1 > 0
    return shorter[:-1] if alone else shorter
