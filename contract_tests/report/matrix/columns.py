"""A column of the matrix: what one report says of each feature, without the texts that only a report has room for.

A run measures cases: those it asked, those it reached, those that keep every MUST. Recordings have no cases, so they,
and the features that are about rules alone, measure rules: of all rules of the feature, those that found something to
judge, and of these the ones without a MUST finding. A finding that is tolerated counts, as it does in a report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from contract_tests.report.document import RUN, CaseIn, Document, FindingIn, Summary, findings_in, tolerated_in
from contract_tests.report.matrix.features import Feature, feature_of_case, feature_of_rule, load_features
from contract_tests.report.not_asked import describe_selection
from contract_tests.rules import RULES
from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import REACHED

Unit = Literal["case", "rule"]
NO_PLACE_FOR_RECORDINGS = "recordings: what they were asked is not known"


@dataclass
class Flaw:
    """A rule that is broken in a feature: how often, and the first finding."""

    rule: str
    level: str
    first: FindingIn
    findings: int = 0


@dataclass
class Cell:
    """What a column says of a feature: ids of what was asked, reached and right; why something was not reached."""

    unit: Unit
    asked: set[str] = field(default_factory=set)
    reached: set[str] = field(default_factory=set)
    right: set[str] = field(default_factory=set)
    flaws: dict[str, Flaw] = field(default_factory=dict)
    lacks: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    @property
    def state(self) -> Literal["pass", "warn", "fail", "not there", "not measured"]:
        """The cell in a word, for its symbol."""
        if self.reached:
            is_wrong = self.right != self.reached
            has_should = any(flaw.level == Level.SHOULD for flaw in self.flaws.values())
            return "fail" if is_wrong else "warn" if has_should else "pass"
        is_said = any(outcome == "unsupported" for outcome, _ in self.lacks)
        return "not there" if is_said else "not measured"

    @property
    def worst(self) -> list[Flaw]:
        """The rules that are broken, MUST first, then by the number of findings."""
        return sorted(self.flaws.values(), key=lambda flaw: (flaw.level != Level.MUST, -flaw.findings))

    def add(self, finding: FindingIn) -> None:
        """Count a finding; a NOTE is none of the matrix."""
        if finding["level"] != Level.NOTE:
            rule = finding["rule"]
            self.flaws.setdefault(rule, Flaw(rule, finding["level"], finding)).findings += 1


@dataclass
class Column:
    """A report in the matrix. `no_place` says why it is not ranked; `facts` are what tells it from other runs."""

    name: str
    is_run: bool
    verdict: str
    summary: Summary
    facts: dict[str, str]
    no_place: str
    cells: dict[str, Cell]
    asked: set[str]


def make_column(name: str, document: Document) -> Column:
    """What a report says of every feature."""
    cells = {each.id: Cell("case" if each.cases and document["format"] == RUN else "rule") for each in _known()}
    if document["format"] == RUN:
        for case in document["cases"]:
            _add_case(cells[feature_of_case(case["id"]).id], case)
        applied = {rule for rule, number in document["rules"].items() if number}
        no_place = _why_no_place(document["verdict"], document["stopped"])
        asked = {case["id"] for case in document["cases"]}
    else:
        applied = {rule for rule, counts in document["rules"].items() if counts.get("applied")}
        no_place, asked = NO_PLACE_FOR_RECORDINGS, set()
    _add_rules(cells, document, applied)
    return Column(
        name,
        document["format"] == RUN,
        document["verdict"],
        document["summary"],
        {label: text for label, text in _facts(document) if text},
        no_place,
        cells,
        asked,
    )


def _known() -> Iterable[Feature]:
    return load_features().values()


def _why_no_place(verdict: str, stopped: str) -> str:
    if verdict not in ("pass", "fail"):
        return f"the run has no verdict: {verdict}"
    return f"the run was stopped: {stopped}" if stopped else ""


def _add_case(cell: Cell, case: CaseIn) -> None:
    if cell.unit == "rule":  # a case that this kit does not know
        cell.unit = "case"
    listed = (*case["findings"], *case.get("tolerated", ()))
    cell.asked.add(case["id"])
    if case["outcome"] in REACHED:
        cell.reached.add(case["id"])
        if case["outcome"] != "fail" and all(finding["level"] != Level.MUST for finding in listed):
            cell.right.add(case["id"])
    else:
        cell.lacks.setdefault((case["outcome"], case["reason"]), []).append(case["id"])
    for finding in listed:
        cell.add(finding)


def _add_rules(cells: Mapping[str, Cell], document: Document, applied: set[str]) -> None:
    for rule in (*RULES, *applied):
        cell = cells[feature_of_rule(rule).id]
        if cell.unit == "rule":
            cell.asked.add(rule)
            if rule in applied:
                cell.reached.add(rule)
                cell.right.add(rule)
    for finding in (*findings_in(document), *tolerated_in(document)):
        cell = cells[feature_of_rule(finding["rule"]).id]
        if cell.unit == "rule":
            cell.add(finding)
            for ids in (cell.asked, cell.reached):
                ids.add(finding["rule"])
            if finding["level"] == Level.MUST:
                cell.right.discard(finding["rule"])
            elif finding["rule"] not in applied:
                cell.right.add(finding["rule"])


def _facts(document: Document) -> Iterator[tuple[str, str]]:
    if document["format"] == RUN:
        yield "target", document["target"]
        yield "model", document["model"]
        yield from document.get("server", {}).items()
        yield "started", document.get("started", "").replace("T", " ").replace("+00:00", " UTC")
    else:
        yield "recordings", f"{document['exchanges']:,}"
    yield "kit", document.get("kit", "")
    yield "selected", describe_selection(document)


def name_columns(columns: Sequence[Column]) -> list[str]:
    """A name for each column: its own, with host, date or number where several are called the same."""
    names = [column.name for column in columns]
    for more in (_host, _date):
        counts = Counter(names)
        names = [
            f"{name} {text}" if counts[name] > 1 and (text := more(column)) else name
            for name, column in zip(names, columns, strict=True)
        ]
    counts, seen = Counter(names), Counter[str]()
    for at, name in enumerate(names):
        seen[name] += 1
        names[at] = f"{name} ({seen[name]})" if counts[name] > 1 else name
    return names


def _host(column: Column) -> str:
    try:
        return urlsplit(column.facts.get("target", "")).netloc
    except ValueError:
        return ""


def _date(column: Column) -> str:
    return column.facts.get("started", "")[:16]
