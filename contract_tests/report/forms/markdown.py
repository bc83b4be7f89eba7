"""Markdown for a pull request and for the summary of a job: short, the details folded.

What a target says stands in code blocks and spans alone, fenced with more backticks than it holds, so nothing of it
is read as Markdown: no heading, link, image, mention or reference, no HTML, no cell of a table.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from itertools import islice

from contract_tests.report.document import RUN, Document, Run, Share, tolerated_in
from contract_tests.report.findings import MARKS, count, format_finding_in, some
from contract_tests.report.forms.parts import (
    VERDICTS,
    RuleFindings,
    describe_conformance,
    describe_coverage,
    describe_findings,
    format_percent,
    group_by_rule,
    one_line,
)
from contract_tests.report.not_asked import describe_selection, why_not_judged
from contract_tests.run.outcome import REACHED
from fake_server.wire.text import printable, shorten

MOST_BYTES = 60_000
"""Of UTF-8; GitHub takes 65,536 characters in a comment, and 1 MiB in the summary of a step."""
_MOST_RULES, _MOST_ROWS, _WIDTH = 20, 40, 100
_LONGEST = 300
"""Characters of a line or of a cell."""
SHOWN = 6
"""Cases or recordings that are named."""
_URL = re.compile(r"https://[A-Za-z0-9][\w.~/#?&=%+:-]*", re.ASCII)
_MARKS = {"pass": "✅", "fail": "❌"}


def format_markdown(document: Document) -> str:
    """The report in GitHub's Markdown, of at most MOST_BYTES."""
    text, left_out = "\n".join(_head(document)), 0
    for block in _blocks(document):
        if len(text.encode()) + len(block.encode()) > MOST_BYTES:
            left_out += 1
        else:
            text += block
    return text + (
        f"\n{count(left_out, 'part')} had no room here; the JSON report has everything.\n" if left_out else ""
    )


def code(text: str) -> str:
    """A text of a target as a code span, in which Markdown has no meaning; a pipe would end a cell of a table."""
    line = one_line(text, _LONGEST).replace("|", "\\|")
    fence = "`" * (_longest_run(line) + 1)
    space = " " if line.startswith(("`", " ")) or line.endswith(("`", " ", "\\")) or not line else ""
    return f"{fence}{space}{line or '–'}{space}{fence}"


def block(text: str) -> str:
    """A text of several lines as a code block."""
    lines = [shorten(line, _LONGEST) for line in printable(text).split("\n")]
    fence = "`" * max(3, _longest_run("\n".join(lines)) + 1)
    return "\n".join([f"{fence}text", *lines, fence])


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _head(document: Document) -> Iterator[str]:
    total, why = document["summary"]["total"], why_not_judged(document)
    tolerated = document["summary"]["tolerated"]
    verdict = "NOT JUDGED" if why else VERDICTS[document["verdict"]]
    verdict += f", {count(tolerated, 'finding')} tolerated" if tolerated else ""
    yield f"### {_MARKS.get(document['verdict'], '⚠️')} OpenAI contract: {verdict}\n"
    if document["format"] == RUN:
        parts = [code(document["target"]), f"model {code(document['model'])}"]
        parts += [code(document["started"])] if document.get("started") else []
        yield f"{' · '.join(parts)}\n"
    if why:
        yield f"Nothing was judged, so this says nothing about the target: {code(why)}\n"
        return
    yield "| | | |\n|:--|--:|:--|"
    for name, share, text in (
        ("Conformance", total["conformance"], describe_conformance(document)),
        ("Coverage", total["coverage"], describe_coverage(document)),
    ):
        yield f"| **{name}** | {format_percent(share)} | {text} |"
    yield f"\n{describe_findings(document)}\n"
    if selection := describe_selection(document):
        yield f"Not everything was selected: {code(selection)}\n"
    yield ""


def _blocks(document: Document) -> Iterator[str]:
    if why_not_judged(document):
        return
    if document["format"] == RUN:
        yield from _about_the_run(document)
    groups = group_by_rule(document)
    for group in groups[:_MOST_RULES]:
        yield _rule(document, group)
    if rest := groups[_MOST_RULES:]:
        names = [f"{code(group.rule)} ({len(group.findings):,})" for group in rest[:_MOST_ROWS]]
        yield _fold(f"{count(len(rest), 'more rule')}", some(names, _MOST_ROWS, len(rest)))
    yield _sections(document)
    yield _tolerated(document)


