"""What the rules say of a probe, from a live run or from saved pairs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from contract_tests.rules.engine.judge import Level
from contract_tests.rules.evidence import with_evidence
from contract_tests.run.outcome import CaseResult, Outcome, RunReport
from contract_tests.sandwich.pair import Pair
from contract_tests.sandwich.probe import Probe
from contract_tests.sandwich.probes import probes
from contract_tests.sandwich.rules.catalogue import judge_pair
from contract_tests.target.environment import keys_of_environment
from contract_tests.target.errors import UsageError
from fake_server.relay.saving import to_file_name
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange

_BEHIND = re.compile(r"(.+)-upstream-(\d{1,6})")
"""What the file of an exchange with the upstream is called, beside that of the caller's."""


def judge_probe(probe: Probe, pair: Pair, secrets: Sequence[str]) -> CaseResult:
    """The result of a probe of which both sides are known; it quotes none of the `secrets`."""
    judgement = judge_pair(pair)
    findings = with_evidence(judgement.findings, [pair.caller], (*secrets, *keys_of_environment()))
    levels = {found.rule.level for found in findings}
    outcome = Outcome.FAIL if Level.MUST in levels else Outcome.WARN if Level.SHOULD in levels else Outcome.PASS
    return CaseResult(
        probe.id,
        probe.section,
        probe.title,
        outcome,
        findings,
        (pair.front, *pair.upstream),
        judgement.applied,
        judgement.not_reached,
    )


def judge_saved(folder: Path, retries: int = 0) -> RunReport:
    """Judge the pairs that `--record` saved in a folder. Raises UsageError where there are none."""
    results = [judge_probe(probe, pair, ()) for probe, pair in _saved(folder, retries)]
    if not results:
        raise UsageError(f"--pairs {folder}: there are no pairs in it; `contract sandwich --record DIR` saves them")
    applied = Counter(rule for result in results for rule in result.applied)
    return RunReport(str(folder), "", tuple(results), applied=applied)


def _saved(folder: Path, retries: int) -> Iterator[tuple[Probe, Pair]]:
    try:
        paths = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
        behind: dict[str, dict[int, Exchange]] = {}
        for stem, path in paths.items():
            if match := _BEHIND.fullmatch(stem):
                behind.setdefault(match[1], {})[int(match[2])] = fixture.load(path).exchange
        for probe in probes():
            name = to_file_name(probe.id)
            if name in paths:
                upstream = tuple(each for _, each in sorted(behind.get(name, {}).items()))
                yield probe, Pair(probe.id, fixture.load(paths[name]).exchange, upstream, probe.member, retries)
    except (fixture.FixtureError, OSError) as error:
        raise UsageError(f"--pairs: {error}") from error
