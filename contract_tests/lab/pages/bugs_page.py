"""BUGS.md, what servers get wrong, and the ten worst bugs for the README of the fake."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from contract_tests.lab.bug_fixtures import path_of
from contract_tests.lab.tools.checkout import ROOT
from contract_tests.report.breakage import format_breakage, load_table
from contract_tests.report.examples import excerpt_at_finding
from contract_tests.rules import RULES
from fake_server.bugs.catalogue import Bug, Waiting, bugs, waiting
from fake_server.faults import Fault
from fake_server.wire.fixture import load
from fake_server.wire.text import shorten_middle

PAGE = ROOT / "fake_server" / "bugs" / "BUGS.md"
README = ROOT / "fake_server" / "README.md"
BEGIN, END = "<!-- bugs:begin -->", "<!-- bugs:end -->"
WORST = 10
SHOWN, WIDE = 4, 110
"""How many writes of a lawful form are shown, and how many characters of a line."""
_ISSUE = re.compile(r"([\w.-]+/[\w.-]+)#(\d+)")
_DAMAGE: Mapping[str, int] = {"hangs": 4, "empty": 4, "short": 3, "raises": 2}
_SEVERITIES = ("loses-data", "breaks-client", "cosmetic")
_LOST = ("text", "calls", "vectors", "no error", "refusal", "choices")
_INTRODUCTION = """\
<!-- generated from the catalogue by `make pages`; edit the catalogue, not this page -->

# What OpenAI-compatible servers get wrong

{documented} bugs of {servers} servers, each reported in public. {waiting} cannot be played; the others come
in {forms} forms. {whole} forms show in a single exchange, which `fixtures/bugs` has with exactly that defect;
the rest only show over several requests. There are three ways to play a form:

- `fake-server --bug ID` for every client;
- the request header `x-fake-bug: ID` for one request;
- `@pytest.mark.openai_bug("ID")` for one test, or `fake.bug("ID")` from then on.

