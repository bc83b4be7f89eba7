"""Compares two JSON reports: new findings, findings that are gone or remain, and changed outcomes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract_tests.recordings.recording import InputError
from contract_tests.report.document import JUDGEMENT, RUN
from contract_tests.rules.engine.node import show_path
from fake_server.wire import files

MAX_REPORT = 256 * 1024 * 1024
"""Bytes of a report; one with 100,000 findings has about 60 MB."""
_FACTS = ("target", "model", "kit", "verdict", "exchanges", "requests")


@dataclass(frozen=True, order=True)
class FindingPlace:
    """Identifies a finding by rule, case or recording, and path; events and bytes vary between runs."""

    rule: str
    label: str
    path: str

    def __str__(self) -> str:
        return " ".join(part for part in (self.rule, f"in {self.label}", self.path and f"at {self.path}") if part)


@dataclass(frozen=True)
class ReportedFinding:
    """A finding's level and actual value; `tolerated` if a profile or baseline covers it."""

    level: str
    actual: str
    tolerated: bool


@dataclass(frozen=True)
class ReportDiff:
    """What changed from report A to B; facts are (name, in A, in B), outcomes (case, in A, in B)."""

    facts: tuple[tuple[str, str, str], ...] = ()
    new: dict[FindingPlace, ReportedFinding] = field(default_factory=dict)
    gone: dict[FindingPlace, ReportedFinding] = field(default_factory=dict)
    still: dict[FindingPlace, ReportedFinding] = field(default_factory=dict)
    tolerated: dict[FindingPlace, tuple[bool, bool]] = field(default_factory=dict)
    outcomes: tuple[tuple[str, str, str], ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether findings, outcomes and cases are the same; the target's name does not matter."""
        return not (self.new or self.gone or self.tolerated or self.outcomes or self.added or self.removed)


def read_report(name: str) -> dict[str, Any] | None:
    """The report in this file; None if the file is something else. Raises InputError."""
    path = Path(name)
    if path.suffix != ".json" or not path.is_file():
        return None
    try:
        data = files.read_bytes(path, MAX_REPORT)
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}; is this a report?") from error
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        if b'"openai-contract-' in data[:200]:
            line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            what = "a report that is cut off or damaged"
            raise InputError(f"{name}{line}: {what}: {error}; write it again with --json") from error
        return None
    if not isinstance(value, dict) or not str(value.get("format", "")).startswith("openai-contract-"):
        return None
    if value["format"] not in (RUN, JUDGEMENT):
        raise InputError(f"{name}: a report of format {value['format']!r}; this kit reads {RUN}")
    return value


def compare_reports(a: dict[str, Any], b: dict[str, Any]) -> ReportDiff:
    """What changed from A to B. Raises InputError for an incomplete report."""
    if a["format"] != b["format"]:
        raise InputError("one is a report of a run, the other of recordings; compare two of the same kind")
    try:
        return _compare(a, b)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"incomplete report: {type(error).__name__} at {error}") from error


def _compare(a: dict[str, Any], b: dict[str, Any]) -> ReportDiff:
    found_a, found_b = _findings(a), _findings(b)
    outcomes_a, outcomes_b = _outcomes(a), _outcomes(b)
    both = [place for place in found_a if place in found_b]
    return ReportDiff(
        facts=tuple((name, _fact(a, name), _fact(b, name)) for name in _FACTS if name in a or name in b),
        new={place: finding for place, finding in found_b.items() if place not in found_a},
        gone={place: finding for place, finding in found_a.items() if place not in found_b},
        still={place: found_b[place] for place in both},
        tolerated={
            place: (found_a[place].tolerated, found_b[place].tolerated)
            for place in both
            if found_a[place].tolerated is not found_b[place].tolerated
        },
        outcomes=tuple(
            (case, outcomes_a[case], outcomes_b[case])
            for case in outcomes_a
            if case in outcomes_b and outcomes_a[case] != outcomes_b[case]
        ),
        added=tuple(case for case in outcomes_b if case not in outcomes_a),
        removed=tuple(case for case in outcomes_a if case not in outcomes_b),
    )


def _fact(report: dict[str, Any], name: str) -> str:
    return str(report.get(name, "not named"))


def _outcomes(report: dict[str, Any]) -> dict[str, str]:
    return {str(case["id"]): str(case["outcome"]) for case in report.get("cases", ())}


def _findings(report: dict[str, Any]) -> dict[FindingPlace, ReportedFinding]:
    """Every finding by its place; the second at one place is told apart by its number."""
    findings: dict[FindingPlace, ReportedFinding] = {}
    seen: Counter[FindingPlace] = Counter()
    for finding, tolerated in _listed(report):
        place = FindingPlace(str(finding["rule"]), str(finding["in"]), show_path(tuple(finding["at"]["path"])))
        seen[place] += 1
        if seen[place] > 1:
            place = FindingPlace(place.rule, place.label, f"{place.path} ({seen[place]})".strip())
        findings[place] = ReportedFinding(str(finding["level"]), str(finding["actual"]), tolerated)
    return findings


def _listed(report: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bool]]:
    for part in report["cases"] if report["format"] == RUN else (report,):
        for finding in part["findings"]:
            yield finding, False
        for finding in part.get("tolerated", ()):
            yield finding, True
