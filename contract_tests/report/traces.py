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
    return {name: _format_part(name, text) + times.get(name, "") for name, text in entry[form].items()}


@cache
def load_entries() -> dict[str, Any]:
    """The examples by rule id."""
    examples: dict[str, Any] = yaml.safe_load(SOURCE.read_text("utf-8"))
    return examples


def build_trace(rule_id: str, form: str) -> Trace:
    """The exchanges of an example, `form` "kept" or "broken"."""
    entry = load_entries()[rule_id]
    parts: dict[str, str] = entry[form]
    status = entry.get("status", {}).get(form, {})
    headers = entry.get("headers", {}).get(form, {})
    seconds = entry.get("seconds", {}).get(form, {})
    parameters = entry.get("asked", {})
    path = entry.get("path", "/v1/chat/completions")
    return Trace(
        rule_id,
        {
            name: _view(
                path,
                text,
                status.get(name, 200),
                headers.get(name, {}),
                parameters.get(name, {}),
                seconds.get(name, 0.0),
            )
            for name, text in parts.items()
            if not name.startswith(MAIN)
        },
        expected=entry.get("expected", {}),
        deterministic=entry.get("deterministic"),
        valid=frozenset(entry.get("valid", ())),
        troubles={name: text for name, text in parts.items() if name.startswith(MAIN)},
    )


def _view(
    path: str,
    body: str,
    status: int,
    headers: Mapping[str, str],
    parameters: Mapping[str, Any],
    seconds: float,
) -> View:
    streamed = body.startswith("data:")
    request = Request("POST", path, body=json.dumps({"model": "m", "stream": streamed, **parameters}).encode())
    kind = "text/event-stream" if streamed else "application/json"
    fields = (("Content-Type", kind), *headers.items())
    writes = (Write(body.encode()),) if body else ()
    return View(Exchange(request, status, fields, writes, head_pause=seconds))


def _format_part(name: str, text: str) -> str:
    if name.startswith(MAIN):
        return text or "prints the answer, exit code 0"
    return " ⏎ ".join(line for line in text.splitlines() if line)
