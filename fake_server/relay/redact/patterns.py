"""Patterns of credentials, by their form and by the name in front of them, and of the dummies that replace them.

Every expression takes time linear in the length of its text, because targets choose the text.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache

from fake_server.relay.redact.dummies import beside_dummies, is_dummy
from fake_server.relay.redact.identifiers import has_all_kinds, is_id, is_identifier
from fake_server.relay.redact.kept import NOTHING, Kept
from fake_server.relay.redact.names import is_secret_field, is_secret_name, is_secret_parameter
from fake_server.relay.redact.prefixes import CERTAIN, ENDINGS, MIXED, PREFIXED, WORDY

_PEM = r"-----BEGIN [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----"
_PEM_BODY = r"(?:[A-Za-z0-9+/=\s\\:,._]|-(?!----)){16,}"
_USER = r"://(?:[A-Za-z0-9._~%-]{0,64}:)?"
_LITERAL = re.compile(r"\(\?<!|\(\?i:|\)|\[[^]]*\]|\{[^}]*\}")
"""What separates the literal parts of an alternative of `PREFIXED`."""


def _anchors(prefixes: str) -> tuple[str, ...]:
    """A literal part of each alternative: a text without any of them has no match."""
    parts = (_LITERAL.split(alternative) for alternative in prefixes.split("|"))
    return tuple(max(literals, key=len).replace("\\", "") for literals in parts)


_FORMS = (
    *((_anchors(prefix), rf"(?<![A-Za-z0-9])(?:{prefix})(?:{rest})") for prefix, rest in PREFIXED.items()),
    *ENDINGS,
    (("sk-",), CERTAIN + r"[A-Za-z0-9_-]{16,}"),
    (("PRIVATE KEY",), _PEM + _PEM_BODY),
    (("://",), r"://[A-Za-z0-9._~%-]{0,64}:[^\s/@\"'\\]{4,200}(?=@)"),
    (("://",), r"://[A-Za-z0-9_-]{20,200}(?=@)"),
)
"""The forms of credentials, each with its anchors: trying all of them at each character takes a second per MB."""


_RUN = re.compile(r"[A-Za-z0-9_./~:=+%@-]{12,}")
"""What most forms consist of, their anchors included: prose has few, so looking for many anchors takes no time."""
_SPACED = frozenset(anchor for anchors, form in _FORMS for anchor in anchors if " " in form or "://" in form)
"""Anchors of forms that hold other characters."""
_ANCHORS = frozenset(anchor for anchors, _ in _FORMS for anchor in anchors) - _SPACED


@lru_cache(maxsize=512)
def _expression(present: frozenset[str]) -> re.Pattern[str]:
    return re.compile("|".join(form for anchors, form in _FORMS if not present.isdisjoint(anchors)))


def _matches(text: str) -> Iterator[re.Match[str]]:
    """What looks like a credential; only forms whose anchor occurs are tried."""
    runs = "\n".join(_RUN.findall(text))
    present = {anchor for anchor in _ANCHORS if anchor in runs} if runs else set()
    present |= {anchor for anchor in _SPACED if anchor in text}
    if "bearer" in text.lower():
        present.add("bearer")
    return _expression(frozenset(present)).finditer(text) if present else iter(())


_PREFIX = re.compile("|".join(f"(?:{prefix})" for prefix in [CERTAIN, *PREFIXED, _PEM, _USER]))
_DOTTED = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]*+){2,4}")
"""A JSON Web Token (RFC 7519): three parts, or five if it is encrypted."""
_WORDY, _MIXED = re.compile(WORDY), re.compile(MIXED)
_TOKEN = re.compile("eyJ")
_PRINTABLE = bytes(range(0x20, 0x7F))
_BLOB = re.compile(r"[A-Za-z0-9_-]{24}")
_CLOUD_ID = re.compile(r"(?<![A-Za-z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])")
_CLOUD_KEY = re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=])")
_NEAR = 300
"""Characters around an access key id in which its secret is searched for."""

_STRING = r'"((?:[^"\\]|\\.)*+)'
_MEMBER = re.compile(r'"([^"\\:,{}]{2,64})"[ \t\r\n]*+(?=([:,]))')
_VALUE = re.compile(rf"[ \t\r\n]*+:[ \t\r\n]*+(?:{_STRING}|(-?[0-9]{{6,}})|(\[|\{{))", re.DOTALL)
_LONG_KEY = re.compile(r"(?=[^0-9]*+[0-9])(?=[^A-Za-z]*+[A-Za-z])[A-Za-z0-9._~+/=-]{20,4096}")
"""What `"token": …` or `"session": …` must hold to be a credential: bodies use these names otherwise too.

