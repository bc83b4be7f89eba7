"""`contract bugs`: lists the known bugs of real servers, and how to reproduce each."""

from __future__ import annotations

import json
from collections.abc import Iterable

import click

from contract_tests.cli import completion
from contract_tests.cli.shared_options import print_lines
from contract_tests.report.breakage import format_breakage, load_table
from contract_tests.report.findings import count
from fake_server.bugs.catalogue import Bug, Waiting, bugs, find, waiting
from fake_server.bugs.errors import BugError
from fake_server.wire.text import did_you_mean

SEVERITIES = ("breaks-client", "loses-data", "cosmetic")


@click.command("bugs")
@click.argument("bug_id", metavar="[ID]", required=False, shell_complete=completion.BUG)
@click.option("--server", help="List only bugs seen in servers whose name contains this.")
@click.option(
    "--class",
    "kind",
    shell_complete=completion.BUG_CLASS,
    help="List only bugs of this class, such as tool-calls.",
)
@click.option("--severity", type=click.Choice(SEVERITIES), help="List only bugs of this severity.")
@click.option("--waiting", "only_waiting", is_flag=True, help="List the bugs that cannot be reproduced yet, and why.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
def bugs_command(
    bug_id: str | None, server: str | None, kind: str | None, severity: str | None, only_waiting: bool, as_json: bool
) -> int:
    """List the known bugs of real servers, or all details of bug ID.

    Reproduce a bug with `fake-server --bug ID`, with the request header `x-fake-bug: ID`, or in pytest
    with `@pytest.mark.openai_bug("ID")`.
    """
    if bug_id is not None:
        _print_bug(_find_bug(bug_id))
        return 0
    server, kind = server or "", kind or ""
    known: Iterable[Bug | Waiting] = waiting().values() if only_waiting else bugs().values()
    listed = [
        bug
        for bug in known
        if server.lower() in " ".join(_servers(bug)).lower()
        and kind in ("", bug.kind)
        and severity in (None, bug.severity)
    ]
    if not listed:
        raise click.UsageError(_explain_nothing_listed(known, server, kind))
    groups: dict[str, list[Bug | Waiting]] = {}
    for bug in listed:
        groups.setdefault(bug.kind, []).append(bug)
    for name, group in groups.items():
        if not as_json:
            print_lines(f"\n{name}" if name != listed[0].kind else name)
        for bug in group:
            click.echo(json.dumps(_as_dict(bug), ensure_ascii=False)) if as_json else print_lines(_line(bug))
    if not as_json:
        print_lines(f"\n{count(len(listed), 'bug')}; `contract bugs ID` shows all details of one")
    return 0


def _explain_nothing_listed(known: Iterable[Bug | Waiting], server: str, kind: str) -> str:
    """Why nothing is listed: an unknown class, an unknown server, or no bug that fits all options."""
    kinds = sorted({bug.kind for bug in known})
    if kind and kind not in kinds:
        return f"there is no class {kind[:50]!r}; the classes are {', '.join(kinds)}"
    servers = sorted({name for bug in known for name in _servers(bug)}, key=str.lower)
    if not any(server.lower() in name.lower() for name in servers):
        hint = did_you_mean(server, servers, "BUGS.md has them all")
        return f"no known bug was met in a server called {server[:50]!r}; {hint}"
    return "no known bug matches all of these options; omit one"


def _find_bug(bug_id: str) -> Bug:
    try:
        return find(bug_id)
    except BugError as error:
        raise click.UsageError(str(error)) from None


def _servers(bug: Bug | Waiting) -> tuple[str, ...]:
    return bug.servers if isinstance(bug, Bug) else (bug.server,)


def _line(bug: Bug | Waiting) -> str:
    more = f"\n    waits: {bug.why}" if isinstance(bug, Waiting) else ""
    return f"  {bug.id:45} {bug.severity:13} {', '.join(_servers(bug))}\n    {bug.title}{more}"


def _as_dict(bug: Bug | Waiting) -> dict[str, object]:
    common: dict[str, object] = {
        "id": bug.id,
        "title": bug.title,
        "class": bug.kind,
        "severity": bug.severity,
    }
    if isinstance(bug, Waiting):
        return {**common, "server": bug.server, "source": bug.source, "waits": bug.why}
    seen = [sighting.model_dump() for sighting in bug.seen]
    return {**common, "seen": seen, "breaks": bug.breaks, "lawful": bug.lawful, "cases": bug.cases}


def _print_bug(bug: Bug) -> None:
    print_lines(f"{bug.id}\n  {bug.title}")
    rows = [
        ("class", bug.kind),
        ("severity", bug.severity),
        *(("seen in", f"{sighting.server}: {sighting.source}") for sighting in bug.seen),
        ("breaks", ", ".join(bug.breaks)),
        ("lawful", bug.lawful),
        ("clients", format_breakage(load_table().of_bug(bug.id))),
        ("fixture", f"fixtures/bugs/{bug.id}.yaml" if bug.of else ""),
        ("cases", ", ".join(bug.cases)),
        ("play", f"fake-server --bug {bug.id}"),
        ("", f'@pytest.mark.openai_bug("{bug.id}")'),
        ("", f"x-fake-bug: {bug.id}"),
        *(("does", json.dumps(fault.to_dict(), ensure_ascii=False)) for fault in (*bug.play, *bug.otherwise)),
    ]
    for name, text in rows:
        if text:
            print_lines(f"    {name:10} {text}")