`contract bugs` lists the forms by server and class. *On the wire* shows the place that the rule complains
about: `⏎` is a line end, `…` means that more follows. For a form that only shows over several requests, the
page lists the [faults](../faults/FAULTS.md) that make it up. How clients react was measured on {measured},
each with the exchange of the fixture: {clients}. *Silently* means that no error is raised.
"""


def page() -> str:
    """The whole page."""
    known, rest = list(bugs().values()), list(waiting().values())
    head = _INTRODUCTION.format(
        documented=sum(len(bug.seen) for bug in known) + len(rest),
        servers=len({server for bug in known for server in bug.servers} | {bug.server for bug in rest}),
        forms=len(known),
        whole=sum(bug.of is not None for bug in known),
        waiting=len(rest),
        measured=load_table().measured,
        clients=load_table().versions,
    )
    return "\n".join((head, *_by_class(known), *_by_server(known), *_all(known), *_rest(rest)))


def worst() -> str:
    """The ten bugs that cost clients most, as a table for the README of the fake."""
    lines = [
        f"The ten that cost clients most, of {len(bugs())} forms ([all of them](bugs/BUGS.md)), measured on",
        f"{load_table().measured}; data lost silently counts more than an error:",
        "",
        "| bug | seen in | how clients react |",
        "| --- | --- | --- |",
    ]
    for bug in sorted(bugs().values(), key=_rank)[:WORST]:
        reactions = format_breakage(load_table().of_bug(bug.id))
        lines.append(f"| `{bug.id}`: {_cell(bug.title)} | {', '.join(bug.servers)} | {reactions} |")
    return "\n".join(lines) + "\n"


def _rank(bug: Bug) -> tuple[int, int, int, str]:
    """Sorts the worst bug first; at equal cost, bugs that lose data first, then those of more servers."""
    return -damage(bug), _SEVERITIES.index(bug.severity), -len(bug.seen), bug.id


def damage(bug: Bug) -> int:
    """How much a bug costs clients: data lost silently weighs more than an error."""
    return sum(_weight(verdict) for verdict in load_table().of_bug(bug.id).values())


def _weight(verdict: str) -> int:
    kind, _, what = verdict.partition(": ")
    if kind == "wrong":
        return 3 if set(what.split(", ")) & set(_LOST) else 1
    return _DAMAGE.get(kind.split(" ")[0], 0)


def _by_class(known: Iterable[Bug]) -> Iterator[str]:
    yield "| class | forms |"
    yield "| --- | --: |"
    for kind, number in sorted(Counter(bug.kind for bug in known).items()):
        yield f"| [{kind}](#{kind}) | {number} |"
    yield ""


def _by_server(known: Iterable[Bug]) -> Iterator[str]:
    servers: dict[str, list[str]] = {}
    for bug in known:
        for server in bug.servers:
            servers.setdefault(server, []).append(bug.id)
    yield "## By server"
    yield ""
    for server in sorted(servers, key=str.lower):
        yield f"- {server}: " + ", ".join(f"[{name}](#{name})" for name in servers[server])
    yield ""


def _all(known: Iterable[Bug]) -> Iterator[str]:
    kinds: dict[str, list[Bug]] = {}
    for bug in known:
        kinds.setdefault(bug.kind, []).append(bug)
    for kind in sorted(kinds):
        yield f"## {kind}"
        yield ""
        for bug in kinds[kind]:
            yield from _bug(bug)


def _bug(bug: Bug) -> Iterator[str]:
    yield f"### {bug.id}"
    yield ""
    yield f"{bug.title}. ({bug.severity})"
    yield ""
    yield "- seen in: " + "; ".join(f"{report.server} ({_link(report.source)})" for report in bug.seen)
    if bug.lawful:
        yield f"- breaks no rule: {bug.lawful}"
    else:
        rules = (
            f"[{rule}](../../contract_tests/rules/RULES.md#{rule.replace('.', '')}) ({RULES[rule].level})"
            for rule in bug.breaks
        )
        yield f"- rule: {', '.join(rules)}"
        yield f"- clause: {RULES[bug.breaks[0]].clause}"
    if reactions := format_breakage(load_table().of_bug(bug.id)):
        yield f"- clients: {reactions}"
    else:
        why = "no client sends this request" if bug.of else "it only shows over several requests"
        yield f"- clients: not measured, {why}"
    if bug.cases:
        yield f"- found by: `contract run URL --select {','.join(bug.cases)}`"
    yield f"- play: `fake-server --bug {bug.id}`"
    yield ""
    yield from _wire(bug)


def _wire(bug: Bug) -> Iterator[str]:
    excerpt = excerpt_at_finding(path_of(bug), RULES[bug.breaks[0]]) if bug.of and bug.breaks else None
    if excerpt is None:
        yield from _changed(bug)
        return
    yield "On the wire:"
    yield ""
    yield "```text"
    yield from excerpt.lines
    if excerpt.pointer:
        yield excerpt.pointer
    yield "```"
    yield ""


def _changed(bug: Bug) -> Iterator[str]:
    """What a lawful form has on the wire, line by line, or the faults that make up a behaviour."""
    yield "On the wire:" if bug.of else "What the server does:"
    yield ""
    yield "```text"
    if bug.of:
        for write in load(path_of(bug)).exchange.writes[:SHOWN]:
            written = write.data.decode().replace("\r", "␍").replace("\n", "⏎")
            yield "".join(_shortened(event) for event in re.split(r"(?<=⏎⏎)(?=.)", written))
        yield "…"
    else:
        yield from map(_in_words, bug.play)
        if bug.when:
            yield f"if a request matches {json.dumps(bug.when, ensure_ascii=False)}"
        yield from (f"otherwise {_in_words(fault)}" for fault in bug.otherwise)
    yield "```"
    yield ""


def _in_words(fault: Fault) -> str:
    """The name of a fault, with its parameters."""
    parameters = fault.to_dict()
    name = parameters.pop("fault")
    return f"{name} {json.dumps(parameters, ensure_ascii=False)}" if parameters else name


def _shortened(line: str) -> str:
    return shorten_middle(line, WIDE)


def _rest(rest: Iterable[Waiting]) -> Iterator[str]:
    yield "## Not played"
    yield ""
    for bug in rest:
        yield f"- `{bug.id}` ({bug.server}, {_link(bug.source)}): {bug.title}; not played, because {bug.why}"
    yield ""


def _link(source: str) -> str:
    return _ISSUE.sub(lambda found: f"[{found[0]}](https://github.com/{found[1]}/issues/{found[2]})", source)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def with_worst(readme: str) -> str:
    """The README with an up-to-date table of the ten."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{worst()}{END}{after}"
