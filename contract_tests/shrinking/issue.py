"""The issue text for the tracker of the server at fault: Markdown that a stranger can act on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from contract_tests.report.breakage import breakage, table
from contract_tests.report.examples import kept_by
from contract_tests.report.findings import mask
from contract_tests.rules import judge
from contract_tests.rules.engine.judge import Finding, Rule
from contract_tests.rules.engine.node import show_path
from contract_tests.rules.engine.view import View
from contract_tests.shrinking.spans import read
from contract_tests.shrinking.visible import code, fenced, shown_reply, visible
from contract_tests.target.main_program import MainOutcome
from fake_server.wire import jsontext
from fake_server.wire.exchange import Exchange, Headers
from fake_server.wire.text import shorten

MAX_TITLE = 110
MAX_WANTED = 40
"""Characters of what was expected that still stand in a title."""
_VALUE = re.compile(r"""missing|null|true|false|-?\d+(\.\d+)?([eE][-+]?\d+)?|["\[{].*""")
_AROUND, _LONGEST = 48, 120
"""Bytes shown before and after what should be another value, and of that value."""
_NEVER_SHOWN = frozenset(
    {
        *("authorization", "api-key", "x-api-key", "cookie", "proxy-authorization", "openai-organization"),
        *("openai-project", "host", "content-length", "connection", "user-agent"),
    }
)


@dataclass(frozen=True)
class Story:
    """What an issue tells: the exchange as it stands in the fixture, the fault in it, what came of it.

    `rule` is None where main() alone decided what fails. `outcome` is how main() took the exchange before
    it was reduced: what is left of a text can be no answer for reasons of its own. `shrunk` says in words
    what was left out.
    """

    exchange: Exchange
    fixture: Path
    rule: Rule | None = None
    outcome: MainOutcome | None = None
    title: str = ""
    source: str = ""
    shrunk: str = ""


def title_of(exchange: Exchange, rule: Rule | None, outcome: MainOutcome | None = None) -> str:
    """A title in words: where and what was seen; what main() says where no rule is broken."""
    finding = _finding(exchange, rule)
    if finding is None:
        return _cut(f"main() fails: {outcome.line}" if outcome else f"{exchange.request.path} fails")
    place = show_path(finding.place.path)
    seen = " ".join(finding.actual.split())
    stream = " in a stream" if finding.place.event is not None else ""
    wanted = _wanted(finding)
    if not place:
        return _cut(f"{seen}{stream}{wanted}")
    return _cut(
        f"{place}{stream} is {seen}{wanted}" if _is_value(seen) else f"{place}{stream}: {seen}{wanted}"
    )


def _wanted(finding: Finding) -> str:
    """What was expected, where it is said in a few words."""
    expected = " ".join(finding.expected.split())
    return f", expected {expected}" if 0 < len(expected) <= MAX_WANTED else ""


def _is_value(seen: str) -> bool:
    return _VALUE.fullmatch(seen) is not None


def _cut(text: str) -> str:
    return shorten(text, MAX_TITLE)


def issue(story: Story) -> str:
    """The whole text, without anything that looks like a credential."""
    title = story.title or title_of(story.exchange, story.rule, story.outcome)
    parts = [f"# {visible(title.encode('utf-8', 'replace'))}", *_parts(story)]
    return mask("\n\n".join(parts)) + "\n"


def _parts(story: Story) -> Iterator[str]:
    exchange, rule = story.exchange, story.rule
    finding = _finding(exchange, rule)
    yield _summary(exchange, finding)
    yield "## Reproduce"
    yield fenced(curl(exchange), "sh")
    yield "## What comes back"
    yield fenced(shown_reply(exchange, finding.place.offset if finding else None), "http")
    if finding:
        yield "\n".join(_points(finding))
        yield "## What is expected"
        yield "\n\n".join(_expected(exchange, finding))
    if why := "\n\n".join(_why(story)):
        yield "## Why it matters"
        yield why
    yield "## Replay offline"
    yield fenced(f"contract replay {shlex.quote(str(story.fixture))}", "sh")
    yield "\n".join(_about(story))


def _summary(exchange: Exchange, finding: Finding | None) -> str:
    """What the endpoint sends, in one sentence."""
    view = View(exchange)
    asked = f"`{exchange.request.method} {exchange.request.path}`"
    if view.wants_stream:
        asked += " with `stream: true`"
    if finding is None:
        return f"A plain client on the official SDK gets no answer from {asked}."
    place, seen = show_path(finding.place.path), " ".join(finding.actual.split())
    if not view.status:
        said = code(seen)
    elif not place:
        said = f"{code(seen)} (status {view.status})"
    elif _is_value(seen):
        said = f"`{place}` is {seen if seen == 'missing' else code(seen)}"
    else:
        said = f"{code(seen)}, at `{place}`"
    wanted = f", expected {code(finding.expected)}" if _wanted(finding) else ""
    return f"The reply to {asked} breaks the OpenAI API: {said}{wanted}."


