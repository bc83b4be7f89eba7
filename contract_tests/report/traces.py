"""Examples of the rules about several exchanges of a case, read from `traces.yaml` and judged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from contract_tests.report.examples import format_complaint
from contract_tests.rules.engine.judge import Rule, judge_relation
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from fake_server.wire.exchange import Exchange, Request, Write

SOURCE = Path(__file__).resolve().parent / "traces.yaml"
Parts = Mapping[str, str]
MAIN = "main "
"""Parts that begin with this are main()'s error message; an empty one means that it printed the answer."""


@dataclass(frozen=True)
class Example:
    """The parts of a case by name, once keeping the rule and once breaking it, and the rule's complaint."""

    kept: Parts
    broken: Parts
    complaint: str


def find_example(rule: Rule) -> Example | None:
    """The example of a rule about several exchanges; None for other rules."""
    entry = load_entries().get(rule.id)
    if entry is None:
        return None
    finding = next(iter(judge_relation([rule], build_trace(rule.id, "broken"), rule.id).findings), None)
    complaint = format_complaint(finding) if finding else ""
    return Example(_format_parts(entry, "kept"), _format_parts(entry, "broken"), complaint)


def _format_parts(entry: Mapping[str, Any], form: str) -> Parts:
    seconds = entry.get("seconds", {}).get(form, {})
    times = {name: f" after {seconds[name]} s" for name in seconds}
    statuses = entry.get("status", {}).get(form, {})
    return {
        name: _format_part(name, text, statuses.get(name, 200)) + times.get(name, "")
        for name, text in entry[form].items()
    }


@cache
def load_entries() -> dict[str, Any]:
    """The examples by rule id."""
    examples: dict[str, Any] = yaml.safe_load(SOURCE.read_text("utf-8"))
    return examples


def build_trace(rule_id: str, form: str) -> Trace:
    """The exchanges of an example, `form` "kept" or "broken"."""
    entry = load_entries()[rule_id]
    parts: dict[str, str] = entry[form]
    return Trace(
        rule_id,
        {name: _view(entry, form, name) for name in parts if not name.startswith(MAIN)},
        expected=entry.get("expected", {}),
        deterministic=entry.get("deterministic"),
        valid=frozenset(entry.get("valid", ())),
        troubles={name: text for name, text in parts.items() if name.startswith(MAIN)},
        only_beside=entry.get("only_beside", {}).get(form),
    )


def _view(entry: Mapping[str, Any], form: str, name: str) -> View:
    """The exchange of one part: its body as a 200 to a chat request, where the entry says nothing else."""

    def own(member: str, otherwise: Any) -> Any:
        return entry.get(member, {}).get(form, {}).get(name, otherwise)

    body: str = entry[form][name]
    streamed = body.startswith("data:")
    asked = {"model": "m", "stream": streamed, **entry.get("asked", {}).get(name, {})}
    paths = entry.get("path", {})
    path = paths if isinstance(paths, str) else paths.get(name, "/v1/chat/completions")
    request = Request(entry.get("method", {}).get(name, "POST"), path, body=json.dumps(asked).encode())
    kind = "text/event-stream" if streamed else "application/json"
    fields = (("Content-Type", kind), *own("headers", {}).items())
    writes = (Write(body.encode()),) if body else ()
    return View(Exchange(request, own("status", 200), fields, writes, head_pause=own("seconds", 0.0)))


def _format_part(name: str, text: str, status: int) -> str:
    if name.startswith(MAIN):
        return text or "prints the answer, exit code 0"
    body = " ⏎ ".join(line for line in text.splitlines() if line)
    return body if body and status == 200 else f"status {status} {body}".rstrip()
