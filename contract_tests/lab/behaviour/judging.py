"""Serve a mutation in a process of its own, and have a judge judge it."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from contract_tests.lab.behaviour.catalogue import Mutation
from contract_tests.lab.behaviour.exchanging import KEY
from contract_tests.lab.tools import processes
from contract_tests.lab.tools.checkout import ROOT
from contract_tests.lab.tools.processes import child_environment

RUN_SECONDS = 300.0
MODELS = ("gpt-4o-mini", "completions=gpt-3.5-turbo-instruct", "embeddings=text-embedding-3-small")
RED, SHOULD, GREEN, UNJUDGED = "red", "should", "green", "not judged"
_TARGET, _CONTRACT = "contract_tests.lab.behaviour.target", "contract_tests"


@dataclass(frozen=True)
class Verdict:
    """What a judge says of a mutation: a color, and the rules or points that say so.

    `color` is RED for a MUST finding, SHOULD for milder ones, GREEN for none, UNJUDGED where there is no
    verdict; then `reasons` says why.
    """

    mutation: Mutation
    seed: int
    color: str
    reasons: tuple[str, ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether an illegal mutation is red, or a legal one has no MUST finding."""
        return self.color in (GREEN, SHOULD) if self.mutation.may else self.color == RED


@contextmanager
def serving(mutation: Mutation, seed: int, *, any_key: bool = False) -> Iterator[str]:
    """The base URL of a target with this mutation while entered. Raises ProcessFailed."""
    port = processes.free_port()
    options = ("--any-key",) if any_key else ()
    command = (sys.executable, "-m", _TARGET, mutation.name, "--port", str(port), "--seed", str(seed), *options)
    with (
        tempfile.TemporaryDirectory(prefix="behaviour-") as folder,
        processes.running(
            command,
            ready=lambda: processes.listens(port),
            env=child_environment(),
            log=Path(folder, "log"),
            cwd=ROOT,
        ),
    ):
        yield f"http://127.0.0.1:{port}/v1"


def judge_by_contract(mutation: Mutation, seed: int, reports: Path, select: Sequence[str] = ()) -> Verdict:
    """What `contract run` says, of all cases or those selected; its JSON report is written into `reports`."""
    report = reports / f"{mutation.name}-{seed}.json"
    report.unlink(missing_ok=True)
    chosen = [f"--model={model}" for model in MODELS] + [f"--select={name}" for name in select]
    environment = child_environment(OPENAI_API_KEY=KEY)
    try:
        with serving(mutation, seed) as url:
            command = (sys.executable, "-m", _CONTRACT, "run", url, *chosen, "--json", str(report))
            done = processes.run(command, env=environment, seconds=RUN_SECONDS, cwd=ROOT)
        return _read_report(mutation, seed, done.returncode, report)
    except (processes.ProcessFailed, OSError, ValueError, KeyError) as error:
        return Verdict(mutation, seed, UNJUDGED, (str(error),))


def _read_report(mutation: Mutation, seed: int, exit_code: int, report: Path) -> Verdict:
    """The verdict in a report of `contract run`, which ends with 1 for a MUST finding and 0 for none."""
    content = json.loads(report.read_text(encoding="utf-8"))
    findings = [finding for case in content["cases"] for finding in case["findings"]]
    rules = {level: sorted({f["rule"] for f in findings if f["level"] == level}) for level in ("MUST", "SHOULD")}
    if exit_code == 1 and rules["MUST"]:
        return Verdict(mutation, seed, RED, tuple(rules["MUST"]))
    if exit_code == 0:
        return Verdict(mutation, seed, SHOULD if rules["SHOULD"] else GREEN, tuple(rules["SHOULD"]))
    return Verdict(mutation, seed, UNJUDGED, (f"exit code {exit_code}: {content.get('stopped')}",))
