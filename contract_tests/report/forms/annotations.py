"""Annotations of GitHub Actions: workflow commands, one for each rule, which the job prints.

GitHub shows at most ten of each level of a step: what is beyond them is counted in the tenth.
https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

from contract_tests.report.document import RUN, Document
from contract_tests.report.findings import count, format_place, some
from contract_tests.report.forms.parts import (
    VERDICTS,
    RuleFindings,
    describe_findings,
    group_by_rule,
    one_line,
)
from contract_tests.report.not_asked import describe_selection, why_no_verdict, why_not_judged
from contract_tests.rules.engine.judge import Level

MOST = 10
"""Annotations of one level that GitHub shows of a step."""
SHOWN = 6
"""Cases or recordings that an annotation names."""
COMMANDS = {Level.MUST: "error", Level.SHOULD: "warning", Level.NOTE: "notice"}
_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def format_annotations(document: Document) -> str:
    """One line for each rule with findings, for what is required and lacking, and where there is no verdict."""
    return "".join(f"{line}\n" for line in _lines(document))


def _lines(document: Document) -> Iterator[str]:
    groups = group_by_rule(document)
    for level, command in COMMANDS.items():
        lines = [*_about_the_run(document)] if level is Level.MUST else []
        if level is Level.NOTE and (selection := describe_selection(document)):
            lines = [_line(command, "OpenAI contract: not everything was selected", selection)]
        listed = [group for group in groups if group.level is level]
        room = MOST - len(lines)
        shown = listed if len(listed) <= room else listed[: room - 1]
        yield from lines
        for group in shown:
            yield _about_rule(command, group, document)
        if rest := listed[len(shown) :]:
            findings = sum(len(group.findings) for group in rest)
            yield _line(command, "OpenAI contract", f"{count(findings, f'{level} finding')} of {len(rest)} more rules")


def _about_the_run(document: Document) -> Iterator[str]:
    """At most two lines: what is required and lacking, why there is no verdict."""
    lacking = document.get("lacking", []) if document["format"] == RUN else []
    if lacking:
        sections = some(list(dict.fromkeys(one_line(lack["section"], 60) for lack in lacking)))
        why = one_line(f"{lacking[0]['outcome']}: {lacking[0]['reason']}")
        why += f" and {count(len(lacking) - 1, 'other reason')}" if len(lacking) > 1 else ""
        yield _line("error", "OpenAI contract: required", f"{sections} is required and was not reached: {why}")
    if document["verdict"] in ("not reached", "harness failed"):
        text = why_no_verdict(document)
        text = text if why_not_judged(document) else f"{describe_findings(document)}; {text}"
        yield _line("error", f"OpenAI contract: {VERDICTS[document['verdict']]}", one_line(text))


def _about_rule(command: str, group: RuleFindings, document: Document) -> str:
    finding = group.findings[0]
    what = "case" if document["format"] == RUN else "recording"
    rows = [
        one_line(finding["clause"]),
        f"Actual: {one_line(finding['actual'])}",
        f"Expected: {one_line(finding['expected'])}" if finding["expected"] else "",
        f"At: {one_line(format_place(finding))}",
        f"In {count(len(group.where), what)}: {_list_some(group.where)}",
        f"Again: {one_line(finding.get('again', ''))}" if finding.get("again") else "",
    ]
    title = f"{one_line(group.rule, 80)} ({group.level})"
    return _line(command, title, "\n".join(filter(None, rows)))


def _list_some(labels: Collection[str]) -> str:
    return some([one_line(label, 60) for label in islice(labels, SHOWN)], SHOWN, len(labels))


def _line(command: str, title: str, message: str) -> str:
    return f"::{command} title={_escape(title, _PROPERTY)}::{_escape(message, _DATA)}"


def _escape(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(char, char) for char in text)