def _points(finding: Finding) -> Iterator[str]:
    yield f"- at: {finding.place}"
    yield f"- actual: {code(finding.actual)}"
    if finding.expected:
        yield f"- expected: {code(finding.expected)}"


def _expected(exchange: Exchange, finding: Finding) -> Iterator[str]:
    rule = finding.rule
    yield f"{rule.clause} ({rule.level}, [reference]({rule.see}))"
    if change := mended(View(exchange).body, finding):
        yield fenced("\n".join(change), "diff")
        return
    example = kept_by(rule)
    at_a_value = finding.place.path and _is_value(finding.actual)
    if example and example.lines and (at_a_value or finding.place.offset == len(View(exchange).body)):
        yield "A reply that keeps it has at that place:"
        yield fenced(example.lines[-1].replace("⏎", "\n").strip("\n"))


def mended(body: bytes, finding: Finding) -> tuple[str, str] | None:
    """The bytes at the place as they are and as they should be, where what is expected is one JSON value."""
    place, expected = finding.place, finding.expected.encode()
    tree = read(expected)
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
        value = read(rest)
        if (
            value is None
            or value.stop > _LONGEST
            or not (_is_value(finding.actual) or value.kind == tree.kind)
        ):
            return None
        begin, stop = place.offset, place.offset + value.stop
    before = body[max(0, begin - _AROUND, body.rfind(b"\n", 0, begin) + 1) : begin]
    after = body[stop : stop + _AROUND].partition(b"\n")[0]
    was = body[begin:stop]
    return f"- …{visible(before + was + after)}…", f"+ …{visible(before + expected + after)}…"


def _why(story: Story) -> Iterator[str]:
    finding = _finding(story.exchange, story.rule)
    if finding and finding.rule.harm:
        yield f"What breaks: {finding.rule.harm}."
        if told := breakage(table().of_rule(finding.rule.id)):
            yield f"Clients that were given such a reply ({table().measured}): {told}."
    if story.outcome and (story.rule is None or _should_be_read(story.exchange)):
        yield _measured(story.outcome)


def _should_be_read(exchange: Exchange) -> bool:
    """Whether a client that wants a text has a right to one: not from a refusal, nor a call of a tool."""
    body = View(exchange).body
    return View(exchange).ok and b"tool_calls" not in body and b"function_call" not in body


def _measured(outcome: MainOutcome) -> str:
    sdk = f"openai-python {version('openai')}"
    if outcome.code == 0:
        return (
            f"Measured on the whole recording: a plain client on {sdk} prints the answer and does not notice."
        )
    printed = "prints a part and then" if outcome.printed else "prints nothing and"
    return f"Measured on the whole recording: a plain client on {sdk} {printed} fails: {code(outcome.line)}"


def _about(story: Story) -> Iterator[str]:
    yield "This serves these bytes, framing and ending to any client, without your server."
    if story.shrunk:
        joined = " and chunks are joined" if View(story.exchange).form == "events" else ""
        yield f"{story.shrunk}: what the fault does not need is taken out{joined}."
    if story.source:
        yield f"Seen at: {story.source}"
    finding = _finding(story.exchange, story.rule)
    others = sorted(judge(story.exchange).ids() - ({finding.rule.id} if finding else set()))
    if others:
        yield f"The same bytes also break {', '.join(f'`{one}`' for one in others)}."


def _finding(exchange: Exchange, rule: Rule | None) -> Finding | None:
    findings = judge(exchange).findings
    if rule is None:
        return next(iter(findings), None)
    return next((one for one in findings if one.rule.id == rule.id), None)


# -- the request as a command


def curl(exchange: Exchange) -> str:
    """A command that asks the live server the same; the key comes from the environment."""
    request = exchange.request
    target = request.target
    base = "$OPENAI_BASE_URL" if target.startswith("/v1/") else "${OPENAI_BASE_URL%/v1}"
    path = target.removeprefix("/v1")
    url = f'"{base}{path}"' if shlex.quote(path) == path else f'"{base}"{shlex.quote(path)}'
    streamed = "-N " if View(exchange).wants_stream else ""
    method = "" if request.method == ("POST" if request.body else "GET") else _method(request.method)
    lines = [f"curl -i {streamed}{method}{url}"]
    named = {name.lower() for name, _ in request.headers or ()}
    if exchange.status != 401 or "authorization" in named:
        lines.append('-H "Authorization: Bearer $OPENAI_API_KEY"')
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in _fields(exchange)]
    if request.body:
        lines.append(_data(request.body))
    setting = "export OPENAI_BASE_URL=http://localhost:1337/v1  # where the server listens\n"
    return setting + " \\\n  ".join(lines)


def _method(method: str) -> str:
    return "-I " if method == "HEAD" else f"-X {shlex.quote(method)} "


def _fields(exchange: Exchange) -> Headers:
    """The header fields to send besides the key."""
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
        return "--data-binary @request.body  # the fixture's request body: it is no text"
    return f"--data-raw {shlex.quote(text)}"
