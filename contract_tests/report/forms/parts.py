"""What several forms share: findings by rule, the two numbers in words, texts of a target as one line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from contract_tests.report.document import RUN, Document, FindingIn, Share, findings_in
from contract_tests.report.findings import count
from contract_tests.report.not_asked import count_left_out
from contract_tests.rules.engine.judge import Level
from fake_server.wire.text import printable, shorten

VERDICTS = {"pass": "PASS", "fail": "FAIL", "not reached": "NOT REACHED", "harness failed": "HARNESS FAILED"}
LONGEST = 400
"""Characters of a text of a finding that a short form shows."""


@dataclass
class RuleFindings:
    """The findings of one rule, and where they are: case ids of a run, names of recordings."""

    rule: str
    level: Level
    findings: list[FindingIn] = field(default_factory=list)
    where: dict[str, None] = field(default_factory=dict)


def group_by_rule(document: Document, findings: Iterable[FindingIn] | None = None) -> list[RuleFindings]:
    """The findings of each rule: MUST first, and of each level what is in most cases or recordings."""
    groups: dict[tuple[str, str], RuleFindings] = {}
    is_run = document["format"] == RUN
    for finding in findings_in(document) if findings is None else findings:
        key = finding["rule"], finding["level"]
        group = groups.setdefault(key, RuleFindings(finding["rule"], Level(finding["level"])))
        group.findings.append(finding)
        group.where[finding["in"].partition(" ")[0] if is_run else finding["in"]] = None
    levels = list(Level)
    return sorted(groups.values(), key=lambda group: (levels.index(group.level), -len(group.where)))


def format_percent(share: Share) -> str:
    """`98.2%`, or `–` of nothing."""
    return "–" if share["percent"] is None else f"{share['percent']:g}%"


def describe_coverage(document: Document) -> str:
    """`180 of 200 cases reached`, and how many a selection leaves out."""
    share = document["summary"]["total"]["coverage"]
    what, done = ("cases", "reached") if document["format"] == RUN else ("exchanges", "judged")
    left_out = count_left_out(document)
    rest = f"; {left_out:,} left out by a selection" if left_out else ""
    return f"{share['count']:,} of {share['of']:,} {what} {done}{rest}"


def describe_conformance(document: Document) -> str:
    """`177 of 180 reached cases without a MUST finding`."""
    share = document["summary"]["total"]["conformance"]
    what = "reached cases" if document["format"] == RUN else "judged exchanges"
    return f"{share['count']:,} of {share['of']:,} {what} without a MUST finding"


def describe_findings(document: Document) -> str:
    """`2 MUST findings of 1 rule, 1 SHOULD finding of 1 rule; 3 tolerated`, or `no findings`."""
    parts = [
        f"{count(number['findings'], f'{level} finding')} of {count(number['rules'], 'rule')}"
        for level, number in document["summary"]["findings"].items()
        if number["findings"]
    ]
    tolerated = document["summary"]["tolerated"]
    return (", ".join(parts) or "no findings") + (f"; {tolerated:,} tolerated" if tolerated else "")


def one_line(text: str, longest: int = LONGEST) -> str:
    """A text of a target as one line without control characters, shortened."""
    return shorten(" ".join(printable(text[: longest * 4], "\t\n").split()), longest)
