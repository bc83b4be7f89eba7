"""`contract baseline URL`: writes the findings of a run to a baseline, as known."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

from contract_tests.cli.options import build_options, run_options
from contract_tests.cli.own_options import own_options
from contract_tests.cli.progress import ask
from contract_tests.cli.shared_options import (
    LEVELS,
    console,
    fail_on,
    load_tolerances,
    output_file,
    profile_name,
    write,
)
from contract_tests.report.findings import count
from contract_tests.report.terminal import Terminal
from contract_tests.report.tolerances import describe_entry
from contract_tests.run.outcome import ExitCode, failing
from contract_tests.run.tolerated import tolerate_in_run
from contract_tests.tolerance.baseline import NewBaseline, as_yaml, renew_baseline
from contract_tests.tolerance.entry import group_by_label
from contract_tests.tolerance.file import load_baseline


@click.command("baseline")
@run_options
@profile_name
@output_file("--output", required=True, text="Baseline to create or update.")
@fail_on
@own_options()
def baseline_command(output: Path, **given: Any) -> int:
    """Write the findings of a run to a baseline, as known.

    The cases are run as `contract run` does. One entry is written for each rule, case and kind of place with a
    finding that would fail the run. Entries already in FILE keep their reason, link and date. Entries that no
    longer occur are removed, and so are comments.
    """
    profile, tolerated = load_tolerances(given["profile"])
    known = load_baseline(output).entries if output.exists() else ()
    options = build_options(given, profile.select)
    terminal = Terminal(console(), options.secrets)
    today = date.today()
    entries = (*tolerated, *known)
    report = tolerate_in_run(ask(terminal, options, entries, today), entries, today)
    terminal.print_outcomes(report)
    code = report.exit_code()
    if code not in (ExitCode.OK, ExitCode.FINDINGS):
        terminal.print_verdict(report, code)
        terminal.print(f"not written: {output} can only list known findings after a complete run")
        return int(code)
    level = LEVELS[given["fail_on"]]
    counting = [finding for finding in report.findings if failing([finding], level)]
    new = renew_baseline(counting, known, report.ledger.gone, today)
    write(output, as_yaml(new, terminal.secrets, output))
    for mark, listed in (("+", new.added), ("-", new.removed)):
        for entry, labels in group_by_label(listed):
            terminal.print(f"{mark} {describe_entry(entry, labels)}")
    terminal.print(f"written   {output}: {_format_counts(new)} (exit code 0)", "bold green")
    return int(ExitCode.OK)


def _format_counts(new: NewBaseline) -> str:
    """'3 known findings of 2 rules: 1 added, 2 kept, 0 removed'."""
    entries = (*new.kept, *new.added)
    parts = f"{len(new.added)} added, {len(new.kept)} kept, {len(new.removed)} removed"
    rules = count(len({entry.rule for entry in entries}), "rule")
    return f"{count(len(entries), 'known finding')} of {rules}: {parts}"
