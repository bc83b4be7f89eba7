"""A baseline made from a run. Entries that it has already keep their reasons, links and dates."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from contract_tests.rules.engine.judge import Finding
from contract_tests.rules.engine.node import show_path
from contract_tests.tolerance.entry import ANYTHING, ToleranceEntry, group_by_label
from contract_tests.tolerance.file import BASELINE, END, VERSION
from fake_server.relay.redact import mask_excerpt
from fake_server.wire.schemas import line_for_editors

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


def as_yaml(baseline: NewBaseline, secrets: Iterable[str] = (), path: Path | None = None) -> str:
    """The text of the file, masked. Entries that differ only in their case are written as one, sorted by rule.

    Where a schema lies beside `path`, the first line names it to editors.
    """
    groups = group_by_label((*baseline.kept, *baseline.added))
    known = tuple(secrets)
    entries = [_members(*one, known) for one in sorted(groups, key=lambda one: (one[0].rule, one[0].path))]
    head = {f"openai-contract-{BASELINE}": VERSION, "tolerate": entries}
    text = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=110)
    if not all(map(str.isprintable, text.split("\n"))):  # what a terminal would act on is escaped
        text = yaml.safe_dump(head, sort_keys=False, width=110)
    return f"{line_for_editors(BASELINE, path) if path else ''}{HEADING}{text}{END}\n"


def _members(entry: ToleranceEntry, labels: Sequence[str], secrets: Collection[str]) -> dict[str, Any]:
    masked = [mask_excerpt(label, secrets) for label in sorted(labels)]
    named = {
        "rule": entry.rule,
        "in": masked[0] if len(masked) == 1 else masked,
        "at": mask_excerpt(entry.path, secrets),
        "actual": mask_excerpt(entry.actual, secrets),
    }
    members: dict[str, Any] = {name: value for name, value in named.items() if value != ANYTHING}
    members["reason"] = mask_excerpt(entry.reason, secrets)
    if entry.link:
        members["link"] = mask_excerpt(entry.link, secrets)
    if entry.expires:
        members["expires"] = entry.expires.isoformat()
    return members
