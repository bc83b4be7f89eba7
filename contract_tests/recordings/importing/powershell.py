"""What Invoke-WebRequest and Invoke-RestMethod ask, as people and browsers ("Copy as PowerShell") write it.

Sources: about_Quoting_Rules and about_Parsing of PowerShell's documentation; the text that Chrome and Edge copy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contract_tests.recordings.importing.bodies import CurlRequest
from contract_tests.recordings.importing.entry import fields, with_host

NAMES = r"(?:Invoke-(?:WebRequest|RestMethod)|iwr|irm)\b"
OF_POWERSHELL = re.compile(rf"{NAMES}|curl\b(?!\.)[^\n]*?\s-(?:uri|method|body|usebasicparsing)\b", re.IGNORECASE)
"""A command of PowerShell: there, `curl` may be another name of Invoke-WebRequest."""
_TOKEN = re.compile(
    r"(?P<blank>(?:[ \t\r]|`\n(?:>>)?)++)"
    r"|(?P<here>@'\n(?:(?!\n'@)[\s\S])*+(?:\n'@|\Z)|@\"\n(?:(?!\n\"@)[\s\S])*+(?:\n\"@|\Z))"
    r"|(?P<double>\"(?:[^\"`]|`[\s\S]|\"\")*+\")|(?P<single>'(?:[^']|'')*+')"
    r"|(?P<open>[({\[])|(?P<close>[)}\]])|(?P<end>[\n|;])|(?P<equals>=)"
    r"|(?P<word>(?:[^\s\"'`(){}\[\]|;=]|`.)++)|(?P<other>[\s\S])"
)
_ESCAPE = re.compile(r"`([\s\S])|\"\"|\$\(\[char\](0x[0-9a-fA-F]{1,6}|\d{1,7})\)")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_VARIABLE = re.compile(r"(?<!`)\$(?!\(\[char\])[\w({]")
_PARAMETERS = ("uri", "method", "body", "headers", "contenttype")
_SWITCHES = ("usebasicparsing", "verbose", "skipcertificatecheck", "skiphttperrorcheck", "passthru")

Token = tuple[str, str]
"""The kind of a token, and how it is written."""


def end_of_command(text: str, place: int) -> int:
    """Where a command ends: at the line's end that stands in no quotes and no brackets, and behind no backtick."""
    depth = 0
    for token in _TOKEN.finditer(text, place):
        depth += {"open": 1, "close": -1}.get(token.lastgroup or "", 0)
        if token[0] == "\n" and depth <= 0:
            return token.start()
    return len(text)


def request_of(command: str) -> CurlRequest:
    """What a command asks. Raises ValueError where it cannot be read."""
    given, first = _parameters(list(_tokens(command)))
    url = "".join(written for _, written in given.get("uri", first)).strip("\"'")
    if not url or "$" in url[1:] or (url.startswith("$") and "/" not in url):
        raise ValueError("the command names no URL, or only in a variable of the shell: write it out")
    body = given.get("body")
    pairs = list(_pairs(given.get("headers", [])))
    if kind := _text(given.get("contenttype", [])):
        pairs.append(("Content-Type", kind))
    method = (_text(given.get("method", [])) or ("POST" if body else "GET")).upper()
    sent = b"" if body is None and method != "POST" else _encode(_text(body or []))
    return CurlRequest(with_host(url), sent, method, fields(pairs))


def _encode(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogateescape")


def _tokens(command: str) -> Iterator[Token]:
    """The tokens up to what ends the command or hands its output on."""
    depth = 0
    for match in _TOKEN.finditer(command):
        kind = match.lastgroup or ""
        depth += {"open": 1, "close": -1}.get(kind, 0)
        if depth < 0 or (kind == "end" and depth == 0):
            return
        yield kind, match[0]


def _parameters(tokens: list[Token]) -> tuple[dict[str, list[Token]], list[Token]]:
    """The tokens of each parameter by its name, and those of the first value that has no name."""
    given: dict[str, list[Token]] = {}
    first: list[Token] = []
    name, place = "", 0
    while place < len(tokens):
        kind, written = tokens[place]
        if kind == "blank":
            place += 1
            continue
        if kind == "word" and re.match(r"-[A-Za-z]", written):
            written, _, joined = written[1:].partition(":")
            name = _full_name(written.lower())
            if joined:
                given[name] = [("word", joined)]
            place += 1
            continue
        end = _end_of_value(tokens, place)
        if name and name not in _SWITCHES:
            given.setdefault(name, tokens[place:end])
        elif not first:
            first = tokens[place:end]
        name, place = "", end
    return given, first


def _full_name(name: str) -> str:
    """A parameter's name in full: PowerShell takes any beginning of it."""
    return next((full for full in (*_PARAMETERS, *_SWITCHES) if len(name) > 2 and full.startswith(name)), name)


def _end_of_value(tokens: list[Token], place: int) -> int:
    """Where a value ends: at the blank that stands in no brackets."""
    depth = 0
    while place < len(tokens):
        kind = tokens[place][0]
        depth += {"open": 1, "close": -1}.get(kind, 0)
        if kind == "blank" and depth == 0:
            break
        place += 1
    return place


def _text(tokens: list[Token]) -> str | None:
    """The text of a value, also of one made to bytes; None where a variable or a program gives it."""
    strings = [token for token in tokens if token[0] in ("single", "double", "here")]
    plain = "".join(written for kind, written in tokens if kind not in ("single", "double", "here", "blank"))
    if len(strings) == 1 and (not plain or re.fullmatch(r"\(\[[\w.]+\]::UTF8\.GetBytes\(\)\)", plain)):
        kind, written = strings[0]
        if kind == "here":
            quote, inside = written[1], written[3:-3]
            return None if quote == '"' and _VARIABLE.search(inside) else inside
        if kind == "single":
            return written[1:-1].replace("''", "'")
        return None if _VARIABLE.search(written) else _ESCAPE.sub(_unescape, written[1:-1])
    return plain if plain and not strings and re.fullmatch(r"[^$@(]+", plain) else None


def _unescape(match: re.Match[str]) -> str:
    if match[2]:
        return chr(min(int(match[2], 0), 0x10FFFF))
    return _LETTERS.get(match[1], match[1]) if match[1] else '"'


def _pairs(tokens: list[Token]) -> Iterator[tuple[str, str]]:
    """Names and values of a table, `@{"Name"="value"; Name = 'value'}`; values that are not known are left out."""
    parts = [token for token in tokens if token[0] not in ("blank", "other", "open", "close") and token[1] != "@"]
    for place, (kind, _) in enumerate(parts):
        if kind == "equals" and 0 < place < len(parts) - 1:
            name, value = _text([parts[place - 1]]), _text([parts[place + 1]])
            if name and value is not None:
                yield name, value
