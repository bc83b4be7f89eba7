"""The reply in what a command printed, without what terminals, mails, logs and people put around it.

What was shortened, or printed again by a program in a form of its own, is not what the server sent: `reason` says so.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
import textwrap
from dataclasses import dataclass

from contract_tests.recordings.importing.bodies import with_blank_lines
from fake_server.wire.jsontext import is_json

REPLY = re.compile(r"\s*(?:HTTP/\d|[{\[]|(?:data|event|id|retry):|[*<>] )")
_BEGIN = re.compile(r"^(?:HTTP/\d|\{|\[|data:|event:)", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[\d;]*[A-Za-z]")
_QUOTED = re.compile(r"^>[^\n]*(?:\n>[^\n]*)+", re.MULTILINE)
_QUOTED_FENCE = re.compile(r"^> ?(?:`{3}|~{3})", re.MULTILINE)
"""A part of a text that answers another one, with a fence in it."""
_METER = re.compile(r"% Total +% Received|Dload +Upload|^ *\d[\d.kMG ]*(?:\d\d|--):(?:\d\d|--):(?:\d\d|--) ")
_VERBOSE = re.compile(r"(?=[*<>] )[\s\S]*\n< HTTP/[\s\S]*\n<[ \t]*\n")
"""What `curl -v` prints up to the body."""
_INFO = re.compile(r"\* (?:TLS|Connection|Closing|SSL|\[HTTP|HTTP/\d|Mark bundle)[^\n]*|[{}] \[\d+ bytes data\]")
"""What `curl -v` writes between the parts of a body."""
_PROMPT = re.compile(
    r"^[ \t]*(?:[\w.-]+@[\w.-]+[^\n$#%]{0,80}[$#%]|(?:PS |[A-Za-z]:\\)[^\n>]{0,120}>|\$)(?:[ \t].*)?$", re.MULTILINE
)
"""A line of a shell that asks for the next command, or runs another one."""
_LOGGED = re.compile(
    r"(?:[\w.-]{1,60} +\| ?)?(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?[ \t]+)?"
)
"""What docker and loggers write before each line."""
_REPR = re.compile(r"(?:-d|--data(?:-raw|-binary)?) '(\{'[^\n]*+)", re.MULTILINE)
"""The body of LiteLLM's own curl lines: Python's form of a dict, in quotes that end at the first one in it."""
_EVENT = re.compile(r"(?:data|event|id|retry)?:|$")
_NAMED_EVENT = re.compile(r"(?:data|event|id|retry):")
_SHORTENED = re.compile(
    r"^[ \t]*(?:data:[ \t]*)?(?:\.{3,}|…|\[\.\.\.\]|//[^\n]*|<(?:snip|truncated|omitted)[^\n>]*>)[ \t]*,?[ \t]*$"
    r"|(?:\.{3}|…)\s*\Z|… \([\d,]+ bytes in all\)\s*\Z",
    re.MULTILINE | re.IGNORECASE,
)
_BYTES = re.compile(r"[ \t]*b(?:'(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\")[ \t]*")
_OBJECT = re.compile(r"\s*(?:\w*(?:Completion|Response|Chunk|Embedding)\w*\(\w+=|\{'\w+': |\[?b['\"])")
_TABLE = re.compile(r"\A\s*StatusCode +: (\d{3})[ \t]*\n", re.MULTILINE)
_CONTENT = re.compile(r"^Content +: ((?:[^\n]*\n?)(?:(?![A-Z]\w* *: )[^\n]*\n?)*)", re.MULTILINE)
_PROPERTIES = re.compile(r"\A\s*(?:id|object|choices|error|data) +: ", re.MULTILINE)
_DEPTH = re.compile(r":\s*\[?\s*\"@\{")
_ZSH = re.compile(r"(?<=[}\]])%\s*\Z")
"""What zsh writes behind a last line without an end."""
_HTML = re.compile(r"\s*<(?:!doctype|html|head|body)\b", re.IGNORECASE)
_NEXT = re.compile(r"\s*(?=[{\[])")
_STATUS = re.compile(r"\n?[^\n{}\[\]\"]{0,40}?\b([1-5]\d\d)[ \t]*\Z")

HTML = "a page without its head, so its status is not known: paste what `curl -iN` prints"
_CUT = re.compile(r"\A…|… \([\d,]+ bytes in all\)\s*\Z")
"""What issue texts of this kit write where a body is cut."""
_ANNOTATED = re.compile(r"(?<=[\w\"\[\]{},])[ \t]*(?://|<[-=]|←|#)[^\n\"]*$", re.MULTILINE)
ANNOTATED = "somebody wrote into it (`//`, `<--`), so it is no JSON: paste it as it came"
SHORTENED = "it was shortened (`...` stands in it): paste all of it"
OF_PYTHON = "Python's form of an object, not what the server sent: print the text of the reply, or save `curl -iN`"
OF_POWERSHELL = (
    "PowerShell's form of an object, not what the server sent: print `.Content` of Invoke-WebRequest, or save "
    "what `curl.exe -iN` prints"
)
CUT_IN_DEPTH = "ConvertTo-Json cut it at its depth (`@{…}`): give `-Depth 20`, or print `.Content`"


@dataclass(frozen=True)
class Printed:
    """The text of a reply, its status where the text behind it says that, and why it cannot be judged."""

    text: str
    status: int | None = None
    reason: str = ""


def clean(text: str) -> str:
    """A whole text without colours, marks of a quotation before every line, and Python's dicts in curl commands."""
    text = _COLOUR.sub("", text.replace("\r\n", "\n"))
    lines = text.split("\n")
    if all(line.startswith(">") for line in lines if line.strip()) and not re.match(r"\s*> [A-Z]+ \S+ HTTP/", text):
        text = _unquote(text)
    text = _QUOTED.sub(lambda match: _unquote(match[0]) if _QUOTED_FENCE.search(match[0]) else match[0], text)
    return _REPR.sub(lambda match: f"-d {_to_json(match[1])}" if match[1].rstrip().endswith("}'") else match[0], text)


