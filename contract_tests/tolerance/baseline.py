"""A baseline made from a run. Entries that it has already keep their reasons, links and dates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

from contract_tests.rules.engine.judge import Finding
from contract_tests.rules.engine.node import show_path
from contract_tests.tolerance.entry import ANYTHING, ToleranceEntry, group_by_label
from contract_tests.tolerance.file import BASELINE, END, VERSION

HEADING = """\
# Findings that are known and do not fail a run: `contract run URL --baseline THIS-FILE`.
# Say why in `reason`, where followed up in `link`, until when in `expires`; the last line is `# end of the baseline`.
"""


@dataclass(frozen=True)
class NewBaseline:
    """The entries that stay, those that are new, and those that are dropped because nothing matches them."""

    kept: tuple[ToleranceEntry, ...]
    added: tuple[ToleranceEntry, ...]
    removed: tuple[ToleranceEntry, ...] = ()


def renew_baseline(
    findings: Iterable[Finding], known: Sequence[ToleranceEntry], gone: Sequence[ToleranceEntry], today: date
) -> NewBaseline:
    """A baseline of the `known` entries less the `gone` ones, and one for each new rule, case and place.

    A finding that an entry covers already, in force or expired, adds none.
    """
    kept = tuple(entry for entry in known if entry not in gone)
    added: dict[ToleranceEntry, None] = {}
    for finding in findings:
        if not any(entry.covers(finding) for entry in (*kept, *added)):
            added[_entry(finding, today)] = None
    return NewBaseline(kept, tuple(added), tuple(gone))


def _entry(finding: Finding, today: date) -> ToleranceEntry:
    path = re.sub(r"\[\d+\]", "[*]", show_path(finding.place.path))
    case_id = finding.label.partition(" ")[0]
    return ToleranceEntry(finding.rule.id, f"known on {today}", label=case_id, path=path or ANYTHING)


def as_yaml(baseline: NewBaseline) -> str:
    """The text of the file. Entries that differ only in their case are written as one, sorted by rule."""
    groups = group_by_label((*baseline.kept, *baseline.added))
    entries = [_members(*one) for one in sorted(groups, key=lambda one: (one[0].rule, one[0].path))]
    head = {f"openai-contract-{BASELINE}": VERSION, "tolerate": entries}
    return f"{HEADING}{yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=110)}{END}\n"


def _members(entry: ToleranceEntry, labels: Sequence[str]) -> dict[str, Any]:
    label = labels[0] if len(labels) == 1 else sorted(labels)
    named = {"rule": entry.rule, "in": label, "at": entry.path, "actual": entry.actual}
    members: dict[str, Any] = {name: value for name, value in named.items() if value != ANYTHING}
    members["reason"] = entry.reason
    if entry.link:
        members["link"] = entry.link
    if entry.expires:
        members["expires"] = entry.expires.isoformat()
    return members
