"""The other judges of OpenAI compatibility, on the same mutations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from contract_tests.lab.behaviour.catalogue import Mutation, mutations
from contract_tests.lab.behaviour.judging import GREEN, RED, UNJUDGED, Verdict, serving
from contract_tests.lab.outside.judges import Judge, Points
from contract_tests.lab.tools import processes
from contract_tests.lab.tools.processes import child_environment

SECONDS = 180.0
UNCHANGED = "wording-varies"
USUAL_SEEDS = (1, 2, 3)
BAD = ("fail", "warn")


@dataclass(frozen=True)
class OtherJudge:
    """An outside judge, installed as `program`, whose reports are written below `home`."""

    judge: Judge
    program: Path
    home: Path

    @cached_property
    def usual(self) -> frozenset[str]:
        """The points that it denies a target in which nothing but the wording varies; they say nothing.

        Raises ProcessFailed, or ValueError where it gives no report.
        """
        unchanged = mutations()[UNCHANGED]
        return frozenset(name for seed in USUAL_SEEDS for name in _denied(self._points(unchanged, seed)))

    def verdict(self, mutation: Mutation, seed: int) -> Verdict:
        """RED for a mutation that it denies a point which it does not usually deny."""
        if mutation.name == UNCHANGED and seed in USUAL_SEEDS:
            return Verdict(mutation, seed, GREEN)
        try:
            denied = [name for name in _denied(self._points(mutation, seed)) if name not in self.usual]
        except processes.ProcessFailed as error:
            return Verdict(mutation, seed, UNJUDGED, (str(error),))
        except ValueError as error:  # a judge that gives up has noticed something
            return Verdict(mutation, seed, RED, (f"no report: {error}",))
        return Verdict(mutation, seed, RED if denied else GREEN, tuple(denied))

    def _points(self, mutation: Mutation, seed: int) -> Points:
        home = self.home / self.judge.name
        home.mkdir(parents=True, exist_ok=True)
        with serving(mutation, seed, any_key=True) as url:
            command = (str(self.program), *self.judge.arguments(url, self.judge.model))
            done = processes.run(command, env=child_environment(home, NO_COLOR="1"), seconds=SECONDS)
        (home / f"{mutation.name}-{seed}.json").write_text(done.stdout, encoding="utf-8")
        return self.judge.points(done.stdout)


def _denied(points: Points) -> Sequence[str]:
    return [name for name, result in points.items() if result in BAD]
