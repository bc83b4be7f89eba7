"""Texts to copy: how to ask for a finding again, what came back as a fixture, and an issue for who is at fault."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from contract_tests.report.breakage import format_breakage
from contract_tests.report.curl import curl
from contract_tests.report.visible import format_code_block, format_inline_code
from contract_tests.rules.engine.node import Place
from contract_tests.rules.outline import MOST_REPLY
from fake_server.wire.exchange import Ending, Exchange, Framing, Headers, Request, Write, header
from fake_server.wire.fixture import Fixture, as_text
from fake_server.wire.text import printable

Finding = Mapping[str, Any]
Shown = Mapping[str, Any]
MOST_COPIED = 150_000
"""Characters of all texts to copy on a page: those of the first rules; the command that asks again is with each."""
_PYTHON = '''\
"""{clause}"""

from openai_contract_kit.contract_tests.recordings.judging import judge_files


def test_{name}() -> None:
    summary = judge_files([{label!r}], [{rule!r}])
    assert not summary.findings, summary.findings[0].actual
'''


class Copies:
    """The texts of one report's findings."""

    def __init__(self, report: Mapping[str, Any], room: int = MOST_COPIED) -> None:
        self.report, self.room = report, room
        self.is_run = "cases" in report

    def of(self, finding: Finding, shown: Shown | None, *, full: bool) -> dict[str, str]:
        """The texts by name, those that there are; `full`: also those that are long."""
        if self.room <= 0:
            return {}
        exchange = _rebuild(shown) if shown else None
        command = self._curl(exchange, finding) if exchange and shown and shown["request"]["whole"] else ""
        texts: dict[str, str] = {"curl": command, "pytest": self._pytest(finding)}
        if full:
            texts["fixture"] = _fixture(finding, shown, exchange) if exchange and shown else ""
            texts["issue text"] = self._issue(finding, shown, command)
        self.room -= sum(map(len, texts.values()))
        return {name: text for name, text in texts.items() if text}

    def _curl(self, exchange: Exchange, finding: Finding) -> str:
        command = printable(curl(exchange))
        base = self.report["target"] if self.is_run else ""
        parts = urlsplit(base) if re.fullmatch(r"https?://[!-~]+", base) else None
        if not parts or not exchange.request.target.startswith(f"{parts.path}/"):
            return command
        setting, _, rest = command.partition("\n")
        prefix = re.search(r"http://localhost:1337(\S*)", setting)
        root = f"{parts.scheme}://{parts.netloc}{prefix[1] if prefix else parts.path}"
        return f"export OPENAI_BASE_URL={shlex.quote(root)}\n{rest}"

    def _pytest(self, finding: Finding) -> str:
        if self.is_run:
            case = finding["in"].partition(" ")[0]
            options = {"--target": self.report["target"], "--model": self.report["model"], "--select": case}
            given = " ".join(f"{name} {shlex.quote(value)}" for name, value in options.items())
            return printable(f"pytest --pyargs openai_contract_kit.contract_tests {given}")
        name = re.sub(r"\W+", "_", finding["rule"], flags=re.ASCII).lower()
        clause = printable(finding["clause"], "").replace("\\", "/").replace('"', "'")
        return _PYTHON.format(clause=clause, name=name, label=finding["in"], rule=finding["rule"])

    def _issue(self, finding: Finding, shown: Shown | None, command: str) -> str:
        place, rule = str(_place(finding)), format_inline_code(finding["rule"])
        lines = [
            f"# {printable(finding['clause'], '').replace('`', '')}",
            f"At {format_inline_code(place)}: {format_inline_code(finding['actual'])}"
            + (f", expected {format_inline_code(finding['expected'])}." if finding["expected"] else "."),
        ]
        if around := finding.get("bytes"):
            lines += ["The reply there, as it came:", format_code_block(f"{around['before']}{around['after']}")]
        if command:
            lines += ["## Reproduce", format_code_block(command, "sh")]
        lines.append("## Why it matters")
        why = [f"What breaks: {printable(finding['breaks'], '')}."] if finding["breaks"] else []
        if breakage := format_breakage(finding["clients"]):
            why.append(f"Clients given such a reply: {breakage}.")
        lines.append(" ".join((*why, f"The rule is {rule} ({finding['level']}): {finding['see']}")))
        if again := finding.get("again"):
            lines += ["The kit that found it asks again with", format_code_block(again, "sh")]
        return printable("\n\n".join(lines)) + "\n"


def _place(finding: Finding) -> Place:
    at = finding["at"]
    return Place(at["event"], tuple(at["path"]), at["byte"])


def _rebuild(shown: Shown) -> Exchange | None:
    """The exchange as far as the report holds it; None where its request is not known."""
    if not shown["request"]:
        return None
    request, reply = (shown[name] or {"body": "", "fields": []} for name in ("request", "reply"))
    sent = Request(shown["method"], shown["target"], _fields(request["fields"]), request["body"].encode())
    body, fields = reply["body"].encode(), _fields(reply["fields"])
    return Exchange(
        sent, shown["status"], fields, (Write(body),) if body else (), _ending(shown["ending"]), _framing(fields)
    )


def _fields(listed: list[list[str]]) -> Headers:
    return tuple((name, value) for name, value in listed)


def _ending(name: str) -> Ending:
    return Ending(name) if name in list(Ending) else Ending.UNKNOWN


def _framing(fields: Headers) -> Framing:
    if "chunked" in (header(fields, "transfer-encoding") or ""):
        return Framing.CHUNKED
    return Framing.LENGTH if header(fields, "content-length") else Framing.CLOSE


def _fixture(finding: Finding, shown: Shown, exchange: Exchange) -> str:
    """The recording, '' where the report does not hold all of it."""
    reply, sizes = shown["reply"], [int(size) for _, size in shown["writes"]]
    if not (reply and reply["whole"] and shown["request"]["whole"]) or header(exchange.headers, "content-encoding"):
        return ""
    if len(sizes) != shown["number"] or sum(sizes) != len(exchange.payload):
        return ""
    pauses, now = [], shown["head"] or 0.0
    for time, _ in shown["writes"]:
        pauses.append(max(0.0, time - now) / 1000)
        now = time
    ends = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    body = exchange.payload
    cut = tuple(
        Write(body[end - size : end], round(pause, 4)) for end, size, pause in zip(ends, sizes, pauses, strict=True)
    )
    fixture = Fixture(exchange.but(writes=cut), printable(finding["clause"], ""), breaks=(finding["rule"],))
    return printable(as_text(fixture, MOST_REPLY * 4))