A `signature` signs a model's reasoning and opens nothing."""
_COMMON = frozenset({"key", "keys", "token", "tokens", "session"})
"""Members that mean many things."""
_NAMED_VALUE = re.compile(rf'[ \t\r\n]*+,[ \t\r\n]*+"value"[ \t\r\n]*+:[ \t\r\n]*+{_STRING}', re.DOTALL)
_INSIDE = re.compile(rf'[ \t\r\n,]*+(?:"(?:value|key|token|secret)"[ \t\r\n]*+:[ \t\r\n]*+)?{_STRING}"', re.DOTALL)
_PARAMETER = re.compile(r"(?:^|[?&;])([A-Za-z0-9_.%-]{2,64})=")
_ASSIGNMENT = re.compile(r"(?<![A-Za-z0-9])([A-Za-z][A-Za-z0-9_-]{2,63})['\"]?[ \t]{0,3}[:=][ \t]{0,3}['\"]?")
_PARAMETER_VALUE = re.compile(r"[^&\s\"<>\\#]+")
_STATE = re.compile(r"(?<=[?&])(?:state|nonce)=([A-Za-z0-9._~%-]+)")
"""OAuth's `state` guards a login if nobody can guess it; `state=open` is something else."""
_SHORT = 4
"""Characters from which the value of `key=` is one; that of `api_key=` is a key however short."""
_ASSIGNED_VALUE = re.compile(r"[^\s\"'\\,;&<>(){}]{4,}")
_QUOTED = re.compile(
    r"(?i:(?<![a-z])(?:api|access|secret|auth)[ _-]?(?:key|token)(?![a-z0-9_-])"
    r"(?: (?:provided|given|used|sent|received|supplied|was|is|not found|not valid)){0,2} ?[:=]? ?['\"`(\[]?)"
    r"(?:(?=[A-Za-z_-]*+[0-9])|sk-)([A-Za-z0-9][A-Za-z0-9_-]{3,}+)(?!\*|\.\.\.|\u2026|\xe2\x80\xa6)"
)
"""A key that an error text quotes: `Incorrect API key provided: sk-1234.`"""
_PART = re.compile(r'\bname="?([^"\r\n;]{2,64})"?[^\r\n]{0,200}\r?\n(?:[^\r\n]{1,200}\r?\n){0,4}\r?\n([^\r\n]+)')
_FIRST_OF_LIST = 64
"""Strings that are examined in a list whose name means that they are secret."""

_BINARY = (
    "\x89PNG",
    "\xff\xd8\xff",
    "GIF8",
    "RIFF",
    "OggS",
    "ID3",
    "\xff\xfb",
    "fLaC",
    "PK\x03\x04",
    "\x1aE\xdf\xa3",
    "wOF2",
)
"""How pictures, sounds, archives, videos and fonts begin."""
_PRINTED = bytes(range(0x20, 0x7F)) + b"\t\n\r"
_CONTROL = bytes({*range(1, 0x20), 0x7F} - {*b"\t\n\r\x1b"})
"""Control characters that no text has many of; NUL is half of UTF-16."""

Span = tuple[int, int]
"""Start and stop of some characters, as in a slice."""
Named = tuple[str, int, int]
"""The name of a value, and its start and stop."""


