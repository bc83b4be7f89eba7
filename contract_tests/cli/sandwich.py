"""`contract sandwich --proxy URL`: what does a proxy change between its callers and its upstream."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import click

from contract_tests.cli import completion
from contract_tests.cli.config import config_file
from contract_tests.cli.forms import Outputs, form_options, write_forms
from contract_tests.cli.options import SECONDS, build_options, config_option, target_options
from contract_tests.cli.run import record_findings
from contract_tests.cli.shared_options import (
    LEVELS,
    baseline_file,
    console,
    fail_on,
    output_file,
    print_lines,
    write,
)
from contract_tests.report.files import run_document
from contract_tests.report.findings import count
from contract_tests.report.terminal import Terminal
from contract_tests.run.outcome import CaseResult, ExitCode, RunReport
from contract_tests.run.run import Plan, Unreachable
from contract_tests.run.tolerated import tolerate_in_run
from contract_tests.sandwich import declaration
from contract_tests.sandwich.driving import Drive, drive, select
from contract_tests.sandwich.judging import judge_saved
from contract_tests.sandwich.table import STATES, count_states
from contract_tests.sandwich.upstream import KEY, Upstream
from contract_tests.tolerance.file import load_baseline
from fake_server import ending
from fake_server.command_line import Whole
from fake_server.ending import run_loop

_STYLES = {"preserved": "green", "declared": "", "refused": "", "changed": "red", "dropped": "red", "invented": "red"}


@click.command("sandwich")
@click.option("--proxy", "target", metavar="URL", help="Base URL of the proxy.")
@config_option
@click.option(
    "--upstream-port",
    "port",
    type=Whole(1, 65535),
    metavar="N",
    default=4010,
    help="Port of the fake, which is the proxy's upstream.",
)
@click.option(
    "--wait", type=SECONDS, metavar="SECONDS", default=60.0, help="Seconds the proxy may take to reach the upstream."
)
@click.option(
    "--declare",
    "declared",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What the proxy changes on purpose, a TOML file.",
)
@output_file("--write-declaration", "proposal", text="Write what was found as a declaration to this file.")
@click.option(
    "--select",
    "prefixes",
    multiple=True,
    metavar="PREFIX",
    shell_complete=completion.PROBE_OR_SECTION,
    help="Send only the probes with this prefix.",
)
@target_options()
@click.option("--concurrency", type=Whole(1, 64), metavar="N", default=4, help="Probes to send at the same time.")
@click.option("--max-requests", type=Whole(1), metavar="N", default=1000, help="Send at most this many requests.")
@click.option("--seed", type=Whole(0), metavar="N", default=0, help="Seed of what the upstream answers.")
@baseline_file
@click.option(
    "--record",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Save both sides of each probe with findings as fixtures in this folder.",
)
@click.option(
    "--pairs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Judge the pairs that --record saved in this folder; send nothing.",
)
@click.option("--list", "list_only", is_flag=True, help="List the probes and exit; send nothing.")
@form_options()
@fail_on
def sandwich_command(
    list_only: bool,
    outputs: Outputs,
    declared: Path | None,
    proposal: Path | None,
    folder: Path | None,
    pairs: Path | None,
    **given: Any,
) -> int:
    """Tell what a proxy changes between its callers and its upstream.

    Starts the fake as the upstream, sends requests through the proxy, and compares both sides of each: what the caller
    sent with what arrived, and what the upstream answered with what the caller got.
    """
    if list_only:
        if outputs:
            raise click.UsageError("--list sends nothing, so that there is nothing to report; omit it, or the reports")
        return _list_probes(given["prefixes"])
    promised = declaration.load(declared) if declared else declaration.Declaration()
    baseline = load_baseline(given["baseline"]).entries if given["baseline"] else ()
    if pairs:
        terminal = Terminal(console())
        report = judge_saved(pairs, promised.retries)
    else:
        if not given["target"]:
            raise click.UsageError("give the URL of the proxy: contract sandwich --proxy http://localhost:4000/v1")
        options = replace(build_options(given), keep_raw=folder is not None)
        terminal = Terminal(console(), options.secrets)
        report = _drive(terminal, Drive(options, given["port"], given["wait"], given["seed"], promised.retries))
        if not report.selected:
            unseen = [f"declared and not seen: {name}" for name in promised.not_seen(list(report.findings))]
            report = replace(report, notes=(*report.notes, *unseen))
    report = replace(tolerate_in_run(report, (*promised.entries, *baseline), date.today()), config=config_file())
    if folder and not pairs:
        report = replace(report, recordings=record_findings(terminal, report, folder, options))
    if proposal:
        terminal.print(f"written   {write(proposal, declaration.propose(report.findings))}")
    return int(_print(terminal, report, given["fail_on"], outputs))


def _drive(terminal: Terminal, given: Drive) -> RunReport:
    began: list[Plan] = []

    def listening(upstream: Upstream) -> None:
        terminal.print(f"upstream  {upstream.base_url}, key {KEY}: point the proxy there", whole=True)
        terminal.print(f"waiting   for {given.options.target} to reach it, {given.wait:g} s at most", whole=True)

    def found(plan: Plan) -> None:
        began.append(plan)
        terminal.print_plan(plan, limited=False)

    try:
        return run_loop(drive(given, listening, found, terminal.print_result))
    except KeyboardInterrupt:
        when = "again while it ended, and reports nothing" if began else "before the first probe"
        raise Unreachable(f"the run was interrupted {when}") from None
    finally:
        terminal.stop_progress()


def _print(terminal: Terminal, report: RunReport, level: str, outputs: Outputs) -> ExitCode:
    """Write the files, print the report and the verdict; returns the exit code."""
    code = report.exit_code(LEVELS[level])
    with ending.held():
        written = write_forms(outputs, lambda: run_document(report, code, terminal.secrets, LEVELS[level]))
    titles = {result.case_id: result.title for result in report.results}
    terminal.print_findings(report.findings, titles, command=report.command)
    terminal.print_tolerated(report.tolerated, report.ledger)
    terminal.print_unjudged(report)
    _print_table(terminal, report.results)
    written.report(terminal)
    terminal.print_verdict(report, code)
    written.raise_failures()
    return code


def _print_table(terminal: Terminal, results: Iterable[CaseResult]) -> None:
    counts = count_states(results)
    seen = [state for state in STATES if any(counted[state] for counted in counts.values())]
    rows = (("", (name, *(str(counted[state] or "·") for state in seen))) for name, counted in counts.items())
    terminal.print_table(["probes"], {state: _STYLES[state] for state in seen}, rows)


def _list_probes(prefixes: tuple[str, ...]) -> int:
    """Print the probes with what each is about."""
    chosen = select(prefixes)
    width = max(len(probe.id) for probe in chosen)
    for probe in chosen:
        print_lines(f"{probe.id:{width}}  POST {probe.path:17}  {probe.title}")
    print_lines(count(len(chosen), "probe"), err=True)
    return 0
