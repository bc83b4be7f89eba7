"""`contract ready URL --for CLIENT`: does the target carry a client, by what that client sends and needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from contract_tests.cli.failures import leave_nothing_stale
from contract_tests.cli.options import build_options, config_option, target_argument, target_options
from contract_tests.cli.progress import ask
from contract_tests.cli.shared_options import console, json_file, write
from contract_tests.ready.arrival import Witness
from contract_tests.ready.asking import cases_of, trouble_of
from contract_tests.ready.report import as_json, head_of, rest_of, stops_of, verdict_of
from contract_tests.ready.seen import APIS, client_names, load_client
from contract_tests.ready.verdict import weigh
from contract_tests.report.terminal import Terminal
from contract_tests.run.outcome import ExitCode
from contract_tests.run.run import Plan, Unreachable, UsageError


class _Terminal(Terminal):
    head = ""
    """What is said of the client before the target."""

    def print_plan(self, plan: Plan, limited: bool = False) -> None:
        """Print the client, and the plan less its tokens: clients set no limit to an answer."""
        self.print(self.head)
        super().print_plan(plan, limited)


@click.command("ready")
@target_argument
@config_option
@click.option(
    "--for",
    "name",
    required=True,
    type=click.Choice(client_names()),
    metavar="CLIENT",
    help=f"Client to be carried: {', '.join(client_names())}.",
)
@click.option(
    "--api", type=click.Choice(list(APIS)), help="API that the client speaks.  [default: that of its version]"
)
@target_options()
@json_file
@leave_nothing_stale("json_file")
def ready_command(name: str, api: str | None, json_file: Path | None, **given: Any) -> int:
    """Tell whether the server at URL carries a client.

    Sends what this client was seen to send, with your model and key, and judges the replies by the rules that this
    client, in this version, was measured to need. What it survives is counted and stops nothing.
    Exit codes: 0 ready; 1 not ready; 2 usage error; 3 the target answers nothing, or not all was judged.
    """
    client = load_client(name)
    api = api or client.api
    if api not in client.requests:
        raise UsageError(f"--api {api}: {name} speaks {', '.join(client.requests)} alone")
    options = replace(build_options(given), concurrency=1)
    terminal = _Terminal(console(), options.secrets)
    terminal.head = head_of(client, api)
    witness = Witness(client, api)
    cases = [*cases_of(client, api), *witness.cases()]
    report = ask(terminal, options, cases=cases, path=APIS[api])
    if trouble := trouble_of(report):
        raise Unreachable(trouble)
    readiness = weigh(client, api, report, witness.found)
    for text in stops_of(readiness, terminal.console.width):
        terminal.print_block(text)
    terminal.print()
    for line in rest_of(readiness):
        terminal.print(line)
    terminal.print_tracebacks(report, bool(click.get_current_context().find_root().params.get("debug")))
    failed = None
    if json_file:
        try:
            terminal.print(f"written   {write(json_file, as_json(readiness, terminal.secrets))}")
        except click.ClickException as error:
            failed = error
    code = readiness.exit_code
    terminal.print(verdict_of(readiness), "bold green" if code is ExitCode.OK else "bold red")
    if failed:
        raise failed
    return int(code)
