"""The issue text for the tracker of the server at fault: Markdown that its maintainers can act on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from contract_tests.report.breakage import format_breakage, load_table
from contract_tests.report.examples import find_conforming
from contract_tests.report.findings import mask
from contract_tests.rules.engine.judge import Finding, Rule
from contract_tests.rules.engine.node import show_path
from contract_tests.rules.engine.view import View
from contract_tests.rules.judged import Judged
from contract_tests.shrinking.spans import parse
from contract_tests.shrinking.visible import (
    escape_invisible,
    format_code_block,
    format_inline_code,
    format_reply,
)
from contract_tests.target.main_program import MainOutcome
from fake_server.wire import jsontext
from fake_server.wire.exchange import Exchange, Headers
from fake_server.wire.text import shorten

MAX_TITLE = 110
MAX_EXPECTED = 40
"""Characters up to which the expected value is part of a title."""
_VALUE = re.compile(r"""missing|null|true|false|-?\d+(\.\d+)?([eE][-+]?\d+)?|["\[{].*""")
_AROUND, _LONGEST = 48, 120
"""Bytes shown before and after a wrong value, and the longest value for which a fix is shown."""
_NEVER_SHOWN = frozenset(
    {
        *("authorization", "api-key", "x-api-key", "cookie", "proxy-authorization", "openai-organization"),
        *("openai-project", "host", "content-length", "connection", "user-agent"),
    }
)


@dataclass(frozen=True)
class IssueContent:
    """What an issue is about: the reduced exchange, the fixture file that holds it, and the broken rule.

    `rule` is None if only main() decided what fails. `outcome` is how main() took the exchange before it was
    reduced, because a reduced answer may be unusable for other reasons. `reduction` says what was left out.
    """

    judged: Judged
    fixture: Path
    rule: Rule | None = None
    outcome: MainOutcome | None = None
    title: str = ""
    source: str = ""
    reduction: str = ""

    @property
    def exchange(self) -> Exchange:
        return self.judged.exchange

    @property
    def finding(self) -> Finding | None:
        """The finding that the issue is about."""
        return self.judged.first(self.rule)


def format_title(judged: Judged, rule: Rule | None, outcome: MainOutcome | None = None) -> str:
    """A title: the place and what was seen there; the message of main() if no rule is broken."""
    finding = judged.first(rule)
    if finding is None:
        what = f"main() fails: {outcome.line}" if outcome else f"{judged.exchange.request.path} fails"
        return shorten(what, MAX_TITLE)
    place, seen = show_path(finding.place.path), " ".join(finding.actual.split())
    stream = " in a stream" if finding.place.event is not None else ""
    if not place:
        what = f"{seen}{stream}"
    else:
        what = f"{place}{stream} is {seen}" if _is_value(seen) else f"{place}{stream}: {seen}"
    return shorten(what + _format_expected(finding), MAX_TITLE)


def _format_expected(finding: Finding) -> str:
    """The expected value if it is short, with a comma before it; else ''."""
    expected = " ".join(finding.expected.split())
    return f", expected {expected}" if 0 < len(expected) <= MAX_EXPECTED else ""


def _is_value(seen: str) -> bool:
    return _VALUE.fullmatch(seen) is not None


def format_issue(content: IssueContent) -> str:
    """The whole issue text, without anything that looks like a credential."""
    title = content.title or format_title(content.judged, content.rule, content.outcome)
    parts = [f"# {escape_invisible(title.encode('utf-8', 'replace'))}", *_parts(content)]
    return mask("\n\n".join(parts)) + "\n"


def _parts(content: IssueContent) -> Iterator[str]:
    exchange, view, finding = content.exchange, content.judged.view, content.finding
    yield _summary(view, finding)
    yield "## Reproduce"
    yield format_code_block(curl(exchange), "sh")
    yield "## What comes back"
    yield format_code_block(format_reply(exchange, finding.place.offset if finding else None), "http")
    if finding:
        points = {"at": str(finding.place), "actual": format_inline_code(finding.actual)}
        if finding.expected:
            points["expected"] = format_inline_code(finding.expected)
        yield "\n".join(f"- {name}: {text}" for name, text in points.items())
        yield "## What is expected"
        yield "\n\n".join(_expected(view, finding))
    if why := "\n\n".join(_why(content)):
        yield "## Why it matters"
        yield why
    yield "## Replay offline"
    yield format_code_block(f"contract replay {shlex.quote(str(content.fixture))}", "sh")
    yield "\n".join(_about(content))


def _summary(view: View, finding: Finding | None) -> str:
    """What is wrong with the reply, in one sentence."""
    endpoint = f"`{view.exchange.request.method} {view.exchange.request.path}`"
    if view.wants_stream:
        endpoint += " with `stream: true`"
    if finding is None:
        return f"A plain client that uses the official SDK gets no answer from {endpoint}."
    place, seen = show_path(finding.place.path), " ".join(finding.actual.split())
    if not view.status:
        problem = format_inline_code(seen)
    elif not place:
        problem = f"{format_inline_code(seen)} (status {view.status})"
    elif _is_value(seen):
        problem = f"`{place}` is {seen if seen == 'missing' else format_inline_code(seen)}"
    else:
        problem = f"{format_inline_code(seen)}, at `{place}`"
    expected = f", expected {format_inline_code(finding.expected)}" if _format_expected(finding) else ""
    return f"The reply to {endpoint} does not follow the OpenAI API: {problem}{expected}."


