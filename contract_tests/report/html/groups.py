"""Findings by rule: those that clients break on first, then those that are in most cases or recordings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from contract_tests.report.breakage import ANSWERS, FINE, NOT_ASKED, format_breakage
from contract_tests.report.html.copies import Copies
from contract_tests.report.html.streams import Stream
from contract_tests.rules.engine.node import Place

MOST_IN_FULL = 3
"""Findings of a rule that are shown with their bytes: those that differ in more than numbers."""
MOST_LINES = 200
"""Places of a rule that have a line each."""
LEVELS = ("MUST", "SHOULD", "NOTE")
_VALUE = re.compile(r'"(?:[^"\\]|\\.)*"?|-?\d[\d.eE+-]*|[A-Za-z]+|.', re.DOTALL)

Finding = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A case or recording that breaks the rule: the first finding in it, and how many more there are."""

    finding: Finding
    more: int

    @property
    def places(self) -> int:
        """How many places the row stands for."""
        return 1 + self.more


@dataclass(frozen=True)
class Shown:
    """A finding in full: the bytes before the wrong ones, these, and those behind."""

    finding: Finding
    bytes: tuple[str, str, str] | None
    stream: Stream | None
    copies: Mapping[str, str]


@dataclass(frozen=True)
class Group:
    """The findings of one rule."""

    findings: Sequence[Finding]
    exchanges: Mapping[str, Mapping[str, Any]]
    report: Mapping[str, Any]
    streams: Mapping[int, Stream]
    copies: Copies

    @property
    def first(self) -> Finding:
        return self.findings[0]

    @property
    def rule(self) -> str:
        return str(self.first["rule"])

    @property
    def level(self) -> str:
        return str(self.first["level"])

    @cached_property
    def rows(self) -> list[Row]:
        """A row for each case or recording (or part of one)."""
        by_label: dict[str, list[Finding]] = {}
        for finding in self.findings:
            by_label.setdefault(finding["in"], []).append(finding)
        return [Row(found[0], len(found) - 1) for found in by_label.values()]

    @cached_property
    def lines(self) -> list[Row]:
        """A row for each place; where they are too many for a page, one for each reply, or those there is room for."""
        if len(self.findings) <= MOST_LINES:
            return [Row(finding, 0) for finding in self.findings]
        if len(self.rows) > 1:
            return self.rows
        return [Row(finding, 0) for finding in self.findings[:MOST_LINES]]

    @property
    def unlisted(self) -> int:
        """How many places no line stands for."""
        return len(self.findings) - sum(row.places for row in self.lines)

    @cached_property
    def reach(self) -> int:
        """In how many cases or recordings the rule is broken; the parts of a case count once."""
        if "cases" not in self.report:
            return len(self.rows)
        return len({row.finding["in"].partition(" ")[0] for row in self.rows})

    @cached_property
    def in_full(self) -> list[Shown]:
        """The findings that differ, each where its exchange is at hand."""
        kinds: dict[tuple[str, str], Finding] = {}
        for finding in self.findings:
            path = ".".join("*" if isinstance(step, int) else str(step) for step in finding["at"]["path"])
            kind = (path, re.sub(r"\d+", "0", finding["actual"][:200]))
            if kind not in kinds and len(kinds) >= 10 * MOST_IN_FULL:
                continue
            if kind not in kinds or self._known(finding) > self._known(kinds[kind]):
                kinds[kind] = finding
        shown = sorted(kinds.values(), key=lambda finding: -self._known(finding))[:MOST_IN_FULL]
        return [
            Shown(
                finding,
                mark(finding),
                self.streams.get(id(self.exchanges.get(finding["in"]))),
                self.copies.of(finding, self._texts(finding), full=number == 0),
            )
            for number, finding in enumerate(shown)
        ]

    @property
    def entries(self) -> list[Mapping[str, Any]]:
        """Why the findings are tolerated: each entry of a profile or a baseline once."""
        return list({(entry["by"], entry["place"]): entry for entry in map(_tolerated, self.findings)}.values())

    def _known(self, finding: Finding) -> int:
        """How much the report holds of the exchange that a finding was seen in."""
        exchange = self._texts(finding)
        parts = [exchange[name] for name in ("request", "reply")] if exchange else []
        return sum(1 + part["whole"] for part in parts if part)

    def _texts(self, finding: Finding) -> Mapping[str, Any] | None:
        exchange = self.exchanges.get(finding["in"])
        return exchange if exchange and (exchange["request"] or exchange["reply"]) else None

    @property
    def breakage(self) -> str:
        """Who breaks, in words."""
        return format_breakage(self.first["clients"])

    @property
    def broken(self) -> tuple[int, int]:
        """How many clients break, of how many that were measured."""
        asked = [verdict for verdict in self.first["clients"].values() if verdict != NOT_ASKED]
        return sum(verdict not in (FINE, ANSWERS) for verdict in asked), len(asked)


def _tolerated(finding: Finding) -> Mapping[str, Any]:
    entry: Mapping[str, Any] = finding["tolerated"]
    return entry


def group_findings(
    findings: Iterable[Finding],
    exchanges: Iterable[Mapping[str, Any]],
    report: Mapping[str, Any],
    streams: Mapping[int, Stream],
) -> list[Group]:
    """The groups in the order in which a reader wants them."""
    by_label: dict[str, Mapping[str, Any]] = {}
    for exchange in exchanges:
        if exchange["label"] not in by_label or exchange["reply"]:
            by_label[exchange["label"]] = exchange
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault(finding["rule"], []).append(finding)
    copies = Copies(report)
    groups = [Group(found, by_label, report, streams, copies) for found in by_rule.values()]
    return sorted(groups, key=lambda group: (LEVELS.index(group.level), -group.reach, -len(group.findings), group.rule))


def mark(finding: Finding) -> tuple[str, str, str] | None:
    """The bytes around the place in three parts, the second of which is what is wrong; None where there are none."""
    around = finding.get("bytes")
    if not around or not (around["before"] or around["after"]):
        return None
    before, after = (around[name].replace("⏎", "⏎\n") for name in ("before", "after"))
    if finding["at"]["byte"] is None:
        return before + after, "", ""
    match = _VALUE.match(after)
    wrong = match[0] if match else ""
    return before, wrong, after[len(wrong) :]


def place_of(at: Mapping[str, Any]) -> str:
    """Where in the reply a finding is, in words."""
    return str(Place(at["event"], tuple(at["path"]), at["byte"]))