def _unquote(text: str) -> str:
    return re.sub("^> ?", "", text, flags=re.MULTILINE)


def _to_json(written: str) -> str:
    """Python's form of a dict as JSON in quotes; where it cannot be read, the sign of a body that is not known."""
    try:
        return shlex.quote(json.dumps(ast.literal_eval(written.rstrip()[:-1]), ensure_ascii=False))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return "@unknown"


def clean_part(part: str) -> str:
    """What stands in a fence without what a log writes before each line, and without blanks in blank lines."""
    lines = part.split("\n")
    prefixes = [match.end() if (match := _LOGGED.match(line)) else 0 for line in lines]
    if all(end for end, line in zip(prefixes, lines, strict=True) if line.strip()):
        lines = [line[end:] for end, line in zip(prefixes, lines, strict=True)]
    return "\n".join(line if line.strip() else "" for line in map(_from_bytes, lines))


def _from_bytes(line: str) -> str:
    """A line as bytes, where it is Python's form of them, as `print(line)` has it."""
    if not _BYTES.fullmatch(line):
        return line
    try:
        return str(ast.literal_eval(line.strip()), "utf-8", "replace")
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return line


def before_prompt(printed: str) -> str:
    """What was printed before a shell asked for the next command."""
    return printed[: prompt.start()] if (prompt := _PROMPT.search(printed)) else printed


