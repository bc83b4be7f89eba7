"""Text as it is pasted into issues: commands with what they printed, and Markdown code fences around them.

A command of curl, wget, HTTPie or PowerShell says what was asked: URL, method, header fields and body. What stands
between it and the next command, in its own fence or in the next one, is the reply, as the command prints it. Where no
command stands, a request as HTTP or its body may stand before its reply. Other text is passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from contract_tests.recordings.importing import bodies, curl, messages
from contract_tests.recordings.importing.bodies import CurlRequest
from contract_tests.recordings.importing.commands import filter_of, find_commands, request_of, take_here_document
from contract_tests.recordings.importing.endpoints import reason_to_skip
from contract_tests.recordings.importing.entry import Entries, ImportedEntry, Skipped, errors_at, target_of
from contract_tests.recordings.importing.printed import (
    REPLY,
    Printed,
    before_prompt,
    clean,
    clean_part,
    reply_of,
)
from contract_tests.recordings.recording import InputError
from fake_server.wire import fixture

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})([^`\n]*)$", re.MULTILINE)
_EXAMPLE = "example"
"""The word behind the language of a fence that holds no reply, as in issue texts of this kit."""
_HEAD = re.compile(r"HTTP/\d|[*<>] ")
_STATUS_LINE = re.compile(r"^HTTP/\d(?:\.\d)? \d{3}", re.MULTILINE)
_REQUEST = re.compile(
    r"^(?P<line>(?:GET|POST|PUT|PATCH|DELETE) (?:https?://|/)\S+)(?P<version> HTTP/\d(?:\.\d)?)?[ \t]*$", re.MULTILINE
)
_LABEL = r"(?:(?!data:|event:)[^\n{}\[\]\"']{0,60}[:：][ \t]*)?"
_DOCUMENT = re.compile(rf"^[ \t]*{_LABEL}(?=[{{\[]|(?:data|event):)", re.MULTILINE)
"""Where JSON or a stream begins, maybe behind a word that says what it is."""
_HINT = re.compile(
    rf"^{_LABEL}(?:[{{\[][\"\s{{]|HTTP/\d|(?:[^\n|]{{0,60}}\| ?|[\d:.TZ-]{{0,40}} )?(?:data|b'data): ?)", re.M
)
_SEPARATOR = re.compile(r"^###[^\n]*\n", re.MULTILINE)
"""What stands between the requests of a .http file."""
_WRITES_STATUS = re.compile(r"%\{(?:http_code|response_code)\}")
_SENT = {"messages": "/v1/chat/completions", "prompt": "/v1/completions", "input": "/v1/embeddings"}
"""The paths to which bodies with these members are sent."""
_MOST = 1000
"""Commands and replies of one text."""

ASSUMED = " The URL begins with a variable of the shell, for which a base URL that ends in /v1 is assumed."
NO_REPLY = "no reply: neither a curl command nor a fence with what one prints is in the text"


class Block(NamedTuple):
    """What was asked, as a command or as a request of HTTP (both None where neither is known), and what was printed."""

    command: str | None
    request: str | None
    printed: str


def is_pasted(start: bytes) -> bool:
    """Whether a text holds a command, or begins with a fence."""
    text = clean(start.decode("utf-8", "replace"))
    return _FENCE.match(text) is not None or any(True for _ in find_commands(text))


def may_hold_reply(data: bytes) -> bool:
    """Whether something in a text of no known format looks like a reply, or like what a program made of one."""
    text = clean(data[:1_000_000].decode("utf-8", "replace"))
    return _HINT.search(text) is not None or _REQUEST.search(text) is not None or is_pasted(data)


def entries(data: bytes, where: str, asked: CurlRequest, endpoint: str | None = None) -> Entries:
    """The replies of the text, each with what was asked for it. Raises InputError with the number of the command.

    `asked` is what was asked for a reply that stands without a command.
    """
    text = clean(data.decode("utf-8", "surrogateescape"))
    if own := _own_issue(text):
        yield own
        return
    number, sent, bad, good = 0, None, list[InputError](), False
    for block in _blocks(text):
        number += 1
        if number > _MOST:
            raise InputError(f"{where}: more than {_MOST} commands; split the file")
        place = f"command {number}" if block.command else f"reply {number}"
        writes_status = block.command is not None and _WRITES_STATUS.search(block.command) is not None
        printed = reply_of(block.printed, writes_status)
        alone = block.command is None and block.request is None and not _REQUEST.match(block.printed)
        if alone and (told := _request_in(printed.text, asked)):
            sent = told
            continue
        try:
            with errors_at(f"{where}: {place}"):
                for entry in _read(block, printed, sent or asked, f"{where}: {place}", endpoint):
                    if isinstance(entry, ImportedEntry):
                        good = True
                        assumed = block.command and entry.notes and _is_relative(block.command)
                        entry = replace(entry, where=place, notes=entry.notes + (ASSUMED if assumed else ""))
                    yield entry
        except InputError as error:
            bad.append(error)
            yield Skipped(f"{place} cannot be read: {str(error).removeprefix(f'{where}: {place}: ')}")
        sent = None
    if bad and not good:
        raise bad[0]
    if not number:
        raise InputError(f"{where}: {NO_REPLY}")


def _own_issue(text: str) -> ImportedEntry | None:
    """The exchange of an issue text that this kit wrote: the fixture in it has every byte."""
    for part in _parts(text) if text.startswith("# ") else ():
        if not part.startswith(f"{fixture.MARK}:"):
            continue
        with TemporaryDirectory() as folder:
            path = Path(folder, "issue.yaml")
            path.write_text(part, "utf-8", "replace", newline="")
            try:
                made = fixture.load(path)
            except fixture.FixtureError:
                continue
        return ImportedEntry(made.exchange, "fixture in the text", made.notes, made.source)
    return None


def _is_relative(command: str) -> bool:
    return request_of(command).url.startswith("/")


def _read(block: Block, printed: Printed, asked: CurlRequest, where: str, endpoint: str | None) -> Entries:
    """The entries of a block. Raises InputError or ValueError."""
    whole = _REQUEST.match(block.printed.lstrip()) and _STATUS_LINE.search(block.printed)
    if whole or (block.request is not None and _STATUS_LINE.match(printed.text)):
        text = _SEPARATOR.sub("", block.printed if whole else f"{block.request}\n\n{printed.text}")
        if not any(match["version"] for match in _REQUEST.finditer(text)):
            text = _REQUEST.sub(r"\g<line> HTTP/1.1", text.lstrip(), count=1)
        yield from messages.httpie_entries(text.encode("utf-8", "surrogateescape"), where, endpoint)
        return
    request = asked
    if block.command:
        request = request_of(block.command)
    elif block.request:
        request = _request_of_message(block.request)
    if reason := _reason_against(block, printed, request, endpoint):
        yield Skipped(reason)
        return
    request = replace(request, status=printed.status)
    read = curl.entries if _HEAD.match(printed.text) else bodies.entries
    yield from read(printed.text.encode("utf-8", "surrogateescape"), where, request, endpoint)


def _reason_against(block: Block, printed: Printed, request: CurlRequest, endpoint: str | None) -> str:
    """Why a block is no exchange that can be judged, '' if it is one."""
    if printed.reason:
        return f"a reply that cannot be read: {printed.reason}"
    if not REPLY.match(printed.text):
        return "a command without a reply" if block.command or block.request else "a text that is no reply"
    if block.command and (program := filter_of(block.command)):
        return f"the command hands what it printed to `{program}`, which is not the whole reply: leave that out"
    if block.command is None and bodies.holds_chunks(printed.text):
        return bodies.CHUNKS
    if block.command is None and not _is_reply(printed.text, request, endpoint):
        return "a text that is no reply"
    return reason_to_skip(request.method, target_of(request.url), endpoint, request.url) if block.command else ""


def _request_in(text: str, asked: CurlRequest) -> CurlRequest | None:
    """What is asked, where a text is the body of a request, as issues put one before its reply."""
    value = _parse(text)
    if not isinstance(value, dict) or "model" not in value or {"object", "choices", "error"} & value.keys():
        return None
    path = next((path for name, path in _SENT.items() if name in value), None)
    return CurlRequest(asked.url or path, text.encode("utf-8", "surrogateescape")) if path else None


def _request_of_message(text: str) -> CurlRequest:
    """What is asked by a request that stands as HTTP, its version or the host left out. Raises ValueError."""
    line = _REQUEST.search(text)
    if line is None:
        raise ValueError("a request line, such as 'POST /v1/chat/completions HTTP/1.1', is expected")
    head, _, body = text[line.end() :].strip("\n").partition("\n\n")
    if head.startswith("{"):
        head, body = "", head
    method, _, url = line["line"].partition(" ")
    headers = messages.read_fields(head.encode("utf-8", "surrogateescape").splitlines())
    sent = body.strip().encode("utf-8", "surrogateescape")
    return CurlRequest(url, sent if sent or method != "POST" else None, method, headers)


def _is_reply(text: str, request: CurlRequest, endpoint: str | None) -> bool:
    """Whether a text that stands without a command is a reply; JSON may be anything else."""
    return not text.startswith(("{", "[")) or bodies.is_reply(_parse(text), request, endpoint)


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _blocks(text: str) -> Iterator[Block]:
    """What was asked with what was printed, in order; a reply may stand in the fence after that of its request."""
    waiting: Block | None = None
    for part in map(clean_part, _parts(text)):
        commands = list(find_commands(part))
        for piece in () if commands else _pieces(part):
            if _REQUEST.match(piece) and not _STATUS_LINE.search(piece):
                if waiting is not None:
                    yield waiting
                waiting = Block(None, piece, "")
            else:
                yield waiting._replace(printed=piece) if waiting else Block(None, None, piece)
                waiting = None
        for place, (start, end) in enumerate(commands):
            if waiting is not None:
                yield waiting
                waiting = None
            is_last = place + 1 == len(commands)
            printed, command = take_here_document(
                part[end : None if is_last else commands[place + 1][0]], part[start:end]
            )
            block = Block(command, None, before_prompt(printed))
            if block.printed.strip() or not is_last:
                yield block
            else:
                waiting = block
    if waiting is not None:
        yield waiting


def _pieces(part: str) -> Iterator[str]:
    """The requests and replies of a part without commands."""
    if (request := _REQUEST.search(part)) or (REPLY.match(part) and not part.lstrip().startswith(("{", "["))):
        yield part[request.start() if request else 0 :]
        return
    if head := _STATUS_LINE.search(part):
        yield part[head.start() :]
        return
    place, failed, found = 0, 0, False
    while failed < _MOST and (document := _DOCUMENT.search(part, place)):
        start = document.end()
        if not part.startswith(("{", "["), start):
            yield part[start:]
            return
        try:
            _, place = json.JSONDecoder().raw_decode(part, start)
        except (ValueError, RecursionError):
            place, failed = start + 1, failed + 1
            continue
        found = True
        yield part[start:place]
    if not found and (REPLY.match(part) or reply_of(part, False).reason):
        yield part


def _parts(text: str) -> Iterator[str]:
    """What stands in the fences, or the whole text where there are none."""
    opening: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        if opening is None:
            opening = fence
        elif fence[1].startswith(opening[1]):
            if _EXAMPLE not in opening[2].split():
                yield text[opening.end() + 1 : fence.start()]
            opening = None
    if opening is not None:
        yield text[opening.end() + 1 :]
    elif not _FENCE.search(text):
        yield text
