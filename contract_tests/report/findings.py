"""Formats findings, the same way everywhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence

from contract_tests.report.breakage import NO_ERROR, format_breakage, load_table
from contract_tests.rules.engine.judge import Finding, Level, Rule
from contract_tests.rules.evidence import describe_request
from fake_server.wire.text import shorten, shorten_start

MARKS = {Level.MUST: "✗", Level.SHOULD: "!", Level.NOTE: "·"}
WIDTH = 110
"""Columns of a report that is not printed on a terminal."""
_EXPLAINS, _FAILED = "errors.added-parameter", "relations.accepted"
"""The rule whose finding stands first, as requests fail for what was never sent; the rule that requests fail."""
_SHOWN_LABELS = 6


def format_finding(
    finding: Finding, title: str = "", also: Sequence[str] = (), command: str = "", width: int = WIDTH
) -> str:
    """Format one finding; `also` names other cases or recordings with a finding of the same rule.

    `command` is the run that found it, to which the case is added; bytes of the reply fill lines of `width`.
    """
    rule = finding.rule
    where = " ".join((title or finding.label).split())
    lines = [*_head(rule), f"    at        {finding.place}"]
    lines[0] += f"   {where}" if where else ""
    lines += _rows({"expected": finding.expected, "actual": finding.actual})
    lines += _evidence(finding, width)
    return "\n".join([*lines, *_rows(_about(finding)), *_again(finding, command), *_also(also)])


def format_group(findings: Sequence[Finding], also: Sequence[str] = (), width: int = WIDTH) -> str:
    """Format findings of one rule: the rule once, then each place with the actual value."""
    rule = findings[0].rule
    expected = {finding.expected for finding in findings}
    common = expected.pop() if len(expected) == 1 else ""
    lines = [*_head(rule), *_rows({"expected": common, **_about(findings[0])})]
    for finding in findings:
        rows = {"at": str(finding.place), "expected": "" if common else finding.expected, "actual": finding.actual}
        rows |= {} if finding.harm == findings[0].harm else {"breaks": finding.harm}
        lines += [f"    in        {' '.join(finding.label.split())}", *_rows(rows, indent=6)]
        lines += _evidence(finding, width, indent=6)
    return "\n".join(lines + _also(also))


def again(finding: Finding, command: str) -> str:
    """The command that asks for the finding again and records what comes; '' where there is none."""
    case_id = finding.label.partition(" ")[0]
    return f"{command} --select {case_id} --record recordings" if command and case_id else ""


def _again(finding: Finding, command: str) -> list[str]:
    line = again(finding, command)
    return [f"    again     {line}"] if line else []


_MOST_REASONS = 6
"""For more reasons than this, failures are told once: the texts differ in what is no reason, such as an id."""
HELPER = ".stream()"
"""How the names of clients end that read streams alone."""


def _head(rule: Rule) -> list[str]:
    return [f"{MARKS[rule.level]} {rule.id}   {rule.level}", f"  {rule.clause}"]


def _evidence(finding: Finding, width: int, indent: int = 4) -> list[str]:
    """The request, and the bytes of the reply with a mark below the place."""
    evidence = finding.evidence
    if evidence is None:
        return []
    lines = _rows({"request": describe_request(evidence)}, indent)
    if not evidence.before and not evidence.after:
        return lines
    name, room = "bytes" if evidence.at_place else "reply", width - indent - 10
    before = shorten_start(evidence.before, room * 2 // 5)
    lines.append(f"{'':{indent}}{name:9} {before}{shorten(evidence.after, room - len(before))}")
    return [*lines, f"{'':{indent + 10 + len(before)}}^"] if evidence.at_place else lines


def _about(finding: Finding) -> dict[str, str]:
    clients = format_breakage(clients_of(finding))
    return {"breaks": finding.harm, "clients": clients, "because": reason(finding), "see": finding.rule.see}


def clients_of(finding: Finding) -> Mapping[str, str]:
    """Each client's verdict on the form that was measured; none where the finding is of another form.

    Where a chat was not to be streamed, no stream helper has read it. (Of Responses they were given objects too.)
    """
    if finding.own_harm:
        return {}
    row = load_table().of_rule(finding.rule.id)
    evidence = finding.evidence
    is_streamed = finding.place.event is not None or not evidence or ("stream", "true") in evidence.members
    if is_streamed or finding.rule.id.startswith("responses"):
        return row
    return {client: verdict for client, verdict in row.items() if not client.endswith(HELPER)}


def reason(finding: Finding) -> str:
    """Why a rule is a MUST, where the clients that were measured do not show it of this finding."""
    row = load_table().of_rule(finding.rule.id)
    is_elsewhere = finding.own_harm and finding.rule.level is Level.MUST and NO_ERROR not in row.values()
    if finding.rule.basis or not is_elsewhere or not row:
        return finding.rule.basis
    return f"in the form that was measured, {format_breakage(row)}"


def _rows(rows: Mapping[str, str], indent: int = 4) -> list[str]:
    return [f"{'':{indent}}{name:9} {' '.join(text.split())}" for name, text in rows.items() if text]


def _also(labels: Sequence[str]) -> list[str]:
    return [f"    also in   {some(labels)}"] if labels else []


def count(number: int, noun: str) -> str:
    """'1 case', '2 cases'."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def some(labels: Sequence[str], limit: int = _SHOWN_LABELS) -> str:
    """'a, b, c and 3 more'."""
    shown = ", ".join(labels[:limit])
    more = len(labels) - limit
    return f"{shown} and {more} more" if more > 0 else shown