def _about_the_run(document: Run) -> Iterator[str]:
    """What is required and lacking, why the run was stopped, and what was not reached."""
    lacking = document.get("lacking", [])
    for lack in lacking[:_MOST_ROWS]:
        cases = _list_some(lack["cases"])
        yield f"- **{code(lack['section'])} is required**: {cases} {lack['outcome']}: {code(lack['reason'])}\n"
    if len(lacking) > _MOST_ROWS:
        yield f"- and {count(len(lacking) - _MOST_ROWS, 'more reason')} why what is required is lacking\n"
    if document["stopped"]:
        yield f"- stopped: {code(document['stopped'])}\n"
    reasons: dict[tuple[str, str], list[str]] = {}
    for case in document["cases"]:
        if case["outcome"] not in REACHED:
            reasons.setdefault((case["outcome"], case["reason"]), []).append(case["id"])
    if reasons:
        rows = [
            f"| {outcome} | {_list_some(cases)} | {code(reason)} |"
            for (outcome, reason), cases in islice(reasons.items(), _MOST_ROWS)
        ]
        table = "\n".join(["| outcome | cases | reason |", "|---|---|---|", *rows])
        left = list(islice(reasons.values(), _MOST_ROWS, None))
        rest = f"\n\n{count(len(left), 'more reason')} of {count(sum(map(len, left)), 'case')}" if left else ""
        yield _fold(f"{count(sum(map(len, reasons.values())), 'case')} not judged", table + rest)


def _list_some(cases: Sequence[str]) -> str:
    return some([code(case) for case in cases[:SHOWN]], SHOWN, len(cases))


def _rule(document: Document, group: RuleFindings) -> str:
    finding = group.findings[0]
    what = "case" if document["format"] == RUN else "recording"
    where = f"{count(len(group.findings), 'finding')} in {count(len(group.where), what)}"
    name = f"{MARKS[group.level]} <b>{group.level}</b> <code>{_html(group.rule)}</code>, {where}"
    own = finding["in"].partition(" ")[0] if document["format"] == RUN else finding["in"]
    also = [one_line(label, _LONGEST) for label in group.where if label != own]
    text = block(format_finding_in(finding, also=also, width=_WIDTH))
    see = f"[What the API reference says]({finding['see']})\n\n" if _URL.fullmatch(finding["see"]) else ""
    return _fold(name, see + text)


def _sections(document: Document) -> str:
    sections = document["summary"]["sections"]
    rows = [
        f"| {code(name)} | {_share(numbers['coverage'])} | {_share(numbers['conformance'])} |"
        for name, numbers in islice(sections.items(), _MOST_ROWS)
    ]
    what = "section" if document["format"] == RUN else "endpoint"
    rest = f"\n\nand {len(sections) - _MOST_ROWS:,} more" if len(sections) > _MOST_ROWS else ""
    table = "\n".join([f"| {what} | coverage | conformance |", "|:--|--:|--:|", *rows])
    return _fold(f"Both numbers by {what}", table + rest)


def _share(share: Share) -> str:
    return f"{share['count']:,} of {share['of']:,}" if share["of"] else "–"


def _tolerated(document: Document) -> str:
    """What is tolerated, by rule and reason."""
    reasons: Counter[tuple[str, str, str]] = Counter()
    for finding in tolerated_in(document):
        entry = finding["tolerated"]
        reasons[finding["rule"], entry["by"], entry["reason"]] += 1
    if not reasons:
        return ""
    rows = [
        f"| {code(rule)} | {number:,} | {code(by)} | {code(reason)} |"
        for (rule, by, reason), number in reasons.most_common(_MOST_ROWS)
    ]
    table = "\n".join(["| rule | findings | by | reason |", "|:--|--:|:--|:--|", *rows])
    rest = f"\n\nand {len(reasons) - _MOST_ROWS:,} more" if len(reasons) > _MOST_ROWS else ""
    return _fold(f"{count(reasons.total(), 'finding')} tolerated", table + rest)


def _fold(summary: str, text: str) -> str:
    """A part that opens at a click; the empty lines make Markdown of what is in it."""
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>\n"


def _html(text: str) -> str:
    return escape(one_line(text, 100))
