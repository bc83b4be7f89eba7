"""`contract run URL`: runs every case against a live target and judges every exchange."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import click

from contract_tests.cli import completion
from contract_tests.cli.config import config_file
from contract_tests.cli.forms import Outputs, form_options, write_forms
from contract_tests.cli.options import build_options, check_required, run_options
from contract_tests.cli.own_options import own_options
from contract_tests.cli.progress import ask
from contract_tests.cli.recording import NotTried, list_not_tried, save_cases
from contract_tests.cli.shared_options import (
    LEVELS,
    baseline_file,
    console,
    fail_on,
    load_tolerances,
    print_lines,
    profile_name,
)
from contract_tests.report.files import run_document
from contract_tests.report.findings import count
from contract_tests.report.terminal import Terminal
from contract_tests.run.outcome import ExitCode, RunReport
from contract_tests.run.run import Options, choose_cases
from contract_tests.run.tolerated import tolerate_in_run
from fake_server import ending
from fake_server.relay.saving import SaveError


@click.command("run")
@run_options
@click.option(
    "--require",
    "required",
    multiple=True,
    metavar="SECTION",
    shell_complete=completion.CASE_SECTION,
    help="Fail unless the target supports all of this section.",
)
@profile_name
@baseline_file
@click.option(
    "--record",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Save the exchanges of cases with findings as fixtures in this folder.",
)
@click.option("--list", "list_only", is_flag=True, help="List the cases and exit; send nothing.")
@form_options()
@fail_on
@own_options()
def run_command(list_only: bool, folder: Path | None, outputs: Outputs, **given: Any) -> int:
    """Run every case against the server at URL and judge the replies."""
    profile, entries = load_tolerances(given["profile"], given["baseline"])
    if list_only:
        if outputs:
            raise click.UsageError("--list asks nothing, so that there is nothing to report; omit it, or the reports")
        return list_cases(given["prefixes"] or profile.select)
    options = replace(build_options(given, profile.select), keep_raw=folder is not None)
    required = check_required(given["required"], options)
    terminal = Terminal(console(), options.secrets)
    today = date.today()
    report = replace(ask(terminal, options, entries, today), required=required)
    if report.selected and not given["prefixes"]:
        report = replace(report, selected=(profile.name,))
    report = tolerate_in_run(report, entries, today)
    files = record_findings(terminal, report, folder, options) if folder is not None else {}
    report = replace(report, config=config_file(), recordings=files)
    return int(print_report(terminal, report, given["fail_on"], outputs))


def record_findings(terminal: Terminal, report: RunReport, folder: Path, options: Options) -> dict[str, str]:
    """Save every exchange of the cases that have a finding; returns the files by label, and by case the first one."""
    cases = [result for result in report.results if result.findings]
    outcomes = save_cases(cases, folder, options)
    files: dict[str, str] = {}
    refused: list[SaveError] = []
    for exchange, outcome in outcomes:
        if isinstance(outcome, SaveError):
            refused.append(outcome)
            continue
        for label in (exchange.label, exchange.label.partition(" ")[0]):
            files.setdefault(label, str(outcome.path))
    for error in refused:
        if not isinstance(error, NotTried):
            terminal.print(f"refused   {error}", "red")
    for line in list_not_tried(refused):
        terminal.print(f"not saved {line}", "red")
    saved = count(len(outcomes) - len(refused), "exchange")
    terminal.print(f"saved     {saved} of {count(len(cases), 'case')} with findings in {folder}", whole=True)
    return files


def print_report(
    terminal: Terminal, report: RunReport, level: str, outputs: Outputs, at_best: ExitCode = ExitCode.OK
) -> ExitCode:
    """Write the files, print the report and the verdict; returns the exit code, which is `at_best` where it were OK.

    The files come first, as a terminal may be gone. Raises click.ClickException at the end if one cannot be written.
    """
    code = report.exit_code(LEVELS[level]) or at_best
    with ending.held():
        written = write_forms(outputs, lambda: run_document(report, code, terminal.secrets, LEVELS[level]))
    titles = {result.case_id: result.title for result in report.results}
    terminal.print_findings(report.findings, titles, command=report.command)
    terminal.print_lacking(report.lacking)
    terminal.print_tolerated(report.tolerated, report.ledger)
    terminal.print_outcomes(report)
    terminal.print_tracebacks(report, bool(click.get_current_context().find_root().params.get("debug")))
    written.report(terminal)
    terminal.print_verdict(report, code)
    written.raise_failures()
    return code


def list_cases(prefixes: tuple[str, ...]) -> int:
    """Print the cases with their cost in requests and tokens."""
    cases = choose_cases(Options("", select=prefixes))
    width = max(len(case.id) for case in cases)
    for case in cases:
        print_lines(f"{case.id:{width}}  {count(case.requests, 'request'):10}  {case.tokens:5} tokens  {case.title}")
    requests = count(sum(case.requests for case in cases), "request")
    tokens = count(sum(case.tokens for case in cases), "token")
    print_lines(f"{count(len(cases), 'case')}, {requests}, at most {tokens} of answers", err=True)
    return 0
