"""The issue text for the tracker of the server at fault: Markdown that its maintainers can act on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from contract_tests.report.breakage import format_breakage, load_table
from contract_tests.report.curl import curl
from contract_tests.report.examples import find_conforming
from contract_tests.report.findings import clients_of, find_reference
from contract_tests.report.visible import escape_invisible, format_code_block, format_inline_code
from contract_tests.rules.engine.judge import Finding, Rule
from contract_tests.rules.engine.node import show_path
from contract_tests.rules.engine.view import View
from contract_tests.rules.evidence import describe_server
from contract_tests.rules.judged import Judged
from contract_tests.shrinking.spans import parse
from contract_tests.shrinking.title import format_expected, format_title, is_value
from contract_tests.shrinking.visible import describe_end, format_reply
from contract_tests.target.main_program import MainOutcome
from fake_server.relay.redact import mask_excerpt
from fake_server.wire import files, jsontext
from fake_server.wire.exchange import Aspect, Exchange
from fake_server.wire.text import printable

_UNKNOWN = {
    Aspect.BODY_BYTES: "how the JSON was written",
    Aspect.EVENT_FRAMING: "how events were written",
    Aspect.FRAMING: "how the body was framed",
    Aspect.ENDING: "how the reply ended",
}
MAX_REQUEST = 2_000
"""Bytes of a request up to which it is shown whole, as it was answered."""
MAX_FILE = 8_000
"""Characters of a fixture that is part of the issue."""
_AROUND, _LONGEST = 48, 120
"""Bytes shown before and after a wrong value, and the longest value for which a fix is shown."""


@dataclass(frozen=True)
class IssueContent:
    """What an issue is about: the reduced exchange, the fixture file that holds it, and the broken rule.

    `rule` is None if only main() decided what fails. `outcome` is how main() took the exchange before it was
    reduced, because a reduced answer may be unusable for other reasons. `reduction` says what was left out,
    `original` is the exchange before that.
    """

    judged: Judged
    fixture: Path
    rule: Rule | None = None
    outcome: MainOutcome | None = None
    title: str = ""
    source: str = ""
    reduction: str = ""
    original: Exchange | None = None

    @property
    def exchange(self) -> Exchange:
        return self.judged.exchange

    @property
    def finding(self) -> Finding | None:
        """The finding that the issue is about."""
        return self.judged.first(self.rule)


def format_issue(content: IssueContent, secrets: Iterable[str] = ()) -> str:
    """The whole issue text, without anything that looks like a credential, and without `secrets`."""
    title = content.title or format_title(content.judged, content.rule, content.outcome)
    parts = [f"# {escape_invisible(title.encode('utf-8', 'replace'))}", *_parts(content)]
    return printable(mask_excerpt("\n\n".join(parts), secrets)) + "\n"


def _parts(content: IssueContent) -> Iterator[str]:
    exchange, finding = content.exchange, content.finding
    yield _summary(content.judged.view, finding)
    yield "## Reproduce"
    whole = content.original or exchange
    if exchange.knows(Aspect.REQUEST):
        if len(whole.request.body) > MAX_REQUEST:
            yield "The request is reduced as well, and was not asked again."
            whole = exchange
        yield format_code_block(curl(whole), "sh")
    else:
        yield "The recording does not hold the whole request: the body of this one is not known, or not all of it."
        yield format_code_block(f"{exchange.request.method} {exchange.request.target}")
    yield "## What comes back"
    yield _describe_bytes(content)
    yield format_code_block(format_reply(exchange, finding.place.offset if finding else None), "http")
    if end := describe_end(exchange):
        yield end
    if finding:
        points = {"at": str(finding.place), "actual": format_inline_code(finding.actual)}
        if finding.expected:
            points["expected"] = format_inline_code(finding.expected)
        yield "\n".join(f"- {name}: {text}" for name, text in points.items())
        yield "## What is expected"
        yield "\n\n".join(_expected(content.judged.view, finding))
    if why := "\n\n".join(_why(content)):
        yield "## Why it matters"
        yield why
    yield "## Replay offline"
    yield from _replay(content)
    yield "\n".join(_about(content))


def _describe_bytes(content: IssueContent) -> str:
    """Whether these are the bytes as they came, and what the server says of itself."""
    exchange = content.exchange
    decoded = "; its content coding is undone here" if exchange.header("content-encoding") else ""
    if content.reduction:
        events = [len(view.events) for view in (content.judged.view, View(content.original or exchange))]
        joined = ", and chunks were joined" if 0 < events[0] < events[1] else ""
        words = f"{content.reduction}: what is not about the fault is removed{joined}{decoded}."
    elif not exchange.knows(Aspect.BODY_BYTES):
        words = f"The JSON as it was recorded; the bytes that crossed the wire are not known{decoded}."
    else:
        words = f"The body as it came{decoded}."
    server = describe_server((content.original or exchange).headers)
    named = ", ".join(format_inline_code(f"{name}: {value}") for name, value in server.items())
    return words + (f" The server calls itself {named}." if named else "")


def _replay(content: IssueContent) -> Iterator[str]:
    """How to serve the reply without the server: the whole file if it is small."""
    name, lines = content.fixture.name, ["pip install 'openai-contract-kit[contract]'  # Python 3.11 or newer"]
    if text := _self_contained(content.fixture):
        yield f"Save this as `{name}`:"
        yield format_code_block(text, "yaml")
    else:
        yield f"With `{name}`, and the `.body` files that it names, in one folder:"
    yield format_code_block("\n".join([*lines, f"contract replay {shlex.quote(name)}"]), "sh")


def _self_contained(path: Path) -> str:
    """The text of a fixture that needs no other file and is not long; '' if it is not so."""
    try:
        text = files.read_bytes(path, 4 * MAX_FILE, follow=False).decode()
    except (OSError, UnicodeDecodeError):
        return ""
    return "" if len(text) > MAX_FILE or re.search(r"^  (?:body|raw): *(?:\{file:|\n +file:)", text, re.M) else text


def _summary(view: View, finding: Finding | None) -> str:
    """What is wrong with the reply, in one sentence."""
    endpoint = format_inline_code(f"{view.exchange.request.method} {view.exchange.request.target}")
    if view.wants_stream:
        endpoint += " with `stream: true`"
    if finding is None:
        return f"A plain client that uses the official SDK gets no answer from {endpoint}."
    place, seen = show_path(finding.place.path), " ".join(finding.actual.split())
    if not view.status:
        problem = format_inline_code(seen)
    elif not place:
        problem = f"{format_inline_code(seen)} (status {view.status})"
    elif is_value(seen):
        problem = f"`{place}` is {seen if seen == 'missing' else format_inline_code(seen)}"
    else:
        problem = f"{format_inline_code(seen)}, at `{place}`"
    expected = f", expected {format_inline_code(finding.expected)}" if format_expected(finding) else ""
    return f"The reply to {endpoint} does not follow the OpenAI API: {problem}{expected}."


def _expected(view: View, finding: Finding) -> Iterator[str]:
    rule = finding.rule
    yield f"{rule.clause} ({rule.level}, [reference]({find_reference(finding)}))"
    if fix := suggest_fix(view.body, finding):
        yield format_code_block("\n".join(fix), "diff")
        return
    at_a_value = finding.place.path and is_value(finding.actual)
    if not (at_a_value or finding.place.offset == len(view.body)):
        return
    example = find_conforming(rule)
    if example and example.lines:
        yield "In this place, a conforming reply has:"
        yield format_code_block(example.lines[-1].replace("⏎", "\n").strip("\n"), "text example")


def suggest_fix(body: bytes, finding: Finding) -> tuple[str, str] | None:
    """The bytes at the place as a diff of two lines, old and new; None unless one JSON value is expected."""
    place, expected = finding.place, finding.expected.encode()
    tree = parse(expected)
    if place.offset is None or not place.path or not jsontext.parse(expected).ok or tree is None:
        return None
    name, rest = place.path[-1], body[place.offset : place.offset + 4 * _LONGEST]
    if finding.actual == "missing":
        if not isinstance(name, str) or not rest.startswith(b"{"):
            return None
        begin = stop = place.offset + 1
        comma = b"" if rest[1:].lstrip().startswith(b"}") else b","
        expected = f'"{name}":'.encode() + expected + comma
    else:
        value = parse(rest)
        if value is None or value.stop > _LONGEST or not (is_value(finding.actual) or value.kind == tree.kind):
            return None
        begin, stop = place.offset, place.offset + value.stop
    before = body[max(0, begin - _AROUND, body.rfind(b"\n", 0, begin) + 1) : begin]
    after = body[stop : stop + _AROUND].partition(b"\n")[0]
    was = body[begin:stop]
    return (
        f"- …{escape_invisible(before + was + after)}…",
        f"+ …{escape_invisible(before + expected + after)}…",
    )


def _why(content: IssueContent) -> Iterator[str]:
    finding = content.finding
    if finding and finding.harm:
        yield f"What breaks: {finding.harm}."
        breakage = format_breakage(clients_of(finding))
        if breakage:
            breakage = breakage.replace("every client: wrong ", "every client reports wrong ")
            breakage = re.sub(r"\busage\b", "token usage", breakage)
            yield f"Clients given such a reply (measured {load_table().measured}): {breakage}."
        if finding.rule.basis and not finding.own_harm:
            yield f"Why it has to hold: {finding.rule.basis}."
    view = content.judged.view
    # A client expects no text in an error, nor in a tool call.
    has_text = view.ok and b"tool_calls" not in view.body and b"function_call" not in view.body
    outcome = content.outcome
    # It prints the first of several choices: what it does not notice may be in another one.
    if outcome and (content.rule is None or (has_text and (outcome.code or view.wanted_choices == 1))):
        yield _format_outcome(outcome)


def _format_outcome(outcome: MainOutcome) -> str:
    sdk = f"openai-python {version('openai')}"
    if outcome.code == 0:
        result = "prints the answer and does not notice."
    else:
        printed = "prints a part and then" if outcome.printed else "prints nothing and"
        result = f"{printed} fails: {format_inline_code(outcome.line)}"
    return f"Measured on the whole recording: a plain client with {sdk} {result}"


def _about(content: IssueContent) -> Iterator[str]:
    exchange = content.exchange
    unknown = [words for aspect, words in _UNKNOWN.items() if not exchange.knows(aspect)]
    same = "the same bytes, with the same framing and ending," if not unknown else "this reply"
    yield f"This serves {same} to any client, without your server." + (
        f" The recording does not say {', '.join(unknown)}: here it is as usual." if unknown else ""
    )
    if content.source:
        yield f"Seen at: {content.source}"
    others = sorted(content.judged.ids() - ({content.finding.rule.id} if content.finding else set()))
    if others:
        yield f"The same bytes also break {', '.join(f'`{rule_id}`' for rule_id in others)}."
