"""`contract baseline URL`: make what a run finds known."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

from contract_tests.cli.options import build_options, run_options
from contract_tests.cli.progress import ask
from contract_tests.cli.shared_options import (
    LEVELS,
    fail_on,
    load_tolerances,
    profile_name,
    terminal_for,
    writable,
    write,
)
from contract_tests.report.findings import count, mask
from contract_tests.report.tolerances import describe_entry
from contract_tests.run.outcome import ExitCode, failing
from contract_tests.run.tolerated import tolerate_in_run
from contract_tests.tolerance.baseline import NewBaseline, as_yaml, renew_baseline
from contract_tests.tolerance.entry import group_by_label
from contract_tests.tolerance.file import load_baseline


@click.command("baseline")
@run_options
@profile_name
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    required=True,
    callback=writable,
    help="The baseline to write, or to bring up to date.",
)
@fail_on
def baseline_command(output: Path, **given: Any) -> int:
    """Ask the server at URL as `contract run` does and write what it breaks to a baseline.

    An entry is written for each rule, case and kind of place with a finding that would fail the run. Entries
    that FILE holds already keep their reason, link and date; those that occur no longer are left out,
    and so are comments.
    """
    profile, tolerated = load_tolerances(given["profile"])
    known = load_baseline(output).entries if output.exists() else ()
    options = build_options(given, profile.select)
    terminal = terminal_for(options)
    today = date.today()
    entries = (*tolerated, *known)
    report = tolerate_in_run(ask(terminal, options, entries, today), entries, today)
    terminal.print_outcomes(report)
    code = report.exit_code()
    if code not in (ExitCode.OK, ExitCode.FINDINGS):
        terminal.print_verdict(report, code)
        terminal.print(f"not written: the run has to come to its end before {output} can tell what is known")
        return int(code)
    counting = [one for one in report.findings if failing([one], LEVELS[given["fail_on"]])]
    new = renew_baseline(counting, known, report.ledger.gone, today)
    write(output, mask(as_yaml(new), terminal.secrets))
    for mark, listed in (("+", new.added), ("-", new.removed)):
        for one, labels in group_by_label(listed):
            terminal.print(f"{mark} {describe_entry(one, labels)}")
    terminal.print(f"written   {output}: {_format_counts(new)} (exit code 0)", "bold green")
    return int(ExitCode.OK)


def _format_counts(new: NewBaseline) -> str:
    """'3 known findings of 2 rules: 1 added, 2 kept, 0 removed'."""
    entries = (*new.kept, *new.added)
    parts = f"{len(new.added)} added, {len(new.kept)} kept, {len(new.removed)} removed"
    rules = count(len({one.rule for one in entries}), "rule")
    return f"{count(len(entries), 'known finding')} of {rules}: {parts}"
