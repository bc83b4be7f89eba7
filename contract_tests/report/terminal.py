"""Prints a run for people: progress, then findings, a table of outcomes and the verdict."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby
from time import monotonic

from rich.console import Console
from rich.table import Table
from rich.text import Text

from contract_tests.report.findings import count, first_few, format_finding, format_group, rank, some
from contract_tests.report.progress import ProgressView
from contract_tests.report.tolerances import format_ledger, format_tolerated
from contract_tests.rules import RULES
from contract_tests.rules.engine.judge import Finding, Level
from contract_tests.run.outcome import CaseResult, ExitCode, Lack, Outcome, RunReport
from contract_tests.run.run import Plan
from contract_tests.target.environment import keys_of_environment
from contract_tests.tolerance.entry import Ledger, Tolerated
from fake_server.relay.redact import mask_excerpt
from fake_server.wire.text import printable

STYLES = {
    Outcome.PASS: "green",
    Outcome.WARN: "yellow",
    Outcome.FAIL: "red",
    Outcome.HARNESS_FAILED: "bold red",
}
LEVEL_STYLES = {Level.MUST: "red", Level.SHOULD: "yellow", Level.NOTE: "dim"}
EXPLAINED = (Outcome.UNSUPPORTED, Outcome.NOT_REACHED, Outcome.SETUP_FAILED, Outcome.HARNESS_FAILED)
VERDICTS = {
    ExitCode.OK: "PASS",
    ExitCode.FINDINGS: "FAIL",
    ExitCode.USAGE: "USAGE",
    ExitCode.UNREACHABLE: "NOT REACHED",
    ExitCode.HARNESS: "HARNESS FAILED",
}
_LABEL = re.compile(r" *(?P<name>[A-Za-z][\w.-]*(?: [A-Za-z]+)?) {2,}(?=\S)")
_WHOLE = ("bytes", "reply")
"""Labels of lines that are cut to the width already."""
Row = tuple[str, Iterable[str]]
"""The style of a row, '' for none, and its cells."""


def wrap_line(line: str, width: int) -> list[str]:
    """A line as rows of at most `width`, the rows after the first below the text behind its label.

    A word that is wider than a row, such as an address, is left whole; a command can still be copied.
    """
    label = _LABEL.match(line)
    indent = len(line) - len(line.lstrip())
    if len(line) > width and line.startswith("^ ", indent):  # it points at a column of the line above
        said = line[indent + 2 :]
        left = max(min(indent, width - len(said)), min(indent, 4))
        return [line[: indent + 1], *(" " * left + row for row in textwrap.wrap(said, width - left))]
    start = label.end() if label else indent
    if len(line) <= width or indent > width // 2 or (label and label["name"] in _WHOLE):
        return [line]
    end = " \\" if label and label["name"] == "again" else ""
    hang = start or 2
    if start > width // 2:  # a column that is wider than what would be left beside it
        start, hang = indent, indent + 4
    rows = textwrap.wrap(line[start:], width - hang - len(end), break_long_words=False, break_on_hyphens=False)
    rows = [*(row + end for row in rows[:-1]), *rows[-1:]]
    return [(" " * hang if number else line[:start]) + row for number, row in enumerate(rows)]


class Terminal:
    """Writes to one console; every text is masked first."""

    def __init__(self, console: Console, secrets: Iterable[str] = ()) -> None:
        self.console = console
        self.secrets = (*secrets, *keys_of_environment())
        self.keeps_lines = bool(getattr(console, "keeps_lines", False))
        self._progress = ProgressView(console)

    def print(self, text: str = "", style: str = "", whole: bool = False) -> None:
        """Print lines without control characters and secrets, wrapped below the start of their text or `whole`."""
        clean = self.clean(text)
        lines = clean.split("\n")
        if not whole and not self.keeps_lines:
            lines = [row for line in lines for row in wrap_line(line, self.console.width)]
        self.console.print(Text("\n".join(lines), style=style), soft_wrap=True)
        self._progress.spoke = monotonic()

    def clean(self, text: str) -> str:
        """The text as this console may show it."""
        return printable(mask_excerpt(text, self.secrets))

    # -- while a run goes on

    def print_plan(self, plan: Plan, limited: bool = True) -> None:
        """Print what the run is about to send; where answers are not `limited`, without what they cost at most."""
        self.print(f"target    {plan.base_url}   model {plan.model}")
        tokens = f" and {count(plan.max_tokens, 'token')} of answers" if limited else ""
        self.print(f"plan      {count(plan.cases, 'case')}, at most {count(plan.requests, 'request')}{tokens}")
        self._progress.begin(plan.cases)

    def print_result(self, result: CaseResult) -> None:
        """Show that a case ended: a progress bar on a terminal, elsewhere one line that grows."""
        self._progress.ended(result)

    def stop_progress(self) -> None:
        """Remove the progress bar, or end the line of progress."""
        if self._progress.stop():
            self.print()

    # -- the report

    def print_findings(
        self, findings: Iterable[Finding], titles: Mapping[str, str] | None = None, limit: int = 1, command: str = ""
    ) -> None:
        """Print each rule with its first findings and the labels of the others; `titles` are by case id."""
        titles, width = titles or {}, self.console.width
        for shown, also in first_few(findings, limit, titles):
            first = shown[0]
            if len(shown) > 1:
                text = format_group(shown, also, width)
            else:
                text = format_finding(first, _format_label(first.label, titles), also, command, width)
            self.print_block(text, first.rule.level)

    def print_all_findings(self, findings: Iterable[Finding]) -> None:
        """Print all findings in full, in their order."""
        for finding in findings:
            self.print_block(format_finding(finding, width=self.console.width), finding.rule.level)

    def print_block(self, text: str, level: Level = Level.MUST) -> None:
        """Print lines below an empty one, the first in the style of a level."""
        head, _, rest = text.partition("\n")
        self.print()
        self.print(head, LEVEL_STYLES[level])
        self.print(rest)

    def print_lacking(self, lacking: Iterable[Lack]) -> None:
        """Print each required section that the target lacks, or that could not be tested completely."""
        for section, lacks in groupby(lacking, lambda lack: lack.section):
            lines = [f"    {lack.outcome:14} {some(lack.cases)}: {lack.reason}" for lack in lacks]
            self.print_block("\n".join([f"✗ {section}   REQUIRED", *lines]), Level.MUST)

    def print_tolerated(self, tolerated: Iterable[Tolerated], ledger: Ledger) -> None:
        """Print what is tolerated, by which file and why, and the entries that are out of date."""
        for block in format_tolerated(tolerated):
            head, _, rest = block.partition("\n")
            self.print()
            self.print(head, "bold", whole=True)
            self.print(rest)
        if lines := format_ledger(ledger):
            self.print()
            for line in lines:
                self.print(line, "yellow", whole=True)

    def print_table(self, texts: Iterable[str], numbers: Mapping[str, str], rows: Iterable[Row]) -> None:
        """Print a table: the columns `texts`, then those of `numbers`, right-justified, each in its style."""
        padding = (0, 2 if self.console.width > 90 else 1)
        table = Table(box=None, pad_edge=False, padding=padding, header_style="bold")
        for name in texts:
            table.add_column(name, no_wrap=True)
        for name, style in numbers.items():
            table.add_column(name, justify="right", style=style)
        for row_style, row in rows:
            table.add_row(*row, style=row_style)
        self.print()
        self.console.print(table)
        self.print()

    def print_outcomes(self, report: RunReport) -> None:
        """Print how the rules of each section fared, and the reasons of cases that were not judged."""
        by_section = count_by_section(report.results)
        seen = [outcome for outcome in Outcome if any(counts[outcome] for counts in by_section.values())]
        rows = (("", (name, *(str(counts[outcome] or "·") for outcome in seen))) for name, counts in by_section.items())
        self.print_table(["section"], {outcome.value: STYLES.get(outcome, "") for outcome in seen}, rows)
        self.print_unjudged(report)

    def print_unjudged(self, report: RunReport) -> None:
        """Print the reasons of cases that were not judged, and what else is to be known of the run."""
        reasons: dict[tuple[Outcome, str], list[str]] = {}
        for result in report.results:
            if result.outcome in EXPLAINED:
                reasons.setdefault((result.outcome, result.reason), []).append(result.case_id)
        for (outcome, reason), ids in sorted(reasons.items(), key=lambda item: EXPLAINED.index(item[0][0])):
            self.print(f"{outcome:14} {some(ids)}: {reason}")
        if report.selected:
            left_out = f"{report.left_out.total():,} other cases were not asked"
            self.print(f"selected  {some(report.selected)}; {left_out}")
        for note in report.notes:
            self.print(f"note      {note}")
        if report.stopped:
            self.print(f"stopped   {report.stopped}", "yellow")
        if reasons or report.selected or report.notes or report.stopped:
            self.print()

    def print_tracebacks(self, report: RunReport, debug: bool) -> None:
        """Print where the kit itself failed, or without `debug` how to see it."""
        tracebacks = dict.fromkeys(result.traceback for result in report.results if result.traceback)
        for text in tracebacks if debug else ():
            self.print(text)
        if tracebacks and not debug:
            self.print("run `contract --debug run …` again and report the traceback\n")

    def print_verdict(self, report: RunReport, code: ExitCode) -> None:
        """Print the last line."""
        self.print(format_verdict(report, code), "bold green" if code is ExitCode.OK else "bold red")


def count_by_section(results: Iterable[CaseResult]) -> dict[str, Counter[Outcome]]:
    """In how many cases the rules of each section were kept or broken; a case not judged counts for its own section."""
    counts: dict[str, Counter[Outcome]] = {rule.section: Counter() for rule in RULES.values()}
    for result in results:
        worst = {RULES[rule_id].section: Outcome.PASS for rule_id in result.applied}
        worst |= {covered.finding.rule.section: Outcome.WARN for covered in result.tolerated}
        for finding in sorted(result.findings, key=rank, reverse=True):
            if finding.rule.level is not Level.NOTE:
                worst[finding.rule.section] = Outcome.FAIL if finding.rule.level is Level.MUST else Outcome.WARN
        if result.outcome in EXPLAINED:
            worst[result.section] = result.outcome
        for section, outcome in worst.items():
            counts.setdefault(section, Counter())[outcome] += 1
    return {section: counted for section, counted in counts.items() if counted}


def _format_label(label: str, titles: Mapping[str, str]) -> str:
    """`chat.n` as 'two answers at once (chat.n)'; the label may be followed by a part of the case."""
    title = titles.get(label.partition(" ")[0], "")
    return f"{title} ({label})" if title else label


def format_verdict(report: RunReport, code: ExitCode) -> str:
    """The verdict, the number of findings and cases, and the exit code, in one line."""
    outcomes = Counter(result.outcome for result in report.results)
    spoken = ", ".join(f"{outcomes[outcome]} {outcome}" for outcome in EXPLAINED if outcomes[outcome])
    whole = len(report.results) + report.left_out.total()
    asked = (f"{len(report.results):,} of " if report.left_out else "") + count(whole, "case")
    asked += f" ({spoken})" if spoken else ""
    word = VERDICTS[code]
    if code is ExitCode.OK and any(
        result.outcome is Outcome.NOT_REACHED and not result.exchanges for result in report.results
    ):
        word += " (of what was reached)"
    why = ""
    if code is ExitCode.UNREACHABLE:
        why = ", but the run was stopped" if report.stopped else " and no chat case was reached"
    if lacking := dict.fromkeys(lack.section for lack in report.lacking):
        why = f", but {', '.join(lacking)} is required and was not reached completely"
    return (
        f"{word}  {format_counts(report.findings)}{format_tolerated_count(report.tolerated)}{why}; {asked}, "
        f"{count(report.requests, 'request')}, "
        f"{report.seconds:.1f} s (exit code {int(code)})"
    )


def format_tolerated_count(tolerated: Iterable[Tolerated]) -> str:
    """' (17 tolerated)', or '' for none."""
    number = sum(1 for _ in tolerated)
    return f" ({number:,} tolerated)" if number else ""


def format_counts(findings: Iterable[Finding]) -> str:
    """'3 MUST findings of 2 rules, 1 SHOULD finding of 1 rule', or 'no findings'."""
    rules: dict[Level, Counter[str]] = {level: Counter() for level in Level}
    for finding in findings:
        rules[finding.rule.level][finding.rule.id] += 1
    parts = (
        f"{count(rule_counts.total(), f'{level} finding')} of {count(len(rule_counts), 'rule')}"
        for level, rule_counts in rules.items()
        if rule_counts
    )
    return ", ".join(parts) or "no findings"
