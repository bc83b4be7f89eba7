"""A finding in words, in one shape everywhere; and secrets kept out of all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from contract_tests.rules.engine import Finding, Level

MARKS = {Level.MUST: "✗", Level.SHOULD: "!", Level.NOTE: "·"}
_CREDENTIALS = re.compile(r"(?i)\b(bearer\s+|sk-|api[-_]key[\"':= ]+)[\w.~+/-]{6,}=*")
_SHOWN_LABELS = 6


def told(finding: Finding, title: str = "", also: Sequence[str] = ()) -> str:
    """A finding as a report shows it; `also` names other cases or recordings with the same complaint."""
    rule = finding.rule
    where = title or finding.label
    lines = [
        f"{MARKS[rule.level]} {rule.id}   {rule.level}" + (f"   {where}" if where else ""),
        f"  {rule.clause}",
        f"    at        {finding.place}",
    ]
    rows = (
        ("expected", finding.expected),
        ("actual", finding.actual),
        ("breaks", rule.harm),
        ("see", rule.see),
    )
    lines += [f"    {name:9} {' '.join(text.split())}" for name, text in rows if text]
    if also:
        lines.append(f"    also in   {some(also)}")
    return "\n".join(lines)


def some(labels: Sequence[str]) -> str:
    """The first few labels, and how many more there are."""
    shown = ", ".join(labels[:_SHOWN_LABELS])
    more = len(labels) - _SHOWN_LABELS
    return f"{shown} and {more} more" if more > 0 else shown


def grouped(findings: Iterable[Finding]) -> list[tuple[Finding, list[str]]]:
    """The first finding of each rule with the labels of the others, MUST first."""
    first: dict[str, Finding] = {}
    labels: dict[str, list[str]] = {}
    for one in findings:
        if one.rule.id not in first:
            first[one.rule.id] = one
            labels[one.rule.id] = []
        elif one.label != first[one.rule.id].label and one.label not in labels[one.rule.id]:
            labels[one.rule.id].append(one.label)
    order = list(Level)
    return sorted(
        ((one, labels[name]) for name, one in first.items()), key=lambda pair: order.index(pair[0].rule.level)
    )


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without the given secrets and without what looks like a credential."""
    for secret in secrets:
        text = text.replace(secret, "…")
    return _CREDENTIALS.sub(lambda match: f"{match.group(1)}…", text)
