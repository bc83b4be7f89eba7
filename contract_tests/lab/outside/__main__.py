"""`python -m contract_tests.lab.outside`: outside judges of OpenAI compatibility, asked about the fake."""

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
    """What a judge said: its points, or why it was not heard (`trouble`)."""

    judge: Judge
    points: Points
    trouble: str = ""
    skipped: bool = False

    @property
    def surprises(self) -> list[str]:
        """Points that are not as known: lost, won, or no points any more."""
        known = self.judge.known
        lost = [
            f"{name} is {word}"
            for name, word in self.points.items()
            if word != PASS and (name not in known or known[name].says != word)
        ]
        won = [f"{name} is passed by now" for name in known if self.points.get(name) == PASS]
        gone = [f"{name} is no point any more" for name in known if self.points and name not in self.points]
        return lost + won + gone


def ask(judge: Judge, url: str) -> Opinion:
    """Install the judge where it is not there yet, and hear it."""
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
        return Opinion(judge, {}, f"not heard: {error}")


def _report(judge: Judge) -> Path:
    return REPORTS / judge.name / "report.json"


def tell(opinions: Sequence[Opinion], console: Console) -> None:
    """A table, then what each judge holds against the fake and why it is wrong."""
    table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="bold")
    for name in ("judge", "version", "passed", "of", "known", "verdict"):
        numbers = name in ("passed", "of", "known")
        table.add_column(name, justify="right" if numbers else "left", no_wrap=True)
    for one in opinions:
        passed = sum(word == PASS for word in one.points.values())
        held = len([name for name, word in one.points.items() if word != PASS and name in one.judge.known])
        calm = "as known" if held else "full score"
        verdict = one.trouble.partition(":")[0] or ("not as known" if one.surprises else calm)
        table.add_row(
            one.judge.name, one.judge.version, str(passed), str(len(one.points)), str(held), verdict
        )
    console.print(table)
    for one in opinions:
        for line in filter(None, (one.trouble, *one.surprises)):
            console.print(f"  {one.judge.name}: {line}", soft_wrap=True)
        if one.surprises:
            console.print(
                f"  {one.judge.name}: its report is {os.path.relpath(_report(one.judge))}", soft_wrap=True
            )
    for one in opinions:
        for name, known in one.judge.known.items():
            if one.points.get(name, PASS) != PASS:
                console.print(
                    f"\n{one.judge.name}: {name} is {one.points[name]}\n  {known.why}", soft_wrap=True
                )
                console.print(*(f"  see {place}" for place in known.evidence), sep="\n", soft_wrap=True)
    console.print()
    for one in opinions:
        console.print(f"not asked of {one.judge.name}: {one.judge.unasked}", soft_wrap=True)


def main(argv: Sequence[str] | None = None) -> int:
    """0 where every judge says what is known (or cannot run here), 1 for a surprise or one unheard; 130."""
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
    tell(opinions, console)
    bad = [one for one in opinions if one.surprises or (one.trouble and not one.skipped)]
    heard = sum(bool(one.points) for one in opinions)
    console.print(
        f"\n{'FAIL' if bad else 'PASS'}  {heard} of {len(opinions)} judges heard, "
        f"{len(bad)} with a surprise or unheard; seed {options.seed} (exit code {int(bool(bad))})"
    )
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
