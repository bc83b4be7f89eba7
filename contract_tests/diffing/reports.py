"""Compares two JSON reports: new findings, findings that are gone or remain, and changed outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from contract_tests.recordings.recording import InputError
from contract_tests.report.document import RUN, Document, FindingIn
from contract_tests.rules.engine.node import show_path
from contract_tests.run.outcome import REACHED

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
    """What changed from report A to B; facts are (name, in A, in B), outcomes (case, in A, in B).

    A finding of one side is `new` or `gone` only where the other side asked for it. Else nobody knows: it is among
    `not_asked_in_a` (findings of B) or `not_asked_in_b` (findings of A).
    """

    facts: tuple[tuple[str, str, str], ...] = ()
    new: dict[FindingPlace, ReportedFinding] = field(default_factory=dict)
    gone: dict[FindingPlace, ReportedFinding] = field(default_factory=dict)
    not_asked_in_a: dict[FindingPlace, ReportedFinding] = field(default_factory=dict)
    not_asked_in_b: dict[FindingPlace, ReportedFinding] = field(default_factory=dict)
    still: dict[FindingPlace, ReportedFinding] = field(default_factory=dict)
    tolerated: dict[FindingPlace, tuple[bool, bool]] = field(default_factory=dict)
    outcomes: tuple[tuple[str, str, str], ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether findings, outcomes and cases are the same; the target's name does not matter."""
        not_asked = self.not_asked_in_a or self.not_asked_in_b
        return not (self.new or self.gone or not_asked or self.tolerated or self.outcomes or self.added or self.removed)


def compare_reports(a: Document, b: Document) -> ReportDiff:
    """What changed from A to B. Raises InputError for reports of different kinds."""
    if a["format"] != b["format"]:
        raise InputError("one is a report of a run, the other of recordings; compare two of the same kind")
    found_a, found_b = _findings(a), _findings(b)
    asked_a, asked_b = _Asked(a), _Asked(b)
    outcomes_a, outcomes_b = _outcomes(a), _outcomes(b)
    both = [place for place in found_a if place in found_b]
    only_a = {place: finding for place, finding in found_a.items() if place not in found_b}
    only_b = {place: finding for place, finding in found_b.items() if place not in found_a}
    return ReportDiff(
        facts=tuple((name, _fact(a, name), _fact(b, name)) for name in _FACTS if name in a or name in b),
        new={place: finding for place, finding in only_b.items() if asked_a.has(place)},
        gone={place: finding for place, finding in only_a.items() if asked_b.has(place)},
        not_asked_in_a={place: finding for place, finding in only_b.items() if not asked_a.has(place)},
        not_asked_in_b={place: finding for place, finding in only_a.items() if not asked_b.has(place)},
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


class _Asked:
    """What a report asked: cases that it reached; of recordings those that it judged, by rules that applied."""

    def __init__(self, report: Document) -> None:
        self._labels: set[str] | None = None
        self._rules: set[str] | None = None
        if report["format"] == RUN:
            self._labels = {case["id"] for case in report["cases"] if case["outcome"] in REACHED}
        else:
            self._labels = set(report["judged"]) if "judged" in report else None  # reports of older kits do not say
            self._rules = {rule for rule, counts in report["rules"].items() if counts.get("applied")}
        self._is_run = report["format"] == RUN

    def has(self, place: FindingPlace) -> bool:
        """Whether the report would have a finding at this place if the target still were as it was."""
        label = place.label.partition(" ")[0] if self._is_run else place.label
        return (self._labels is None or label in self._labels) and (self._rules is None or place.rule in self._rules)


def _fact(report: Document, name: str) -> str:
    return str(report.get(name, "not named"))


def _outcomes(report: Document) -> dict[str, str]:
    return {case["id"]: case["outcome"] for case in report["cases"]} if report["format"] == RUN else {}


def _findings(report: Document) -> dict[FindingPlace, ReportedFinding]:
    """Every finding by its place; the second at one place is told apart by its number."""
    findings: dict[FindingPlace, ReportedFinding] = {}
    seen: Counter[FindingPlace] = Counter()
    for finding, tolerated in _listed(report):
        place = FindingPlace(finding["rule"], finding["in"], show_path(tuple(finding["at"]["path"])))
        seen[place] += 1
        if seen[place] > 1:
            place = FindingPlace(place.rule, place.label, f"{place.path} ({seen[place]})".strip())
        findings[place] = ReportedFinding(finding["level"], finding["actual"], tolerated)
    return findings


def _listed(report: Document) -> Iterator[tuple[FindingIn, bool]]:
    for part in report["cases"] if report["format"] == RUN else (report,):
        for finding in part["findings"]:
            yield finding, False
        for covered in part.get("tolerated", ()):
            yield covered, True