def reply_of(printed: str, writes_status: bool) -> Printed:
    """The reply in what a command printed; `writes_status`: the command was told to print the status behind it."""
    lines = [line for line in printed.split("\n") if not _METER.search(line)]
    if "< HTTP/" not in printed:
        lines = [line for line in lines if not _INFO.fullmatch(line)]
    text = _ZSH.sub("", textwrap.dedent("\n".join(lines)).strip("\n"))
    if _HTML.match(text):
        return Printed(text, reason=HTML)
    if found := _of_powershell(text):
        return found
    if _OBJECT.match(text):
        return Printed(text, reason=OF_PYTHON)
    if not REPLY.match(text) and (begin := _BEGIN.search(text)):  # "Response:" before it
        text = text[begin.start() :]
    if verbose := _VERBOSE.match(text):
        return Printed(verbose[0] + _without_rest(text[verbose.end() :]))
    heads, gap, body = "", "", text.lstrip()
    while body.startswith("HTTP/") and "\n\n" in body:
        head, gap, body = body.partition("\n\n")
        heads += head if not heads else f"{gap}{head}"
    status = int(match[1]) if writes_status and (match := _STATUS.search(body.rstrip())) else None
    if body.startswith(("{", "[")):
        end = _end_of_json(body)
        if not end:
            edited = ANNOTATED if _ANNOTATED.search(body) else ""
            return Printed(text, status, SHORTENED if _SHORTENED.search(body) else edited)
        cut = _DEPTH.search(body, 0, end) is not None
        return Printed(f"{heads}{gap}{body[:end]}", status, CUT_IN_DEPTH if cut else "")
    if body and _EVENT.match(body):
        return _stream(heads + gap, body, status)
    if body.startswith("HTTP/"):  # a head that no body follows
        text += "\n\n"
    return Printed(text, status, SHORTENED if _CUT.search(body) else "")


def _without_rest(text: str) -> str:
    """What `curl -v` printed behind the head, without what follows the JSON in it."""
    body = "\n".join(line for line in text.split("\n") if not _INFO.fullmatch(line)).lstrip()
    return body[: _end_of_json(body)] or text


def reason_against(body: bytes) -> str:
    """Why a body that stands behind a head is not what the server sent: somebody shortened it or wrote into it."""
    text = body.decode("utf-8", "replace").strip()
    if text.startswith(("{", "[")) and not is_json(body):
        return SHORTENED if _SHORTENED.search(text) else ANNOTATED if _ANNOTATED.search(text) else ""
    whole = _NAMED_EVENT.match(text) is None or not any(map(_SHORTENED.fullmatch, text.split("\n")))
    return "" if whole else SHORTENED


def _end_of_json(body: str) -> int:
    """Where a JSON text ends, and those that follow it at once; 0 where it is none."""
    end, decoder = 0, json.JSONDecoder()
    while match := _NEXT.match(body, end):
        try:
            _, end = decoder.raw_decode(body, match.end())
        except (ValueError, RecursionError):
            break
    return end


def _stream(head: str, body: str, status: int | None) -> Printed:
    """The events of a stream up to the last one; a line between them is theirs, unless curl or a person wrote it."""
    events = body.split("\n")
    length = max((number for number, line in enumerate(events, 1) if _NAMED_EVENT.match(line)), default=1)
    shortened = _SHORTENED.search("\n".join(events[:length])) or re.match(r"\s*(?:\.{3}|…)", "\n".join(events[length:]))
    text = "\n".join(events[:length]) + "\n"
    parted = with_blank_lines(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")
    return Printed(f"{head}{parted if head else text}\n", status, SHORTENED if shortened else "")


def _of_powershell(text: str) -> Printed | None:
    """What PowerShell printed of a reply, as a table of its properties; None where it is no such table."""
    if status := _TABLE.match(text):
        content = _CONTENT.search(text)
        body = textwrap.dedent(" " * 20 + content[1]).strip() if content else ""
        try:
            json.loads(body)
        except (ValueError, RecursionError):
            return Printed(text, reason=OF_POWERSHELL)
        return Printed(body, int(status[1]))
    if _PROPERTIES.match(text) and not re.match(r"\s*(?:data|id): ", text):
        return Printed(text, reason=OF_POWERSHELL)
    return None
