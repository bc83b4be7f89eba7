"""Text as it is pasted into issues: `$ curl …` lines with what they printed, and Markdown code fences around them.

A command says what was asked: URL, method, header fields and body. What stands between it and the next command, in its
own fence or in the next one, is the reply, as `curl`, `curl -i` or `curl -v` prints it. In fences without commands, the
body of a request may stand before its reply. Other text is passed over.
"""

from __future__ import annotations

import json
import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from contract_tests.recordings.importing import bodies, curl
from contract_tests.recordings.importing.bodies import CurlRequest
from contract_tests.recordings.importing.commands import VARIABLE, request_of
from contract_tests.recordings.importing.endpoints import reason_to_skip
from contract_tests.recordings.importing.entry import Entries, ImportedEntry, Skipped, errors_at, target_of
from contract_tests.recordings.recording import InputError

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^`\n]*$", re.MULTILINE)
# The line behind a sign that a command goes on begins none: each would be read to the end of them all.
_COMMAND = re.compile(
    r"(?<![\\^`]\n)^(?:[^\n`{]{0,80}?[$%#❯>])?[ \t]*(?:time |sudo |[A-Z_]{1,40}=\S{0,80} ){0,3}"
    r"(?:(?:docker|podman|kubectl) [^\n]{1,80}? )?curl(?:\.exe)?[ \t]+(?=\S)",
    re.MULTILINE,
)
_ADDRESS = re.compile(rf"https?://|\blocalhost\b|/v1\b|{VARIABLE}/\w")
_PROMPT = re.compile(r"^[ \t]*(?:[\w.-]+@[\w.-]+[^\n$#%]{0,80}[$#%]|\$)(?:[ \t].*)?$", re.MULTILINE)
"""A line of a shell that asks for the next command, or runs another one."""
_METER = re.compile(r"% Total +% Received|Dload +Upload|^ *\d[\d.kMG ]*(?:\d\d|--):(?:\d\d|--):(?:\d\d|--) ")
_HEAD = re.compile(r"HTTP/\d|[*<>] ")
_REPLY = re.compile(r"\s*(?:HTTP/\d|[{\[]|(?:data|event|id|retry):|[*<>] )")
_BEGIN = re.compile(r"^(?:HTTP/\d|\{|\[|data:|event:)", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[\d;]*[A-Za-z]")
_SENT = {"messages": "/v1/chat/completions", "prompt": "/v1/completions", "input": "/v1/embeddings"}
"""The paths to which bodies with these members are sent."""
_EVENT = re.compile(r"(?:data|event|id|retry)?:|$")
_HERE = re.compile(r"<<-?\s*(['\"]?)(\w{1,40})\1")
_MOST = 1000
"""Commands and replies of one text."""

ASSUMED = " The URL begins with a variable of the shell, for which a base URL that ends in /v1 is assumed."

Block = tuple[str | None, str]
"""A command, None where a reply stands alone, and what it printed."""


def is_pasted(start: bytes) -> bool:
    """Whether a text holds a curl command, or begins with a fence."""
    text = _unquoted(_COLOUR.sub("", start.decode("utf-8", "replace")))
    return _FENCE.match(text) is not None or any(True for _ in _commands(text))


def entries(data: bytes, where: str, asked: CurlRequest, endpoint: str | None = None) -> Entries:
    """The replies of the text, each with what was asked for it. Raises InputError with the number of the command.

    `asked` is what was asked for a reply that stands without a command.
    """
    text = _unquoted(_COLOUR.sub("", data.decode("utf-8", "surrogateescape").replace("\r\n", "\n")))
    number, sent, bad, good = 0, None, list[InputError](), False
    for command, printed in _blocks(text):
        number += 1
        if number > _MOST:
            raise InputError(f"{where}: more than {_MOST} commands; split the file")
        place = f"command {number}" if command else f"reply {number}"
        with errors_at(f"{where}: {place}"):
            reply = _reply(printed)
            if command is None and (told := _request_in(reply, asked)):
                sent = told
                continue
            try:
                request = request_of(command) if command else sent or asked
            except ValueError as error:
                bad.append(InputError(f"{where}: {place}: {error}"))
                yield Skipped(f"a command that cannot be read: {error}")
                continue
            sent = None
            reason = "" if _REPLY.match(reply) else "a command without a reply"
            if command is None and not reason and not _is_reply(reply, request, endpoint):
                reason = "a text that is no reply"
            if command and not reason:
                reason = reason_to_skip(request.method, target_of(request.url), endpoint, request.url)
            if reason:
                yield Skipped(reason)
                continue
            read = curl.entries if _HEAD.match(reply) else bodies.entries
            for entry in read(reply.encode("utf-8", "surrogateescape"), f"{where}: {place}", request, endpoint):
                if isinstance(entry, ImportedEntry):
                    good = True
                    notes = entry.notes + (ASSUMED if command and request.url.startswith("/") else "")
                    entry = replace(entry, where=place, notes=notes)
                yield entry
    if bad and not good:
        raise bad[0]
    if not number:
        raise InputError(f"{where}: no reply: neither a curl command nor a fence with what one prints is in the text")


def _request_in(text: str, asked: CurlRequest) -> CurlRequest | None:
    """What is asked, where a text is the body of a request, as issues put one before its reply."""
    value = _parse(text)
    if not isinstance(value, dict) or "model" not in value or {"object", "choices", "error"} & value.keys():
        return None
    path = next((path for name, path in _SENT.items() if name in value), None)
    return CurlRequest(asked.url or path, text.encode("utf-8", "surrogateescape")) if path else None


def _is_reply(text: str, request: CurlRequest, endpoint: str | None) -> bool:
    """Whether a text that stands without a command is a reply; JSON may be anything else."""
    return not text.startswith(("{", "[")) or bodies.is_reply(_parse(text), request, endpoint)


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _unquoted(text: str) -> str:
    """The text without the `>` that an answer by mail, or in Markdown, puts before every line."""
    lines = text.split("\n")
    if all(line.startswith(">") for line in lines if line.strip()):
        return "\n".join(line.removeprefix(">").removeprefix(" ") for line in lines)
    return text


def _blocks(text: str) -> Iterator[Block]:
    """The commands with what they printed, in order; a reply may stand in the fence after that of its command."""
    waiting: str | None = None
    for part in _parts(text):
        commands = list(_commands(part))
        if not commands and _REPLY.match(part):
            yield waiting, part
            waiting = None
        for place, (command, start) in enumerate(commands):
            if waiting is not None:
                yield waiting, ""
                waiting = None
            is_last = place + 1 == len(commands)
            printed = part[start:] if is_last else part[start : commands[place + 1][1]]
            if not is_last:
                printed = printed[: -len(commands[place + 1][0])]
            printed, command = _take_here_document(printed, command)
            printed = printed[: prompt.start()] if (prompt := _PROMPT.search(printed)) else printed
            if printed.strip() or not is_last:
                yield command, printed
            else:
                waiting = command
    if waiting is not None:
        yield waiting, ""


def _commands(text: str) -> Iterator[tuple[str, int]]:
    """Each curl command with its prompt, and where what it printed begins."""
    end = 0
    for match in _COMMAND.finditer(text):
        if match.start() >= end:
            end = _end_of_command(text, match.end())
            command = text[match.start() : end]
            if _ADDRESS.search(command):
                yield command, end
            else:
                end = match.end()


def _parts(text: str) -> Iterator[str]:
    """What stands in the fences, or the whole text where there are none."""
    opening: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        if opening is None:
            opening = fence
        elif fence[1].startswith(opening[1]):
            yield text[opening.end() + 1 : fence.start()]
            opening = None
    if opening is not None:
        yield text[opening.end() + 1 :]
    elif not _FENCE.search(text):
        yield text


def _end_of_command(text: str, place: int) -> int:
    """Where a command ends: at the line's end that is neither in quotes nor behind a sign that it goes on."""
    quote = ""
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
    return place


def _take_here_document(printed: str, command: str) -> tuple[str, str]:
    """What was printed, and the command with the document that follows its `<<WORD` as the data of `-d @-`."""
    here = _HERE.search(command)
    end = re.search(rf"^\s*{here[2]}\s*$", printed, re.MULTILINE) if here else None
    if here is None or end is None:
        return printed, command
    given = shlex.quote(printed[: end.start()].strip())
    return printed[end.end() :], re.sub(r"@-", lambda _: given, command[: here.start()] + command[here.end() :])


def _reply(printed: str) -> str:
    """What a command printed less the progress meter, and less what is written behind the reply."""
    lines = [line for line in printed.split("\n") if not _METER.search(line)]
    text = textwrap.dedent("\n".join(lines)).strip("\n")
    if not _REPLY.match(text) and (begin := _BEGIN.search(text)):  # "Response:" before it
        text = text[begin.start() :]
    head, gap, body = "", "", text.lstrip()
    while body.startswith("HTTP/") and "\n\n" in body:
        one, gap, body = body.partition("\n\n")
        head += one if not head else f"{gap}{one}"
    if body.startswith(("{", "[")):
        try:
            _, end = json.JSONDecoder().raw_decode(body)
        except (ValueError, RecursionError):
            return text
        return head + gap + body[:end]
    if _EVENT.match(body) and body:
        events = body.split("\n")
        length = next((number for number, line in enumerate(events) if not _EVENT.match(line)), len(events))
        return head + gap + "\n".join(events[:length]).rstrip("\n") + "\n\n"
    return text
