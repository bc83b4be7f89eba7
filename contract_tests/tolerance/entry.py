"""Tolerances: known findings, each with a reason; one mechanism for profiles and baselines.

An entry says which findings it covers (a rule, and patterns of where and what), why, and until when. What
it covers is reported apart from the other findings and never left out.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from contract_tests.rules.engine.judge import Finding
from contract_tests.rules.engine.node import show_path

ANYTHING = "*"


@dataclass(frozen=True)
class ToleranceEntry:
    """One known departure; patterns are texts in which `*` stands for any characters.

    `label` is matched with a finding's label and with the case id it begins with, `path` with the path in
    the JSON (`choices[*].delta`), `actual` with what was seen. An entry holds to the end of the day
    `expires`. `by` names what lists it (`profile azure`), `place` is its file and line. `must_occur` is
    true in baselines: an entry that covers nothing is out of date there.
    """

    rule: str
    reason: str
    link: str = ""
    label: str = ANYTHING
    path: str = ANYTHING
    actual: str = ANYTHING
    expires: date | None = None
    by: str = ""
    place: str = ""
    must_occur: bool = False

    def covers(self, finding: Finding) -> bool:
        """Whether the entry means this finding, whatever the date."""
        return (
            finding.rule.id == self.rule
            and self.may_be_in(finding.label)
            and _fits(show_path(finding.place.path), self.path)
            and _fits(finding.actual, self.actual)
        )

    def may_be_in(self, label: str) -> bool:
        """Whether the entry can mean a finding in this case, role of a case, or recording."""
        return _fits(label, self.label) or _fits(label.partition(" ")[0], self.label)

    def has_expired(self, today: date) -> bool:
        """Whether the last day of the entry has passed."""
        return self.expires is not None and today > self.expires


def group_by_label(entries: Iterable[ToleranceEntry]) -> list[tuple[ToleranceEntry, tuple[str, ...]]]:
    """Entries that differ only in their label as one entry with the labels; `place` is that of the first."""
    groups: dict[ToleranceEntry, dict[str, ToleranceEntry]] = {}
    for entry in entries:
        groups.setdefault(replace(entry, label="", place=""), {})[entry.label] = entry
    return [(next(iter(labels.values())), tuple(labels)) for labels in groups.values()]


@dataclass(frozen=True)
class Tolerated:
    """A finding with the entry that covers it."""

    finding: Finding
    entry: ToleranceEntry


@dataclass(frozen=True)
class Ledger:
    """What became of the entries: `by` names the files, `expired` entries cover nothing any more, `gone`
    ones have nothing left to cover and are to be removed."""

    by: tuple[str, ...] = ()
    expired: tuple[ToleranceEntry, ...] = ()
    gone: tuple[ToleranceEntry, ...] = ()


def split_tolerated(
    findings: Iterable[Finding], entries: Sequence[ToleranceEntry], today: date
) -> tuple[tuple[Finding, ...], tuple[Tolerated, ...]]:
    """The findings that count, and those that an entry in force covers: the first one that does."""
    counting, tolerated = [], []
    in_force = [entry for entry in entries if not entry.has_expired(today)]
    for finding in findings:
        entry = next((entry for entry in in_force if entry.covers(finding)), None)
        if entry is None:
            counting.append(finding)
        else:
            tolerated.append(Tolerated(finding, entry))
    return tuple(counting), tuple(tolerated)


def make_ledger(
    findings: Sequence[Finding],
    entries: Sequence[ToleranceEntry],
    today: date,
    looked: Callable[[ToleranceEntry], bool],
) -> Ledger:
    """What became of the entries. `looked(entry)` says whether what it is about was judged at all."""
    idle = {entry for entry in entries if not any(entry.covers(finding) for finding in findings)}
    gone = [entry for entry in entries if entry.must_occur and entry in idle and looked(entry)]
    expired = [entry for entry in entries if entry.has_expired(today) and entry not in gone]
    return Ledger(tuple(dict.fromkeys(entry.by for entry in entries)), tuple(expired), tuple(gone))


def _fits(text: str, pattern: str) -> bool:
    return pattern == ANYTHING or _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Only `*` is special; `[` and `?` are what they are in `choices[0]`."""
    return re.compile(fnmatch.translate(re.sub(r"[\[?]", r"[\g<0>]", pattern)))