def first_few(
    findings: Iterable[Finding], limit: int, cases: Container[str] = ()
) -> list[tuple[list[Finding], list[str]]]:
    """The first findings of each rule, all with different labels, and the labels of the rest.

    MUST first, and of each level what most cases or recordings have. The exchanges of one of `cases` count once. Valid
    requests that fail for different reasons are told one by one: to each belongs another mend.
    """
    found = list(findings)
    reasons = {_reason_of_failure(finding) for finding in found if finding.rule.id == _FAILED}
    apart = len(reasons) <= _MOST_REASONS
    by_label: dict[tuple[str, str], dict[str, Finding]] = {}
    for finding in found:
        case_id = finding.label.partition(" ")[0]
        label = case_id if case_id in cases else finding.label
        cause = _reason_of_failure(finding) if apart and finding.rule.id == _FAILED else ""
        by_label.setdefault((finding.rule.id, cause), {}).setdefault(label, finding)
    groups = [(list(firsts.values())[:limit], list(firsts)[limit:]) for firsts in by_label.values()]
    groups.sort(key=lambda group: -len(group[0]) - len(group[1]))
    reach: Counter[str] = Counter()
    for shown, also in groups:
        reach[shown[0].rule.id] += len(shown) + len(also)
    if _FAILED in reach:  # that requests fail stands before the form of the errors that they fail with
        musts = (shown[0].rule.id for shown, _ in groups if shown[0].rule.level is Level.MUST)
        reach[_FAILED] = max(reach[name] for name in musts if name == _FAILED or name.startswith("errors."))
    return sorted(groups, key=lambda group: (*rank(group[0][0]), *_reach_of(group[0][0].rule.id, reach)))


def _reason_of_failure(finding: Finding) -> str:
    """What a request failed for, as `relations.accepted` says it, whichever part of the case it was."""
    return re.sub(r"\d+", "0", finding.actual.partition(": ")[2])


def _reach_of(rule_id: str, reach: Mapping[str, int]) -> tuple[int, bool]:
    return -reach[rule_id], rule_id != _FAILED


def rank(finding: Finding) -> tuple[bool, int]:
    """A key to sort findings by: first what explains the others, then by level."""
    return finding.rule.id != _EXPLAINS, list(Level).index(finding.rule.level)
