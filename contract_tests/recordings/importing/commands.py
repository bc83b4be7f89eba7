"""Pasted commands of curl, wget, HTTPie and PowerShell: where they stand in a text, and what they ask."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

from contract_tests.recordings.importing import httpie, powershell
from contract_tests.recordings.importing.bodies import CurlRequest
from contract_tests.recordings.importing.entry import VARIABLE, fields, with_host

# The line behind a sign that a command goes on begins none: each would be read to the end of them all.
_COMMAND = re.compile(
    r"(?<![\\^`]\n)^(?:[^\n`{]{0,80}?[$%#❯>])?[ \t]*(?:(?:time|sudo) |[A-Z_]{1,40}=\S{0,80} ){0,3}"
    r"(?:(?:docker|podman|kubectl) [^\n]{1,80}? |(?:echo|printf|cat) [^\n]{1,2000}?\| ?)?"
    r"(?:\$?\w{1,40} ?= ?)?\(?[ \t]*"
    rf"(?:(?P<curl>curl|wget)(?:\.exe)?|(?P<httpie>(?-i:https?|xhs?))|(?P<powershell>{powershell.NAMES}))[ \t]+(?=\S)",
    re.MULTILINE | re.IGNORECASE,
)
_ADDRESS = re.compile(rf"https?://|\blocalhost\b|/v1\b|{VARIABLE}/\w|:\d{{2,5}}/|-Uri\b")
_HERE = re.compile(r"<<-?\s*(['\"]?)(\w{1,40})\1")
_ANSI = re.compile(r"(?<=\s)\$'((?:[^'\\]|\\.)*+)'", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_JOINED = re.compile(r"-[sSNivkLfgq#]+([dHXoumxAewbcF].*)", re.DOTALL)
"""Short options without a value before one with it: `-sNd BODY`."""
_GIVEN = re.compile(r"\$\(|\$\{?(?!(?:ref|defs|schema|id|comment|anchor)\b)[A-Za-z_]")
"""What a program or a variable gave. JSON Schema has members that begin like one."""
_LEFT_OUT = re.compile(r"\.\.\.|…|<[a-z]")
_GOES_ON = re.compile(r"(?:>>?|More\?|(?:b|d|cmd)?quote>|pipe>) ?")
"""What a shell writes before a line that goes on with a command."""
_HARMLESS = re.compile(
    r"|jq(?: -\w+)*(?: \.)?(?: -\w+)*|python[\d.]* -m json\.tool.*|json_pp|tee\b.*|cat|less|more|bat\b.*"
)
"""Programs that show what they are handed whole, or write JSON again."""
_FILES = ("--post-file", "--body-file")
_DATA = (
    *("-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json"),
    *("--post-data", "--body-data", *_FILES),
)
_ENDS = ("|", ">", ";", "&&", "2>&1", ")", ");", "--next", "-:")
"""Words behind which a command asks nothing more."""
_METHOD = ("-X", "--request", "--method")
_WITH_VALUE = (
    *("-o", "-u", "-m", "-x", "-A", "-e", "-w", "-b", "-c", "-F", "--output", "--user", "--max-time", "--proxy"),
    *("--user-agent", "--cacert", "--connect-timeout", "--retry", "--write-out", "--cookie", "--resolve", "--form"),
)


def find_commands(text: str) -> Iterator[tuple[int, int]]:
    """Where each command begins, its prompt with it, and where what it printed begins."""
    end = 0
    for match in _COMMAND.finditer(text):
        if match.start() >= end:
            of_powershell = match["powershell"] or powershell.OF_POWERSHELL.match(text, match.start("curl"))
            end = (powershell.end_of_command if of_powershell else _end_of_command)(text, match.end())
            if _ADDRESS.search(text, match.start(), end):
                yield match.start(), end
            else:
                end = match.end()


def _end_of_command(text: str, place: int) -> int:
    """Where a command ends: at the line's end that is neither in quotes nor behind a sign that it goes on.

    A quote that is never closed ends with the line, or no command after it would be read.
    """
    quote, first = "", place
    while place < len(text):
        letter = text[place]
        ahead = text[place + 1 : place + 2] == "\n"
        escaped = quote != "'" and (letter == "\\" or (letter == "^" and ahead))
        if escaped or (letter == "`" and ahead and not quote):
            place += 1
        elif quote:
            quote = "" if letter == quote[-1] else quote
        elif letter in "'\"":
            quote = "$'" if letter == "'" and text[place - 1] == "$" else letter
        elif letter == "\n":
            break
        place += 1
    if quote and place >= len(text):
        return end if (end := text.find("\n", first)) >= 0 else len(text)
    return place


def take_here_document(printed: str, command: str) -> tuple[str, str]:
    """What was printed, and the command with the document that follows its `<<WORD` as the data of `-d @-`."""
    here = _HERE.search(command)
    end = re.search(rf"^\s*{here[2]}\s*$", printed, re.MULTILINE) if here else None
    if here is None or end is None:
        return printed, command
    given = shlex.quote(printed[: end.start()].strip())
    return printed[end.end() :], re.sub(r"@-", lambda _: given, command[: here.start()] + command[here.end() :])


def request_of(command: str) -> CurlRequest:
    """What a command asks. Raises ValueError where it cannot be read."""
    match = _COMMAND.match(command)
    if match is None:
        raise ValueError("no command is in the text")
    named = command[match.start(match.lastgroup or 0) :]
    if powershell.OF_POWERSHELL.match(named):
        return powershell.request_of(command[match.end() :])
    words = _words(named)[1:]
    if match["httpie"]:
        return httpie.request_of(words, "|" in command[: match.start("httpie")])
    return _of_curl(words)


def filter_of(command: str) -> str:
    """The program that a command hands its output to, where that may leave out or change a part of it; else ''."""
    match = _COMMAND.match(command)
    behind = command[match.end() :] if match else ""
    if match is None or powershell.OF_POWERSHELL.match(command[match.start(match.lastgroup or 0) :]):
        return ""  # what PowerShell prints is told by its form
    try:
        words = _words(behind)
    except ValueError:
        return ""
    programs = " ".join(words[words.index("|") + 1 :]) if "|" in words else ""
    return "" if all(_HARMLESS.fullmatch(program.strip()) for program in programs.split("|")) else programs[:60]


def _of_curl(words: list[str]) -> CurlRequest:
    """What the words behind `curl` or `wget` ask. Raises ValueError."""
    url, method, data, pairs = "", "", list[str](), list[tuple[str, str]]()
    while words and words[0] not in _ENDS:
        word = words.pop(0)
        if joined := _JOINED.fullmatch(word):
            word = f"-{joined[1]}"
        name, given, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if re.match(r"-[dHX].", word):
            name, given, value = word[:2], "=", word[2:]
        if name in (*_DATA, "-H", "--header", *_METHOD, "--url", *_WITH_VALUE) and not given:
            value = words.pop(0) if words else ""
        if name in _DATA:
            data.append(f"@{value}" if name in _FILES else value)
        elif name in ("-H", "--header"):
            pairs.append((value.partition(":")[0].strip(), value.partition(":")[2].strip()))
        elif name in _METHOD:
            method = value
        elif name == "--url" or not name.startswith("-"):
            url = url or value or word
    if not url:
        raise ValueError("the command names no URL")
    known = not any(_is_elsewhere(value) for value in data)
    return CurlRequest(
        with_host(url),
        "&".join(data).encode("utf-8", "surrogateescape") if known else None,
        method.upper() or ("POST" if data else "GET"),
        fields(pairs),
    )


def _is_elsewhere(data: str) -> bool:
    """Whether what was sent is not in the text: a file, a program or a variable gave it, or the text was shortened."""
    if data.startswith("@") or _GIVEN.search(data):
        return True
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return _LEFT_OUT.search(data) is not None
    return False


def _words(command: str) -> list[str]:
    """The words of a command. Raises ValueError."""
    first, *more = command.split("\n")
    if more and all(_GOES_ON.match(line) for line in more):
        command = "\n".join([first, *(_GOES_ON.sub("", line) for line in more)])
    of_powershell = "`\n" in command or command.startswith("curl.exe")
    if '^"' in command:  # Chrome's "Copy as cURL (cmd)": a caret before everything that cmd.exe might read
        command = re.sub(r"\^\n\n", "\n", command)
        command = re.sub(r"\^(.)", r"\1", re.sub(r"\^\n", " ", command))
    command = re.sub(r"[\\^`]\n", " ", command)
    try:
        text = _ANSI.sub(lambda match: shlex.quote(_ESCAPE.sub(_unescape, match[1])), command)
        lexer = shlex.shlex(text, posix=True, punctuation_chars="|;)")
        lexer.whitespace_split, lexer.commenters = True, ""
        words = list(lexer)
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
