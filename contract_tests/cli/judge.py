"""`contract judge FILE…`: what the rules say of recordings, offline."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from contract_tests.cli.common import LEVELS, console, fail_on, json_file, write
from contract_tests.judging import Summary, judge_files
from contract_tests.outcome import ExitCode
from contract_tests.report.files import findings_as_json
from contract_tests.report.findings import told
from contract_tests.report.terminal import LEVEL_STYLES, Terminal
from contract_tests.rules import RULES
from contract_tests.rules.engine import Level

_FIRST_FEW = 3


@click.command("judge")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--select", "prefixes", multiple=True, metavar="PREFIX", help="Only these rules or sections.")
@click.option("--endpoint", metavar="PATH", help="Only recordings of this endpoint, as in chat/completions.")
@click.option("--all", "show_all", is_flag=True, help="Show every finding, not the first of each rule.")
@json_file
@fail_on
def judge_command(
    files: tuple[Path, ...],
    prefixes: tuple[str, ...],
    endpoint: str | None,
    show_all: bool,
    json_file: Path | None,
    fail_on: str,
) -> int:
    """Judge recordings: fixtures of the kit, folders of them, and .jsonl files of shared recordings."""
    summary = judge_files(files, prefixes, endpoint)
    if not summary.exchanges:
        raise click.UsageError(f"no recording of the endpoint {endpoint!r} in these files")
    terminal = Terminal(console())
    _findings(terminal, summary, show_all)
    _counts(terminal, summary)
    order = list(Level)
    failing = [one for one in summary.findings if order.index(one.rule.level) <= order.index(LEVELS[fail_on])]
    code = ExitCode.FINDINGS if failing else ExitCode.OK
    if json_file:
        counts = {"exchanges": summary.exchanges, "exit_code": int(code), "applied": dict(summary.applied)}
        write(json_file, findings_as_json(summary.findings, counts))
    found = ", ".join(f"{summary.count(level)} {level}" for level in Level)
    word = "PASS" if code is ExitCode.OK else "FAIL"
    terminal.say(
        f"{word}  {summary.exchanges} exchanges, findings: {found} (exit code {int(code)})",
        "bold green" if code is ExitCode.OK else "bold red",
    )
    return int(code)


def _findings(terminal: Terminal, summary: Summary, show_all: bool) -> None:
    if not show_all:
        terminal.findings(summary.findings)
        return
    for one in summary.findings:
        terminal.say()
        terminal.say(told(one))


def _counts(terminal: Terminal, summary: Summary) -> None:
    """Per rule on how many exchanges it applied, and what no rule spoke of."""
    table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="bold")
    table.add_column("rule")
    table.add_column("level")
    for name in ("applied", "flagged", "not reached"):
        table.add_column(name, justify="right")
    for rule in RULES.values():
        applied, missed = summary.applied[rule.id], summary.not_reached[rule.id]
        if applied or missed:
            flagged = summary.flagged[rule.id]
            style = LEVEL_STYLES[rule.level] if flagged else ""
            row = (rule.id, rule.level.value, str(applied), str(flagged or "·"), str(missed or "·"))
            table.add_row(*row, style=style)
    terminal.say()
    terminal.console.print(table)
    if summary.never_applied:
        terminal.say(f"\nnever applied: {', '.join(summary.never_applied)}")
    for endpoint, count in summary.per_endpoint.most_common():
        unjudged = summary.unjudged[endpoint]
        if unjudged:
            terminal.say(
                f"{endpoint}: {unjudged} of {count} exchanges were judged by http and sse rules alone"
            )
    for surprise in summary.surprises:
        terminal.say(f"surprise  {surprise}", "yellow")
    terminal.say()
