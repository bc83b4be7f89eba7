"""The corpus: every rule, and the kit's own exchanges with what the rules say of each, as plain values.

`CORPUS.md` beside this file, which is exported too, describes them for readers in any language.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from contract_tests.report.breakage import load_table
from contract_tests.report.traces import build_trace, load_entries
from contract_tests.rules import RULES, Judged
from contract_tests.rules.catalogue import SECTIONS
from contract_tests.rules.engine.judge import Finding, Judgement, Level, Rule, judge_relation
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.history import since
from fake_server.command_line import kit_version
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange, Headers, Write
from fake_server.wire.outgoing import serialize_reply
from fake_server.wire.packed import unpacked

FORMAT = "openai-contract-corpus/1"
KINDS = ("broken", "conforming", "conforming/genuine", "bugs")
"""The folders of fixtures that are exported."""


@dataclass(frozen=True)
class Entry:
    """An exchange of the corpus: its name (`broken/chat.id`), the fixture and its judgement by all rules."""

    name: str
    fixture: fixture.Fixture
    judgement: Judgement

    @property
    def files(self) -> dict[str, bytes]:
        """Its raw bytes: both bodies, and the reply as it crosses the socket."""
        exchange = self.fixture.exchange
        wire = b"".join(write.data for write in serialize_reply(exchange))
        return {"request.body": exchange.request.body, "reply.body": exchange.payload, "reply.wire": wire}

    def describe(self) -> dict[str, Any]:
        """Everything but the raw bytes."""
        exchange, judgement = self.fixture.exchange, self.judgement
        return {
            "name": self.name,
            "title": self.fixture.title,
            "source": self.fixture.source,
            "request": {
                "method": exchange.request.method,
                "target": exchange.request.target,
                "headers": _pairs(exchange.request.headers),
            },
            "reply": _describe_reply(exchange),
            "unknown": sorted(exchange.unknown),
            "findings": [describe_finding(finding) for finding in judgement.findings],
            "applied": sorted(judgement.applied),
            "not_reached": sorted(judgement.not_reached),
        }


def read_entries() -> Iterator[Entry]:
    """The kit's own exchanges, by kind and name, each judged. Raises FixtureError."""
    for kind in KINDS:
        with unpacked(fixture.SHIPPED / kind) as folder:
            for path in sorted(folder.glob("*.yaml")):
                loaded = fixture.load(path)
                yield Entry(f"{kind}/{path.stem}", loaded, Judged(loaded.exchange).judgement)


def describe_rules(entries: list[Entry]) -> dict[str, Any]:
    """All sections and rules, each rule with the exchanges that keep it and those that break it."""
    kept: dict[str, list[str]] = {name: [] for name in RULES}
    broken: dict[str, list[str]] = {name: [] for name in RULES}
    for entry in entries:
        ids = entry.judgement.ids()
        for name in sorted(entry.judgement.applied):
            (broken if name in ids else kept)[name].append(entry.name)
    return {
        "format": FORMAT,
        "kit": kit_version(),
        "sections": [{"name": section.name, "title": section.title, "see": section.see} for section in SECTIONS],
        "rules": [_describe_rule(rule, kept[rule.id], broken[rule.id]) for rule in RULES.values()],
    }


def describe_relations() -> dict[str, Any]:
    """The examples of rules about several exchanges of a case, once kept and once broken."""
    return {
        "format": FORMAT,
        "examples": [_describe_example(name, form) for name in load_entries() for form in ("kept", "broken")],
    }


def count(entries: list[Entry]) -> dict[str, Any]:
    """What a reader of the corpus must count as well."""
    findings = [finding for entry in entries for finding in entry.judgement.findings]
    levels = Counter(finding.rule.level for finding in findings)
    return {
        "rules": len(RULES),
        "exchanges": {kind: sum(entry.name.rpartition("/")[0] == kind for entry in entries) for kind in KINDS},
        "findings": {level.value: levels[level] for level in Level},
        "relations": 2 * len(load_entries()),
    }


def describe_finding(finding: Finding) -> dict[str, Any]:
    """A finding as the corpus has it: the rule, where, what was expected and what was there."""
    place = finding.place
    return {
        "rule": finding.rule.id,
        "level": finding.rule.level.value,
        "at": {"event": place.event, "path": list(place.path), "byte": place.offset},
        "expected": finding.expected,
        "actual": finding.actual,
    }


def _describe_rule(rule: Rule, kept: list[str], broken: list[str]) -> dict[str, Any]:
    return {
        "id": rule.id,
        "section": rule.section,
        "level": rule.level.value,
        "since": since(rule.id),
        "clause": rule.clause,
        "see": rule.see,
        "harm": rule.harm,
        "basis": rule.basis,
        "clients": dict(load_table().of_rule(rule.id)),
        "needs": sorted(rule.needs),
        "yields_to": list(rule.yields_to),
        "relation": rule.relation,
        "kept": kept,
        "broken": broken,
    }


def _describe_reply(exchange: Exchange) -> dict[str, Any]:
    return {
        "status": exchange.status,
        "reason": exchange.reason,
        "http_version": exchange.http_version,
        "headers": _pairs(exchange.headers),
        "framing": exchange.framing and exchange.framing.value,
        "head_seconds": exchange.head_pause,
        "writes": _describe_writes(exchange.writes),
        "trailers": _pairs(exchange.trailers),
        "ending": exchange.ending.value,
        "problem": exchange.problem,
    }


def _describe_writes(writes: tuple[Write, ...]) -> list[dict[str, Any]]:
    """Where in reply.body each write begins, how many bytes it has, and the seconds before it."""
    starts = accumulate((len(write.data) for write in writes), initial=0)
    pairs = zip(starts, writes, strict=False)
    return [{"start": start, "bytes": len(write.data), "pause": write.pause} for start, write in pairs]


def _describe_example(rule_id: str, form: str) -> dict[str, Any]:
    trace = build_trace(rule_id, form)
    judgement = judge_relation([RULES[rule_id]], trace, rule_id)
    return {
        "rule": rule_id,
        "form": form,
        "parts": dict(_describe_parts(trace)),
        "failures": dict(trace.troubles),
        "expected": dict(trace.expected),
        "deterministic": trace.deterministic,
        "valid": sorted(trace.valid),
        "only_beside": None if trace.only_beside is None else dict(trace.only_beside),
        "findings": [describe_finding(finding) for finding in judgement.findings],
    }


def _describe_parts(trace: Trace) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, view in trace.roles.items():
        exchange = view.exchange
        request = exchange.request
        yield (
            name,
            {
                "request": {"method": request.method, "target": request.target, "body": request.body.decode()},
                "reply": {**_describe_reply(exchange), "body": exchange.payload.decode()},
            },
        )


def _pairs(headers: Headers | None) -> list[list[str]] | None:
    return None if headers is None else [list(pair) for pair in headers]


def as_text(value: Any) -> bytes:
    """JSON as the corpus has it: two spaces, in the order of the values, UTF-8."""
    return (json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n").encode()
