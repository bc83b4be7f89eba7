"""`python -m contract_tests.lab.interop.sandwich [NAME…] [--write]`: what real proxies change on the way to the fake.

`--write` puts it into contract_tests/sandwich/INTEROP.md. Exits with 1 where a proxy was not judged to its end.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from contract_tests.lab.interop.catalogue import KEY as SERVER_KEY
from contract_tests.lab.interop.catalogue import SERVERS, Server
from contract_tests.lab.interop.judging import BOUNDS, RUN_SECONDS
from contract_tests.lab.interop.starting import install, serving
from contract_tests.lab.tools.checkout import ROOT
from contract_tests.lab.tools.environments import NotInstalled
from contract_tests.lab.tools.processes import ProcessFailed, ending_on_sigterm, free_port
from contract_tests.rules.engine.judge import Finding, Level
from contract_tests.run.outcome import Outcome, RunReport
from contract_tests.sandwich.driving import Drive, drive
from contract_tests.sandwich.probes import probes
from contract_tests.sandwich.table import STATES, count_states
from contract_tests.sandwich.upstream import KEY
from contract_tests.target.errors import NoModel, Unreachable
from contract_tests.target.options import Options
from fake_server.wire.text import format_count, shorten

PAGE = ROOT / "contract_tests" / "sandwich" / "INTEROP.md"
OWN_KEY = ("litellm", "hayhooks")
"""Proxies that ask the upstream with a key of their own; the others pass on the caller's, so that it is the same."""
PROXIES = ("litellm", "portkey", "openai-forward", "g4f", "sglang-router", "hayhooks", "lm-proxy", "aimock")
_HEAD = """\
# What real proxies change

Made by `make sandwich SANDWICH=--write`: each proxy, configured as its script in contract_tests/lab/interop/servers
says, with the fake as its upstream, driven by {probes} probes. A probe counts as the worst that was found on its own
side; those of endpoints that a proxy does not have are not counted. Whether a change is a fault or meant, this table
does not know."""
_SHOWN = 90
"""Characters of a value that are shown."""


@dataclass(frozen=True)
class Sandwiched:
    """What came of one proxy; `reason` says why there is no report."""

    server: Server
    report: RunReport | None = None
    reason: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether every probe was sent."""
        outcomes = {result.outcome for result in self.report.results} if self.report else {Outcome.NOT_REACHED}
        return Outcome.NOT_REACHED not in outcomes


def judge_proxy(server: Server) -> Sandwiched:
    """Install, start, drive and stop one proxy. Never raises for anything that it does."""
    if server.missing:
        return Sandwiched(server, reason=f"{' and '.join(server.missing)} not found")
    port = free_port()
    upstream = f"http://127.0.0.1:{port}/v1"
    try:
        with serving(server, install(server), upstream) as served:
            options = Options(
                served.base_url,
                model=server.model or "gpt-4o",
                headers=server.headers_for(upstream),
                api_key=SERVER_KEY if server.name in OWN_KEY else KEY,
                bounds=BOUNDS,
                run_seconds=2 * RUN_SECONDS,
            )
            return Sandwiched(server, asyncio.run(drive(Drive(options, port, wait=30))))
    except (NotInstalled, ProcessFailed, Unreachable, NoModel) as error:
        return Sandwiched(server, reason=str(error))


def document(judged: Iterable[Sandwiched]) -> str:
    """The page: a table of the proxies, and what each changes."""
    whole = [each for each in judged if each.report]
    lines = [
        *_HEAD.format(probes=len(probes())).splitlines(),
        "",
        f"| proxy | {' | '.join(STATES)} | MUST rules broken |",
        f"|---|{'--:|' * (len(STATES) + 1)}",
    ]
    for each in whole:
        assert each.report is not None
        total: Counter[str] = sum(count_states(each.report.results).values(), Counter())
        numbers = [f"{total[state]:,}" if total[state] else "·" for state in STATES]
        rules = {finding.rule.id for finding in each.report.findings if finding.rule.level is Level.MUST}
        name = f"[{each.server.title}](#{each.server.name}) {each.server.version}"
        lines.append(f"| {name} | {' | '.join(numbers)} | {len(rules)} |")
    for each in whole:
        lines += ["", f"## {each.server.name}", "", *_details(each)]
    return "\n".join(lines) + "\n"


def _details(each: Sandwiched) -> Iterator[str]:
    assert each.report is not None
    paths = {probe.id: probe.path for probe in probes()}
    absent = (paths[result.case_id] for result in each.report.results if result.outcome is Outcome.UNSUPPORTED)
    if lacking := dict.fromkeys(absent):
        yield f"It does not have {', '.join(f'`{path}`' for path in lacking)}."
        yield ""
    by_rule: dict[str, list[Finding]] = {}
    for finding in each.report.findings:
        by_rule.setdefault(finding.rule.id, []).append(finding)
    if not by_rule:
        yield "Everything came through as it was."
        return
    yield "| rule | level | probes | first seen | what came | what was sent |"
    yield "|---|---|--:|---|---|---|"
    order = list(Level)
    for rule, findings in sorted(by_rule.items(), key=lambda item: (order.index(item[1][0].rule.level), item[0])):
        first = findings[0]
        place = ".".join(str(step) for step in first.place.path)
        where = f"`{first.label}`{f', {_cell(place)}' if place else ''}"
        number = len({finding.label for finding in findings})
        yield (
            f"| {rule.removeprefix('sandwich.')} | {first.rule.level} | {number} | {where} "
            f"| {_cell(first.actual)} | {_cell(first.expected)} |"
        )


def _cell(text: str) -> str:
    shown = " ".join(shorten(text, _SHOWN).split())
    return "".join(f"\\{char}" if char in "|\\`*_<>[]" else char for char in shown)


def main() -> int:
    """Judge the proxies and return the exit code."""
    parser = argparse.ArgumentParser("python -m contract_tests.lab.interop.sandwich", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", choices=[[], *PROXIES], help=", ".join(PROXIES))
    parser.add_argument("--write", action="store_true", help="write INTEROP.md")
    options = parser.parse_args()
    judged: list[Sandwiched] = []
    with ending_on_sigterm():
        for name in options.names or PROXIES:
            print(f"sandwich: {SERVERS[name].title} …", file=sys.stderr, flush=True)
            each = judge_proxy(SERVERS[name])
            judged.append(each)
            print(_line(each), flush=True)
    if options.write:
        PAGE.write_text(document(judged), encoding="utf-8")
    return int(not all(each.is_whole for each in judged))


def _line(each: Sandwiched) -> str:
    if each.report is None:
        return f"{each.server.name:16} not judged: {each.reason}"
    levels: Mapping[Level, int] = Counter(finding.rule.level for finding in each.report.findings)
    found = f"{levels.get(Level.MUST, 0):,} MUST, {levels.get(Level.SHOULD, 0):,} SHOULD"
    took = f"{format_count(each.report.requests, 'request')}, {each.report.seconds:.0f} s"
    return f"{each.server.name:16} {found}, {took}{'; ' * bool(each.report.stopped)}{each.report.stopped}"


if __name__ == "__main__":
    sys.exit(main())
