"""Differences as JSON objects.

Of recordings: `{"format": "openai-contract-diff/1", same, a, b, pairs: [{a, b, same, differences:
[{kind, where, a, b, verdict or null, rule}], not_compared: [text]}], only_in: {a: [label], b: [label]},
not_asked: [text]}`. Of reports: `{"format": "openai-contract-diff/1", same, a, b, facts: {name: [of a,
of b]}, new, gone, still: [{rule, in, path, level, actual, tolerated}], not_asked_in: {a: findings of B, b: findings
of A}, tolerated: [{rule, in, path, before, after}], outcomes: [{case, a, b}], cases: {added: [id], removed: [id]}}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from contract_tests.diffing.difference import Comparison
from contract_tests.diffing.reports import FindingPlace, ReportDiff
from contract_tests.diffing.sources import Pairs
from contract_tests.report.files import clean

FORMAT = "openai-contract-diff/1"


def as_document(
    names: tuple[str, str],
    comparisons: Sequence[Comparison],
    pairs: Pairs,
    same: bool,
    secrets: Iterable[str] = (),
) -> dict[str, Any]:
    """The comparisons of recordings as a JSON object, without `secrets`."""
    value = {
        "pairs": [
            {
                "a": comparison.a,
                "b": comparison.b,
                "same": comparison.same,
                "differences": [asdict(difference) for difference in comparison.differences],
                "not_compared": comparison.unknown,
            }
            for comparison in comparisons
        ],
        "only_in": {"a": pairs.only_a, "b": pairs.only_b},
        "not_asked": pairs.not_asked,
    }
    return _document(names, same, value, secrets)


def reports_as_document(names: tuple[str, str], changes: ReportDiff, secrets: Iterable[str] = ()) -> dict[str, Any]:
    """The comparison of two reports as a JSON object, without `secrets`."""
    value = {
        "facts": {name: [a, b] for name, a, b in changes.facts},
        **{
            name: [{**_place(place), **asdict(finding)} for place, finding in getattr(changes, name).items()]
            for name in ("new", "gone", "still")
        },
        "not_asked_in": {
            side: [{**_place(place), **asdict(finding)} for place, finding in listed.items()]
            for side, listed in (("a", changes.not_asked_in_a), ("b", changes.not_asked_in_b))
        },
        "tolerated": [
            {**_place(place), "before": before, "after": after} for place, (before, after) in changes.tolerated.items()
        ],
        "outcomes": [{"case": case, "a": a, "b": b} for case, a, b in changes.outcomes],
        "cases": {"added": changes.added, "removed": changes.removed},
    }
    return _document(names, changes.same, value, secrets)


def _place(place: FindingPlace) -> dict[str, Any]:
    return {"rule": place.rule, "in": place.label, "path": place.path}


def _document(names: tuple[str, str], same: bool, value: dict[str, Any], secrets: Iterable[str]) -> dict[str, Any]:
    whole = {"format": FORMAT, "same": same, "a": names[0], "b": names[1], **value}
    document: dict[str, Any] = clean(whole, secrets)
    return document