def is_binary(text: str) -> bool:
    """Whether a text of bytes (latin-1) or of characters is none: in random bytes everything looks like an encoding."""
    data = text.encode("latin-1", "replace")
    if text.startswith(_BINARY):
        return len(data.translate(None, _PRINTED)) * 16 > len(data)
    undecodable = text.count("\ufffd") + data.decode("utf-8", "replace").count("\ufffd")
    return (undecodable + len(data) - len(data.translate(None, _CONTROL))) * 16 > len(data)


def credentials(text: str, is_joined: bool = False) -> Iterator[Span]:
    """The spans that look like a credential by their form, without its prefix.

    In a text put together of pieces the three letters that begin a signed token (JWT) also meet by chance (`key` before
    padding that begins with J): there they must begin JSON.
    """
    for match in _matches(text):
        start, stop = skip_prefix(text, match.start(), match.end()), match.end()
        inside_blob = _BLOB.fullmatch(text, max(match.start() - 24, 0), match.start())
        candidate = text[start:stop]
        wordy = _WORDY.match(text, match.start()) and not _is_key(candidate)
        short = _MIXED.match(text, match.start()) and not has_all_kinds(candidate)
        if not (wordy or short or inside_blob or is_dummy(candidate)):
            yield start, stop
    for match in _DOTTED.finditer(text) if "eyJ" in text else ():
        first = text.find(".", match.start())
        begins = [begin.start() for begin in _TOKEN.finditer(text, match.start(), first - 10 + 2)]
        candidate = text[first + 1 : match.end()].replace(".", "")
        is_token = any(_begins_json(text[begin:first]) for begin in begins) if is_joined else bool(begins)
        if is_token and not is_dummy(candidate):
            yield first + 1, match.end()
    for match in _CLOUD_ID.finditer(text) if "AKIA" in text or "ASIA" in text else ():
        for key in _CLOUD_KEY.finditer(text, max(match.start() - _NEAR, 0), match.end() + _NEAR):
            if _is_mixed(key.group()) and re.search("[A-Z]", key.group()):
                yield key.span()


