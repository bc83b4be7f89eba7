"""The page of a comparison: of two sets of recordings, or of two reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contract_tests.report.html.page import render
from contract_tests.report.html.words import number

MOST_ROWS = 500
"""Differences of one kind that are shown; the JSON has them all."""
KINDS = {
    "shape": "which members there are, and in which form",
    "order": "steps of a stream, order of members",
    "framing": "status, headers, transfer, how events and JSON are written",
    "timing": "when it came; this alone makes no difference",
}


def format_diff(document: Mapping[str, Any]) -> str:
    """The page of a comparison as `contract_tests.diffing.written` describes it."""
    is_of_reports = "pairs" not in document
    values = _of_reports(document) if is_of_reports else _of_recordings(document)
    return render("diff.html", diff=document, is_of_reports=is_of_reports, most=MOST_ROWS, **values)


def _of_recordings(document: Mapping[str, Any]) -> dict[str, Any]:
    pairs = document["pairs"]
    kinds: dict[str, dict[tuple[str, ...], list[str]]] = {kind: {} for kind in KINDS}
    for pair in pairs:
        for difference in pair["differences"]:
            row = tuple(difference[name] or "" for name in ("where", "a", "b", "verdict", "rule"))
            kinds.setdefault(difference["kind"], {}).setdefault(row, []).append(pair["a"])
    listed = {kind: sorted(rows.items(), key=_order) for kind, rows in kinds.items() if rows}
    alike = sum(pair["same"] for pair in pairs)
    counts = ", ".join(f"{len(rows):,} of {kind}" for kind, rows in listed.items())
    not_compared = dict.fromkeys(text for pair in pairs for text in pair["not_compared"])
    return {
        "sentence": f"{alike:,} of {number(len(pairs), 'pair')} have the same shape, order and framing.",
        "found": counts or "none",
        "kinds": listed,
        "meanings_of_kinds": KINDS,
        "not_compared": list(not_compared),
    }


def _order(row: tuple[tuple[str, ...], list[str]]) -> tuple[bool, int]:
    """What breaks a rule first, then what is in most pairs."""
    (*_, rule), pairs = row
    return not rule, -len(pairs)


def _of_reports(document: Mapping[str, Any]) -> dict[str, Any]:
    lists = {name: document[name] for name in ("new", "gone")}
    for side, findings in document["not_asked_in"].items():
        lists[f"not asked in {side.upper()}"] = findings
    lists["still"] = document["still"]
    words = ", ".join(f"{len(listed):,} {name}" for name, listed in lists.items() if listed)
    outcomes = document["outcomes"]
    more = f"; {number(len(outcomes), 'case')} with another outcome" if outcomes else ""
    return {"sentence": f"Findings: {words or 'none on either side'}{more}.", "found": words or "none", "lists": lists}
