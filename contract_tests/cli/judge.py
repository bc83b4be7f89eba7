"""`contract judge FILE…`: judges recordings, offline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from pathlib import Path

import click

from contract_tests.cli import completion
from contract_tests.cli.forms import Outputs, form_options, write_forms
from contract_tests.cli.own_options import own_options
from contract_tests.cli.shared_options import (
    LEVELS,
    baseline_file,
    console,
    fail_on,
    load_tolerances,
    profile_name,
)
from contract_tests.recordings.judging import (
    InputError,
    Summary,
    judge_recordings,
    name_endpoint,
    tolerate_in_recordings,
)
from contract_tests.recordings.reading import read
from contract_tests.recordings.recording import Recording
from contract_tests.recordings.tally import as_text
from contract_tests.report.files import judgement_document
from contract_tests.report.findings import count, some
from contract_tests.report.terminal import LEVEL_STYLES, VERDICTS, Terminal, format_counts, format_tolerated_count
from contract_tests.rules import RULES
from contract_tests.run.outcome import ExitCode, failing
from contract_tests.tolerance.entry import Ledger, Tolerated
from fake_server.wire import files, fixture
from fake_server.wire.fixture_reading import MAX_HEAD

MANY_RULES = 20
FIRST_FEW = 3
"""Findings of a rule that are shown in full without --all."""


@click.command("judge")
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--select",
    "prefixes",
    multiple=True,
    metavar="PREFIX",
    shell_complete=completion.RULE_OR_SECTION,
    help="Report only the rules or sections with this prefix.",
)
@click.option("--endpoint", metavar="PATH", help="Judge only recordings of this endpoint, such as chat/completions.")
@click.option("--all", "show_all", is_flag=True, help="Show every finding instead of three per rule, and every rule.")
@profile_name
@baseline_file
@form_options(runs=False)
@fail_on
@own_options(cases=False)
def judge_command(
    files: tuple[Path, ...],
    prefixes: tuple[str, ...],
    endpoint: str | None,
    show_all: bool,
    profile: str,
    baseline: Path | None,
    outputs: Outputs,
    fail_on: str,
) -> int:
    """Judge recordings: fixtures, folders of them, and files of other tools.

    The files are JSON Lines and whatever `contract import` reads.
    """
    _, entries = load_tolerances(profile, baseline)
    labels: set[str] = set()
    left_out: Counter[str] = Counter()
    summary = judge_recordings(_read(files, endpoint, labels, left_out), prefixes)
    if not summary.exchanges:
        of = f" of the endpoint {endpoint!r}" if endpoint else ""
        raise click.UsageError(f"there is no recording{of} in {', '.join(map(str, files))}")
    summary.left_out = left_out
    chosen = [f"--endpoint {endpoint}"] if left_out else []
    summary.selected_by = (*chosen, *(f"--select {prefix}" for prefix in prefixes))
    summary.findings[:], tolerated, ledger = tolerate_in_recordings(summary, entries, date.today(), labels)
    terminal = Terminal(console())
    if show_all:
        terminal.print_all_findings(summary.findings)
    else:
        terminal.print_findings(summary.findings, limit=FIRST_FEW)
    terminal.print_tolerated(tolerated, ledger)
    every = bool(prefixes or show_all) or any(path.is_dir() for path in files)
    _print_rules(terminal, summary, every)
    if table := as_text(summary.providers):
        terminal.print(f"{table}\n")
    _print_not_judged(terminal, summary, every)
    return int(finish_judgement(terminal, summary, fail_on, outputs, tolerated=tolerated, ledger=ledger))


def _read(files: Iterable[Path], endpoint: str | None, labels: set[str], left_out: Counter[str]) -> Iterator[Recording]:
    """The recordings of one endpoint (None: all), whose labels are added to `labels`; the others are counted.

    Raises InputError.
    """
    for path in files:
        if path.suffix == ".body":
            raise InputError(f"{path} holds only the bytes of a body; {_head_of(path)}")
        for recording in read(path):
            if endpoint is None or recording.endpoint == endpoint:
                labels.add(recording.exchange.label)
                yield recording
            else:
                left_out[name_endpoint(recording)] += 1


def _head_of(body: Path) -> str:
    """What to judge instead of a body file: the fixture head that names it."""
    heads = (path for path in body.parent.glob("*.yaml") if fixture.is_fixture(path))
    head = next((path for path in heads if _names(path, body.name)), None)
    return f"judge its head, {head}" if head else "judge the .yaml file that names it"


def _names(head: Path, body: str) -> bool:
    try:
        return body.encode("utf-8", "surrogateescape") in files.read_bytes(head, MAX_HEAD)
    except OSError:
        return False


def finish_judgement(
    terminal: Terminal,
    summary: Summary,
    level: str,
    outputs: Outputs | None = None,
    subject: str = "",
    tolerated: Collection[Tolerated] = (),
    ledger: Ledger | None = None,
    show_code: bool = True,
) -> ExitCode:
    """Print the surprises, write the forms of the report, print the verdict; returns the exit code."""
    for surprise in summary.surprises:
        terminal.print(f"surprise  {surprise}", "yellow")
    code = ExitCode.UNREACHABLE if summary.cut_short else ExitCode.OK
    if failing(summary.findings, LEVELS[level]):
        code = ExitCode.FINDINGS
    written = write_forms(
        outputs or Outputs(),
        lambda: judgement_document(summary, code, tolerated, ledger, terminal.secrets, LEVELS[level]),
    )
    written.report(terminal)
    what = subject or count(summary.exchanges, "exchange")
    if summary.selected_by:
        left_out = summary.left_out.total()
        rest = f"; {count(left_out, 'other exchange')} left out" if left_out else ""
        terminal.print(f"selected  {some(summary.selected_by)}{rest}")
    counts = f"{format_counts(summary.findings)}{format_tolerated_count(tolerated)}"
    shown = f" (exit code {int(code)})" if show_code else ""
    terminal.print(
        f"{VERDICTS[code]}  {counts}; {what}{shown}",
        "bold green" if code is ExitCode.OK else "bold red",
    )
    written.raise_failures()
    return code


def _print_rules(terminal: Terminal, summary: Summary, every: bool) -> None:
    """For each broken rule, or `every` one: how often it applied, found something, and was not reached."""
    if not every and not summary.flagged:
        terminal.print()
        return
    numbers = {"applied": summary.applied, "flagged": summary.flagged, "not reached": summary.not_reached}
    rows = (
        (
            LEVEL_STYLES[rule.level] if summary.flagged[rule.id] else "",
            (rule.id, rule.level, *(str(counts[rule.id] or "·") for counts in numbers.values())),
        )
        for rule in RULES.values()
        if summary.flagged[rule.id] or (every and (summary.applied[rule.id] or summary.not_reached[rule.id]))
    )
    terminal.print_table(["rule", "level"], dict.fromkeys(numbers, ""), rows)


def _rule_names(ids: list[str]) -> list[str]:
    """The rule ids, or, if there are many, how many there are of each section."""
    if len(ids) <= MANY_RULES:
        return ids
    sections = Counter(RULES[rule_id].section for rule_id in ids)
    return [f"{number} of {section}" for section, number in sections.items()]


def _print_not_judged(terminal: Terminal, summary: Summary, every: bool) -> None:
    """What was not judged: rules that never applied, endpoints that no rule covers."""
    if not every:
        kept = len(summary.applied) - len(summary.flagged)
        lacking = sum(1 for rule_id in summary.never_applied if summary.not_reached[rule_id])
        parts = [f"{kept} kept", f"{len(summary.flagged)} broken", f"{lacking} not reached" if lacking else ""]
        parts.append(f"{len(summary.never_applied) - lacking} about what no recording contains")
        terminal.print(f"rules     {', '.join(filter(None, parts))}; --all lists them")
    reasons = {
        True: "not reached, because the recordings lack what they need",
        False: "never applied, because no recording contains what they check",
    }
    for missed, text in reasons.items() if every else ():
        if ids := [rule_id for rule_id in summary.never_applied if bool(summary.not_reached[rule_id]) is missed]:
            terminal.print(f"{count(len(ids), 'rule')} {text}:\n  {', '.join(_rule_names(ids))}\n")
    for endpoint, number in summary.per_endpoint.most_common():
        unjudged = summary.unjudged[endpoint]
        whose = "content" if unjudged == number else f"the content of {unjudged:,}"
        no_rule = "no selected rule" if summary.selected else "no rule"
        state = f"{whose} not judged: {no_rule} covers it" if unjudged else "all judged"
        terminal.print(f"{endpoint}: {count(number, 'exchange')}, {state}")
    terminal.print()