def _begins_json(encoded: str) -> bool:
    """Whether base64 is that of readable text, as the head of a token is and letters by chance are not."""
    head = encoded[: min(24, len(encoded) // 4 * 4)]
    return urlsafe_b64decode(head).translate(None, _PRINTABLE) == b""


def credentials_over(text: str, pieces: Callable[[int, int], Collection[int]], kept: Kept) -> Iterator[Span]:
    """The spans that look like a credential in a text put together, where it stands in several pieces.

    Pieces that do not belong together may look like one by chance: it must have the characters of a random key, or be
    spelled in small pieces, as tokens are. `pieces` names those of a span.
    """
    for start, stop in credentials(text, is_joined=True):
        number, rest = len(pieces(start - 1, stop)), beside_dummies(text[start:stop])
        if len(rest) < _LEAST or is_id(rest):
            continue
        is_key = has_all_kinds(rest) or _HEX_KEY.fullmatch(rest) or (_is_mixed(rest) and _is_spelled(number, rest))
        if number > 1 and is_key and not kept.holds(text, start, stop):
            yield start, stop
    for start, stop in named_secrets(text, kept):
        is_new = bool(beside_dummies(text[start:stop]))
        if is_new and _is_spelled(len(pieces(start - 1, stop + 1)), text[start - 1 : stop + 1]):
            yield start, stop


def _is_spelled(number: int, text: str) -> bool:
    return number > 1 and len(text) <= 8 * number


def named_secrets(text: str, kept: Kept = NOTHING) -> Iterator[Span]:
    """The values of members, parameters and form parts whose name means that they are secret."""
    for name, begin, stop in (*_members(text), *_parameters(text)):
        start = skip_prefix(text, begin, stop)
        if start < stop and not is_dummy(text[start:stop]) and not kept.holds(text, start, stop, name):
            yield start, stop


def find_suspicious(text: str, kept: Kept = NOTHING) -> Iterator[Span]:
    """The spans that look like a credential by their form or their name, and are not kept."""
    yield from (span for span in credentials(text) if not kept.holds(text, *span))
    yield from named_secrets(text, kept)


def skip_prefix(text: str, start: int = 0, stop: int | None = None) -> int:
    """Where the secret part of a credential starts: after `Bearer `, `sk-proj-`, `org-`, or at its start."""
    stop = len(text) if stop is None else stop
    while (match := _PREFIX.match(text, start, stop)) and match.start() < match.end() < stop:
        start = match.end()
    return start


def is_distinctive(value: str) -> bool:
    """Whether a value that is secret in its place is rare enough to be replaced everywhere else too."""
    return not re.search(r"\s", value) and (len(value) >= 20 or (len(value) >= 8 and _is_mixed(value)))


def _is_key(value: str) -> bool:
    """Keys have a digit or mixed case; words with dashes (`sk-folding-cube-with-shadow`) do not."""
    return re.search(r"[0-9]|[a-z][A-Z]", value) is not None


_LEAST = 12
"""Characters that a credential must have beside dummies: two dummies side by side, or one and a word, are none."""
_HEX_KEY = re.compile(r"[0-9a-fA-F_-]{30,}")


def _is_mixed(value: str) -> bool:
    return re.search(r"[0-9]", value) is not None and re.search(r"[A-Za-z]", value) is not None


def _members(text: str) -> Iterator[Named]:
    """Values of members: `"api_key": "…"`, and `"name": "api-key", "value": "…"`."""
    for match in _MEMBER.finditer(text):
        certain = is_secret_name(match[1])
        if not (certain or (is_secret_field(match[1]) and not match[1].endswith("signature"))):
            continue
        value = (_VALUE if match[2] == ":" else _NAMED_VALUE).match(text, match.end())
        if value is None:
            continue
        if not certain:
            harmless = match[1].lower() in _COMMON and is_identifier(value[1] or "")
            if value.lastindex == 1 and not harmless and _LONG_KEY.fullmatch(value[1]):
                yield match[1], *value.span(1)
        elif value.lastindex == 3:
            yield from ((match[1], *span) for span in _inside(text, value.end()))
        else:
            yield match[1], *value.span(value.lastindex or 1)


def _inside(text: str, position: int) -> Iterator[Span]:
    """The distinctive strings of a list that starts at `position`, or the `value` of an object."""
    for _ in range(_FIRST_OF_LIST):
        inner = _INSIDE.match(text, position)
        if inner is None:
            return
        if is_distinctive(inner[1]):
            yield inner.span(1)
        position = inner.end()


def _parameters(text: str) -> Iterator[Named]:
    for name, start, stop in _assigned_values(text, _PARAMETER, is_secret_parameter, _PARAMETER_VALUE):
        if stop - start >= _SHORT or is_secret_name(name):
            yield name, start, stop
    for match in _STATE.finditer(text) if "state=" in text else ():
        if is_distinctive(match[1]):
            yield "state", *match.span(1)
    mixed = _assigned_values(text, _ASSIGNMENT, is_secret_name, _ASSIGNED_VALUE)
    yield from (named for named in mixed if _is_mixed(text[slice(*named[1:])]))
    for match in _QUOTED.finditer(text):
        yield "api_key", *match.span(1)
    for match in _PART.finditer(text) if "name=" in text else ():
        if is_secret_name(match[1]):
            yield match[1], *match.span(2)


def _assigned_values(
    text: str, name: re.Pattern[str], is_secret: Callable[[str], bool], value: re.Pattern[str]
) -> Iterator[Named]:
    """Values after a name; each character is read once, however many names occur inside a value."""
    stop = 0
    for match in name.finditer(text):
        if match.end() >= stop and is_secret(match[1]) and (candidate := value.match(text, match.end())):
            stop = candidate.end()
            yield match[1], *candidate.span()
