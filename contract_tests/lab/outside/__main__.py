"""`python -m contract_tests.lab.outside`: what outside judges of OpenAI compatibility say of the fake."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from contract_tests.lab.outside.judges import JUDGES, PACED, Judge, Points
from contract_tests.lab.tools import processes
from contract_tests.lab.tools.checkout import ROOT
from contract_tests.lab.tools.environments import NotInstalled
from contract_tests.lab.tools.processes import ProcessFailed, child_environment, ending_on_sigterm
from fake_server import FakeServer
from fake_server.server.settings import default_scripts

REPORTS = ROOT / ".cache" / "judges"
SECONDS = 300
INTERRUPTED = 130
PASS = "pass"


@dataclass(frozen=True)
class Opinion:
    """What a judge says: its points, or why it could not be asked (`problem`)."""

    judge: Judge
    points: Points
    problem: str = ""
    skipped: bool = False

    @property
    def surprises(self) -> list[str]:
        """Points that are not as known: newly lost, newly passed, or no longer reported."""
        known = self.judge.known
        lost = [
            f"{name} is {result}"
            for name, result in self.points.items()
            if result != PASS and (name not in known or known[name].says != result)
        ]
        won = [f"{name} now passes" for name in known if self.points.get(name) == PASS]
        gone = [f"{name} is no longer reported" for name in known if self.points and name not in self.points]
        return lost + won + gone


def ask(judge: Judge, url: str) -> Opinion:
    """Install the judge where it is absent, and have it judge the server at this base URL."""
    if judge.missing:
        return Opinion(judge, {}, f"skipped: {judge.missing} is not installed", skipped=True)
    report = _report(judge)
    report.parent.mkdir(parents=True, exist_ok=True)
    try:
        program = judge.install(judge)
        command = [str(program), *judge.arguments(url, judge.model)]
        done = processes.run(command, env=child_environment(report.parent, NO_COLOR="1"), seconds=SECONDS)
        report.write_text(done.stdout)
        return Opinion(judge, judge.points(done.stdout))
    except NotInstalled as error:
        return Opinion(judge, {}, f"not installed: {error}")
    except (ProcessFailed, ValueError) as error:
        return Opinion(judge, {}, f"no report: {error}")


def _report(judge: Judge) -> Path:
    return REPORTS / judge.name / "report.json"


def print_opinions(opinions: Sequence[Opinion], console: Console) -> None:
    """Print a table, then what each judge holds against the fake and why it is wrong."""
    table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="bold")
    for name in ("judge", "version", "passed", "of", "known", "verdict"):
        is_number = name in ("passed", "of", "known")
        table.add_column(name, justify="right" if is_number else "left", no_wrap=True)
    for opinion in opinions:
        table.add_row(*_row(opinion))
    console.print(table)
    for opinion in opinions:
        name = opinion.judge.name
        for line in filter(None, (opinion.problem, *opinion.surprises)):
            console.print(f"  {name}: {line}", soft_wrap=True)
        if opinion.surprises:
            path = os.path.relpath(_report(opinion.judge))
            console.print(f"  {name}: its report is {path}", soft_wrap=True)
    for opinion in opinions:
        for point, known in opinion.judge.known.items():
            if opinion.points.get(point, PASS) != PASS:
                result = opinion.points[point]
                console.print(f"\n{opinion.judge.name}: {point} is {result}\n  {known.why}", soft_wrap=True)
                console.print(*(f"  see {place}" for place in known.evidence), sep="\n", soft_wrap=True)
    console.print()
    for opinion in opinions:
        console.print(f"not asked of {opinion.judge.name}: {opinion.judge.unasked}", soft_wrap=True)


def _row(opinion: Opinion) -> tuple[str, ...]:
    judge, results = opinion.judge, opinion.points
    passed = sum(result == PASS for result in results.values())
    excused = sum(result != PASS and name in judge.known for name, result in results.items())
    as_usual = "as known" if excused else "full score"
    verdict = opinion.problem.partition(":")[0] or ("not as known" if opinion.surprises else as_usual)
    return judge.name, judge.version, str(passed), str(len(results)), str(excused), verdict


def main(argv: Sequence[str] | None = None) -> int:
    """Ask all judges and return the exit code.

    0 where every judge says what is known or cannot run here, 1 for a surprise or a judge without a report,
    130 when interrupted.
    """
    parser = argparse.ArgumentParser("python -m contract_tests.lab.outside", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="seed of the fake's variations")
    options = parser.parse_args(argv)
    console = Console(highlight=False, markup=False, emoji=False)
    try:
        with ending_on_sigterm(), FakeServer([*default_scripts(), PACED], seed=options.seed) as fake:
            opinions = [ask(judge, fake.base_url) for judge in JUDGES]
    except KeyboardInterrupt:
        print("judges: interrupted", file=sys.stderr)
        return INTERRUPTED
    print_opinions(opinions, console)
    bad = [opinion for opinion in opinions if opinion.surprises or (opinion.problem and not opinion.skipped)]
    reports = sum(bool(opinion.points) for opinion in opinions)
    console.print(
        f"\n{'FAIL' if bad else 'PASS'}  {reports} of {len(opinions)} judges reported, "
        f"{len(bad)} with a surprise or without a report; seed {options.seed} (exit code {int(bool(bad))})"
    )
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