def _expected(view: View, finding: Finding) -> Iterator[str]:
    rule = finding.rule
    yield f"{rule.clause} ({rule.level}, [reference]({rule.see}))"
    if fix := suggest_fix(view.body, finding):
        yield format_code_block("\n".join(fix), "diff")
        return
    at_a_value = finding.place.path and _is_value(finding.actual)
    if not (at_a_value or finding.place.offset == len(view.body)):
        return
    example = find_conforming(rule)
    if example and example.lines:
        yield "In this place, a conforming reply has:"
        yield format_code_block(example.lines[-1].replace("⏎", "\n").strip("\n"))


def suggest_fix(body: bytes, finding: Finding) -> tuple[str, str] | None:
    """The bytes at the place as a diff of two lines, old and new; None unless one JSON value is expected."""
    place, expected = finding.place, finding.expected.encode()
    tree = parse(expected)
    if place.offset is None or not place.path or not jsontext.parse(expected).ok or tree is None:
        return None
    name, rest = place.path[-1], body[place.offset :]
    if finding.actual == "missing":
        if not isinstance(name, str) or not rest.startswith(b"{"):
            return None
        begin = stop = place.offset + 1
        comma = b"" if rest[1:].lstrip().startswith(b"}") else b","
        expected = f'"{name}":'.encode() + expected + comma
    else:
        value = parse(rest)
        if value is None or value.stop > _LONGEST or not (_is_value(finding.actual) or value.kind == tree.kind):
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
        breakage = format_breakage(load_table().of_rule(finding.rule.id))
        if breakage and not finding.own_harm:
            breakage = breakage.replace("every client: wrong ", "every client reports wrong ")
            breakage = re.sub(r"\busage\b", "token usage", breakage)
            yield f"Clients given such a reply (measured {load_table().measured}): {breakage}."
    view = content.judged.view
    # A client expects no text in an error, nor in a tool call.
    has_text = view.ok and b"tool_calls" not in view.body and b"function_call" not in view.body
    if content.outcome and (content.rule is None or has_text):
        yield _format_outcome(content.outcome)


def _format_outcome(outcome: MainOutcome) -> str:
    sdk = f"openai-python {version('openai')}"
    if outcome.code == 0:
        result = "prints the answer and does not notice."
    else:
        printed = "prints a part and then" if outcome.printed else "prints nothing and"
        result = f"{printed} fails: {format_inline_code(outcome.line)}"
    return f"Measured on the whole recording: a plain client with {sdk} {result}"


def _about(content: IssueContent) -> Iterator[str]:
    yield "This serves the same bytes, with the same framing and ending, to any client, without your server."
    if content.reduction:
        joined = ", and chunks were joined" if content.judged.view.form == "events" else ""
        yield f"{content.reduction}: everything unrelated to the fault was removed{joined}."
    if content.source:
        yield f"Seen at: {content.source}"
    others = sorted(content.judged.ids() - ({content.finding.rule.id} if content.finding else set()))
    if others:
        yield f"The same bytes also break {', '.join(f'`{rule_id}`' for rule_id in others)}."


# -- the request as a command


def curl(exchange: Exchange) -> str:
    """A curl command that sends the same request to the live server; the key comes from the environment."""
    request = exchange.request
    target = request.target
    base = "$OPENAI_BASE_URL" if target.startswith("/v1/") else "${OPENAI_BASE_URL%/v1}"
    path = target.removeprefix("/v1")
    url = f'"{base}{path}"' if shlex.quote(path) == path else f'"{base}"{shlex.quote(path)}'
    streamed = "-N " if View(exchange).wants_stream else ""
    method = "-I " if request.method == "HEAD" else f"-X {shlex.quote(request.method)} "
    if request.method == ("POST" if request.body else "GET"):
        method = ""
    lines = [f"curl -i {streamed}{method}{url}"]
    named = {name.lower() for name, _ in request.headers or ()}
    if exchange.status != 401 or "authorization" in named:
        lines.append('-H "Authorization: Bearer $OPENAI_API_KEY"')
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in _fields(exchange)]
    if request.body:
        lines.append(_data(request.body))
    setting = "export OPENAI_BASE_URL=http://localhost:1337/v1  # the server's base URL\n"
    return setting + " \\\n  ".join(lines)


def _fields(exchange: Exchange) -> Headers:
    """The header fields to send, except the key."""
    headers = exchange.request.headers or ()
    shown = tuple(pair for pair in headers if pair[0].lower() not in _NEVER_SHOWN)
    typed = any(name.lower() == "content-type" for name, _ in shown)
    if exchange.request.body and not typed:
        return (("Content-Type", "application/json"), *shown)
    return shown


def _data(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if not text or "\0" in text:
        return "--data-binary @request.body  # the fixture's request body, which is not text"
    return f"--data-raw {shlex.quote(text)}"
