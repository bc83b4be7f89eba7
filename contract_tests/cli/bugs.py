"""`contract bugs`: the known bugs of real servers, and how each is played."""

from __future__ import annotations

import json
from collections.abc import Iterable

import click

from contract_tests.report.breakage import format_breakage, load_table
from fake_server.bugs.catalogue import Bug, Waiting, bugs, find, waiting
from fake_server.bugs.errors import BugError
from fake_server.wire.text import did_you_mean

SEVERITIES = ("breaks-client", "loses-data", "cosmetic")


@click.command("bugs")
@click.argument("bug_id", metavar="[ID]", required=False)
@click.option("--server", default="", help="Only bugs met in a server whose name has this in it.")
@click.option("--class", "kind", default="", help="Only bugs of this class, such as tool-calls.")
@click.option("--severity", type=click.Choice(SEVERITIES), help="Only bugs as bad as this.")
@click.option("--waiting", "only_waiting", is_flag=True, help="Those that cannot be played yet, and why.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def bugs_command(
    bug_id: str | None, server: str, kind: str, severity: str | None, only_waiting: bool, as_json: bool
) -> int:
    """List the known bugs of real servers, or tell all about the one called ID.

    Each is played by `fake-server --bug ID`, by the request header `x-fake-bug: ID`, and in pytest by
    `@pytest.mark.openai_bug("ID")`.
    """
    if bug_id is not None:
        _print_bug(_find_bug(bug_id))
        return 0
    known: Iterable[Bug | Waiting] = waiting().values() if only_waiting else bugs().values()
    listed = [
        one
        for one in known
        if server.lower() in " ".join(_servers(one)).lower()
        and kind in ("", one.kind)
        and severity in (None, one.severity)
    ]
    if not listed:
        raise click.UsageError(_explain_nothing_listed(known, server, kind))
    for name, group in _grouped(listed).items():
        if not as_json:
            click.echo(f"\n{name}" if name != listed[0].kind else name)
        for one in group:
            click.echo(json.dumps(_as_dict(one), ensure_ascii=False) if as_json else _line(one))
    if not as_json:
        click.echo(f"\n{len(listed)} bugs; `contract bugs ID` tells all about one")
    return 0


def _explain_nothing_listed(known: Iterable[Bug | Waiting], server: str, kind: str) -> str:
    """Why nothing is listed: a class or a server that there is not, or nothing where both meet."""
    kinds = sorted({one.kind for one in known})
    if kind and kind not in kinds:
        return f"there is no class {kind[:50]!r}; the classes are {', '.join(kinds)}"
    servers = sorted({name for one in known for name in _servers(one)}, key=str.lower)
    if not any(server.lower() in name.lower() for name in servers):
        hint = did_you_mean(server, servers, "BUGS.md has them all")
        return f"no known bug was met in a server called {server[:50]!r}; {hint}"
    return "no known bug fits all of these options; leave one out"


def _find_bug(bug_id: str) -> Bug:
    try:
        return find(bug_id)
    except BugError as error:
        raise click.UsageError(str(error)) from None


def _grouped(listed: Iterable[Bug | Waiting]) -> dict[str, list[Bug | Waiting]]:
    groups: dict[str, list[Bug | Waiting]] = {}
    for one in listed:
        groups.setdefault(one.kind, []).append(one)
    return groups


def _servers(one: Bug | Waiting) -> tuple[str, ...]:
    return one.servers if isinstance(one, Bug) else (one.server,)


def _line(one: Bug | Waiting) -> str:
    more = f"\n    waits: {one.why}" if isinstance(one, Waiting) else ""
    return f"  {one.id:45} {one.severity:13} {', '.join(_servers(one))}\n    {one.title}{more}"


def _as_dict(one: Bug | Waiting) -> dict[str, object]:
    told: dict[str, object] = {"id": one.id, "title": one.title, "class": one.kind, "severity": one.severity}
    if isinstance(one, Waiting):
        return {**told, "server": one.server, "source": one.source, "waits": one.why}
    seen = [seen.model_dump() for seen in one.seen]
    return {**told, "seen": seen, "breaks": one.breaks, "lawful": one.lawful, "cases": one.cases}


def _print_bug(bug: Bug) -> None:
    click.echo(f"{bug.id}\n  {bug.title}")
    rows = [
        ("class", bug.kind),
        ("severity", bug.severity),
        *(("seen in", f"{one.server}: {one.source}") for one in bug.seen),
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
            click.echo(f"    {name:10} {text}")
