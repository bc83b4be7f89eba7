"""`contract diff A B`: compares two recordings, two reports, or the fake and a live target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import click

from contract_tests.cli import completion
from contract_tests.cli.failures import leave_nothing_stale
from contract_tests.cli.options import TARGET_OPTIONS, build_options, target_options
from contract_tests.cli.shared_options import console, json_file, output_file, write
from contract_tests.diffing import reports, written
from contract_tests.diffing.compare import compare
from contract_tests.diffing.difference import Kind, Role
from contract_tests.diffing.sources import Pairs, load, pair, side_of
from contract_tests.diffing.terminal import format_verdict, print_differences, print_report_differences
from contract_tests.report.document import Document
from contract_tests.report.html.diff import format_diff
from contract_tests.report.saved import read_if_report
from contract_tests.report.terminal import Terminal
from fake_server.command_line import refuse
from fake_server.relay.redact import excerpts_without, known_values
from fake_server.relay.redact.fields import MAX_KNOWN
from fake_server.wire.text import dump_json

FAKE = "fake"
Outputs = tuple[Path | None, Path | None]
"""The JSON and the HTML file to write."""


@click.command("diff")
@click.argument("a")
@click.argument("b", required=False)
@click.option(
    "--case",
    "prefixes",
    multiple=True,
    metavar="ID",
    shell_complete=completion.CASE_OR_SECTION,
    help="Send this case to the URL A and to the fake.",
)
@click.option("--only", metavar="KINDS", help="Compare only these, comma-separated: shape,order,framing,timing.")
@click.option("--all", "show_all", is_flag=True, help="Show each pair by itself instead of a summary.")
@click.option("--genuine", type=click.Choice(["A", "B"]), help="Declare that this side is from api.openai.com.")
@target_options(only_with="--case")
@json_file
@output_file("--html", "html_file", text="Write an HTML page to this file, which needs nothing else to be read.")
@leave_nothing_stale("json_file", "html_file")
def diff_command(
    a: str,
    b: str | None,
    only: str | None,
    show_all: bool,
    genuine: str | None,
    json_file: Path | None,
    html_file: Path | None,
    **given: Any,
) -> int:
    """Compare recordings or reports, or a live target with the fake.

    A and B are recordings, folders of recordings, or JSON reports; B may be the word `fake`: the kit's own fake
    is then sent the requests of the recordings. With --case, the live target at the URL A and the fake are sent
    the same case. Exit code 0 means the same shape, order and framing.
    """
    kinds, outputs = _kinds(only), (json_file, html_file)
    if given["prefixes"]:
        if b is not None:
            raise click.UsageError(f"--case takes one URL, A; omit {b!r}")
        if Path(a).exists():
            raise click.UsageError(f"--case needs a URL, and {a} is a file; omit --case to compare it")
        from contract_tests.diffing.live import ask_both

        options = build_options({**given, "target": a})
        pairs, live = ask_both(options)
        names = (f"{live.target}   model {live.model}", FAKE)
        terminal = Terminal(console(), options.secrets)
        return _print_differences(terminal, names, _genuine(pairs, genuine), kinds, show_all, outputs)
    refuse([name for name, _ in TARGET_OPTIONS.values()], "{} is for sending a case; add --case ID or omit it")
    if b is None:
        raise click.UsageError("give two things to compare, A and B, or one URL with --case ID")
    terminal = Terminal(console())
    report_a, report_b = (read_if_report(Path(name), terminal.secrets) for name in (a, b))
    if report_a and report_b:
        refuse(("only", "show_all", "genuine"), "{} is for recordings; reports are compared by their cases")
        return _reports(terminal, (a, b), report_a, report_b, outputs)
    if report_a or report_b:
        raise click.UsageError(f"{a if report_a else b} is a report; compare it with another report")
    return _print_differences(terminal, (a, b), _genuine(_pairs(a, b), genuine), kinds, show_all, outputs)


def _pairs(a: str, b: str) -> Pairs:
    if FAKE not in (a, b):
        return pair(map(side_of, load(a)), map(side_of, load(b)))
    if a == b:
        raise click.UsageError("A and B are both the fake; name a recording")
    from contract_tests.diffing.live import compare_with_fake  # brings the web framework

    pairs = compare_with_fake(map(side_of, load(b if a == FAKE else a)))
    return replace(pairs, both=tuple((b, a) for a, b in pairs.both)) if a == FAKE else pairs


def _genuine(pairs: Pairs, which: str | None) -> Pairs:
    """The pairs with one side declared to be api.openai.com's."""
    if which == "A":
        return replace(pairs, both=tuple((replace(a, role=Role.GENUINE), b) for a, b in pairs.both))
    if which == "B":
        return replace(pairs, both=tuple((a, replace(b, role=Role.GENUINE)) for a, b in pairs.both))
    return pairs


def _print_differences(
    terminal: Terminal,
    names: tuple[str, str],
    pairs: Pairs,
    kinds: Sequence[Kind],
    each: bool,
    outputs: Outputs,
) -> int:
    if not pairs.both:
        why = pairs.not_asked[0] if pairs.not_asked else "no name and no request occurs on both sides"
        raise click.UsageError(f"nothing to compare: {why}")
    exchanges = [side.view.exchange for sides in pairs.both for side in sides]
    keys = dict.fromkeys(value for exchange in exchanges for value in known_values(exchange))
    terminal.secrets = (*terminal.secrets, *islice(keys, MAX_KNOWN))
    with excerpts_without(lambda: terminal.secrets):
        comparisons = [compare(a, b, kinds) for a, b in pairs.both]
    same = all(comparison.same for comparison in comparisons) and not (pairs.only_a or pairs.only_b)
    for name, of, role in zip("AB", names, (side.role for side in pairs.both[0]), strict=True):
        whose = f"   ({role})" if role is not Role.OTHER else ""
        terminal.print(f"{name}         {of}{whose}")
    print_differences(terminal, comparisons, pairs, each)
    _write(terminal, outputs, lambda: written.as_document(names, comparisons, pairs, same, terminal.secrets))
    code = 0 if same else 1
    terminal.print()
    terminal.print(format_verdict(comparisons, pairs, code), "bold green" if same else "bold red")
    return code


def _reports(terminal: Terminal, names: tuple[str, str], a: Document, b: Document, outputs: Outputs) -> int:
    changes = reports.compare_reports(a, b)
    code = 0 if changes.same else 1
    print_report_differences(terminal, changes, code)
    _write(terminal, outputs, lambda: written.reports_as_document(names, changes, terminal.secrets))
    return code


def _write(terminal: Terminal, outputs: Outputs, make_document: Callable[[], dict[str, Any]]) -> None:
    """Write the comparison as JSON and as a page, as far as they are wanted. Raises click.ClickException."""
    if any(outputs):
        document = make_document()
        for path, form in zip(outputs, (dump_json, format_diff), strict=True):
            if path:
                terminal.print(f"written   {write(path, form(document))}")


def _kinds(only: str | None) -> tuple[Kind, ...]:
    """The kinds that `--only` names. Raises click.UsageError."""
    if only is None:
        return tuple(Kind)
    try:
        return tuple(Kind(name.strip()) for name in only.split(","))
    except ValueError as error:
        raise click.UsageError(f"--only takes one or more of {','.join(Kind)}, not {only!r}") from error
