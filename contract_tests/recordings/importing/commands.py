"""What a pasted curl command asks, as bash, cmd.exe and PowerShell write it."""

from __future__ import annotations

import json
import re
import shlex

from contract_tests.recordings.importing.bodies import CurlRequest
from contract_tests.recordings.importing.entry import fields

VARIABLE = r"\$(?:env:)?(?:\w{1,60}|\{\w{1,60}\})"
"""A variable of a shell."""
_AT_VARIABLE = re.compile(rf"{VARIABLE}(/.*)")
_ANSI = re.compile(r"(?<=\s)\$'((?:[^'\\]|\\.)*+)'", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_JOINED = re.compile(r"-[sSNivkLfgq#]+([dHXoumxAewbcF].*)", re.DOTALL)
"""Short options without a value before one with it: `-sNd BODY`."""
_DATA = ("-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json")
_WITH_VALUE = (
    *("-o", "-u", "-m", "-x", "-A", "-e", "-w", "-b", "-c", "-F", "--output", "--user", "--max-time", "--proxy"),
    *("--user-agent", "--cacert", "--connect-timeout", "--retry", "--write-out", "--cookie", "--resolve", "--form"),
)


def request_of(command: str) -> CurlRequest:
    """What a curl command asks. Raises ValueError where it cannot be read."""
    words = _words(command[command.index("curl") :])[1:]
    url, method, data, pairs = "", "", list[str](), list[tuple[str, str]]()
    while words and words[0] not in ("|", ">", ";", "&&", "2>&1"):
        word = words.pop(0)
        if joined := _JOINED.fullmatch(word):
            word = f"-{joined[1]}"
        name, given, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if re.match(r"-[dHX].", word):
            name, given, value = word[:2], "=", word[2:]
        if name in (*_DATA, "-H", "--header", "-X", "--request", "--url", *_WITH_VALUE) and not given:
            value = words.pop(0) if words else ""
        if name in _DATA:
            data.append(value)
        elif name in ("-H", "--header"):
            pairs.append((value.partition(":")[0].strip(), value.partition(":")[2].strip()))
        elif name in ("-X", "--request"):
            method = value
        elif name == "--url" or not name.startswith("-"):
            url = url or value or word
    if not url:
        raise ValueError("the command names no URL")
    # What a file or a program gave is not in the text.
    known = not any(value.startswith("@") or "$(" in value for value in data)
    return CurlRequest(
        _with_host(url),
        "&".join(data).encode("utf-8", "surrogateescape") if known else None,
        method.upper() or ("POST" if data else "GET"),
        fields(pairs),
    )


def _with_host(url: str) -> str:
    """The URL, or its path where it begins with a variable, in which a base URL that ends in /v1 is assumed."""
    if at := _AT_VARIABLE.fullmatch(url):
        return at[1] if at[1].startswith("/v1/") else f"/v1{at[1]}"
    return url if "://" in url else f"http://{url}"


def _words(command: str) -> list[str]:
    """The words of a command. Raises ValueError."""
    of_powershell = "`\n" in command or command.startswith("curl.exe")
    if '^"' in command:  # Chrome's "Copy as cURL (cmd)": a caret before everything that cmd.exe might read
        command = re.sub(r"\^\n\n", "\n", command)
        command = re.sub(r"\^(.)", r"\1", re.sub(r"\^\n", " ", command))
    command = re.sub(r"[\\^`]\n", " ", command)
    try:
        words = shlex.split(_ANSI.sub(lambda match: shlex.quote(_ESCAPE.sub(_unescape, match[1])), command))
    except ValueError as error:
        raise ValueError(f"the command cannot be read: {error}") from error
    return [_of_program(word) for word in words] if of_powershell else words


def _unescape(match: re.Match[str]) -> str:
    """A character that stands as an escape between $' and '."""
    if code := match[1] or match[2]:
        return chr(int(code, 16))
    return _LETTERS.get(match[3], match[3])


def _of_program(word: str) -> str:
    """A word as Windows PowerShell hands it to a program, which reads \\" as a quotation mark."""
    unescaped = word.replace('\\"', '"')
    try:
        json.loads(unescaped)
    except (ValueError, RecursionError):
        return word
    return unescaped
