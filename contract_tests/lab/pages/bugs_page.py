"""BUGS.md, what servers get wrong, and the ten worst for the fake's README."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from contract_tests.lab.bug_fixtures import path_of
from contract_tests.lab.tools.checkout import ROOT
from contract_tests.report.breakage import breakage, table
from contract_tests.report.examples import broken_in
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
"""Of a lawful form: so many writes, so much of each."""
_ISSUE = re.compile(r"([\w.-]+/[\w.-]+)#(\d+)")
_DAMAGE: Mapping[str, int] = {"hangs": 4, "empty": 4, "short": 3, "raises": 2}
_SEVERITIES = ("loses-data", "breaks-client", "cosmetic")
_LOST = ("text", "calls", "vectors", "no error", "refusal", "choices")
_INTRODUCTION = """\
<!-- made from the catalogue by `make pages`; changes belong there -->

# What OpenAI-compatible servers get wrong

{documented} bugs of {servers} servers, each told of in public; {waiting} cannot be played, the others have
{forms} forms. {whole} forms are whole exchanges with that one defect, in `fixtures/bugs`; the others show in
several requests only. The fake plays each:

- `fake-server --bug ID` has the bug for every client;
- the request header `x-fake-bug: ID` asks for it once;
- `@pytest.mark.openai_bug("ID")` gives it to one test, `fake.bug("ID")` from then on.

`contract bugs` lists them by server and class. *On the wire* shows the place where the rule complains:
`⏎` is a line end, `…` stands for more; what takes several requests to see is told in the words of
[FAULTS.md](../faults/FAULTS.md) instead. What clients make of it was measured on {measured}, each
given the exchange as it stands in the fixture: {clients}. *Silently* means that no error tells of it.
"""


def page() -> str:
    """The whole page."""
    known, rest = list(bugs().values()), list(waiting().values())
    head = _INTRODUCTION.format(
        documented=sum(len(bug.seen) for bug in known) + len(rest),
        servers=len({server for bug in known for server in bug.servers} | {one.server for one in rest}),
        forms=len(known),
        whole=sum(bug.of is not None for bug in known),
        waiting=len(rest),
        measured=table().measured,
        clients=table().versions,
    )
    return "\n".join((head, *_by_class(known), *_by_server(known), *_all(known), *_rest(rest)))


def worst() -> str:
    """The ten that cost clients most, as a table for the README of the fake."""
    lines = [
        f"The ten that cost clients most, of {len(bugs())} forms ([all of them](bugs/BUGS.md)),",
        f"measured on {table().measured}; what is lost in silence counts more than an error:",
        "",
        "| bug | seen in | what clients make of it |",
        "| --- | --- | --- |",
    ]
    for bug in sorted(bugs().values(), key=_rank)[:WORST]:
        told = breakage(table().of_bug(bug.id))
        lines.append(f"| `{bug.id}`: {_cell(bug.title)} | {', '.join(bug.servers)} | {told} |")
    return "\n".join(lines) + "\n"


def _rank(bug: Bug) -> tuple[int, int, int, str]:
    """The worst first; of those that cost the same, what loses data, then what more servers have."""
    return -damage(bug), _SEVERITIES.index(bug.severity), -len(bug.seen), bug.id


def damage(bug: Bug) -> int:
    """How much a bug costs clients: what is lost in silence weighs more than an error."""
    return sum(_weight(verdict) for verdict in table().of_bug(bug.id).values())


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
            yield from _one(bug)


def _one(bug: Bug) -> Iterator[str]:
    yield f"### {bug.id}"
    yield ""
    yield f"{bug.title}. ({bug.severity})"
    yield ""
    yield "- seen in: " + "; ".join(f"{one.server} ({_link(one.source)})" for one in bug.seen)
    if bug.lawful:
        yield f"- lawful all the same: {bug.lawful}"
    else:
        told = (
            f"[{rule}](../../contract_tests/rules/RULES.md#{rule.replace('.', '')}) ({RULES[rule].level})"
            for rule in bug.breaks
        )
        yield f"- rule: {', '.join(told)}"
        yield f"- clause: {RULES[bug.breaks[0]].clause}"
    if told_by := breakage(table().of_bug(bug.id)):
        yield f"- clients: {told_by}"
    else:
        why = "no client asks so" if bug.of else "it shows in several requests only"
        yield f"- clients: not measured, {why}"
    if bug.cases:
        yield f"- met by: `contract run URL --select {','.join(bug.cases)}`"
    yield f"- play: `fake-server --bug {bug.id}`"
    yield ""
    yield from _wire(bug)


def _wire(bug: Bug) -> Iterator[str]:
    excerpt = broken_in(path_of(bug), RULES[bug.breaks[0]]) if bug.of and bug.breaks else None
    if excerpt is None:
        yield from _changed(bug)
        return
    yield "On the wire:"
    yield ""
    yield "```text"
    yield from excerpt.lines
    if excerpt.column is not None:
        yield f"{' ' * excerpt.column}^ {excerpt.said}".rstrip()
    elif excerpt.said:
        yield f"→ {excerpt.said}"
    yield "```"
    yield ""


def _changed(bug: Bug) -> Iterator[str]:
    """What a lawful form has on the wire, line by line, or what a behaviour does to a right reply."""
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
            yield f"where a request has {json.dumps(bug.when, ensure_ascii=False)}"
        yield from (f"else {_in_words(fault)}" for fault in bug.otherwise)
    yield "```"
    yield ""


def _in_words(fault: Fault) -> str:
    """A fault by its name, with its parameters."""
    told = fault.to_dict()
    name = told.pop("fault")
    return f"{name} {json.dumps(told, ensure_ascii=False)}" if told else name


def _shortened(line: str) -> str:
    return shorten_middle(line, WIDE)


def _rest(rest: Iterable[Waiting]) -> Iterator[str]:
    yield "## Not played"
    yield ""
    for one in rest:
        yield f"- `{one.id}` ({one.server}, {_link(one.source)}): {one.title}; not played, because {one.why}"
    yield ""


def _link(source: str) -> str:
    return _ISSUE.sub(lambda found: f"[{found[0]}](https://github.com/{found[1]}/issues/{found[2]})", source)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def with_worst(readme: str) -> str:
    """README with its ten written anew."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{worst()}{END}{after}"
