"""`python -m contract_tests.lab.behaviour`: which behaviours the contract judges red, and other judges too."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from contract_tests.lab.behaviour.catalogue import Mutation, mutations
from contract_tests.lab.behaviour.judging import Verdict, judge_by_contract
from contract_tests.lab.behaviour.others import OtherJudge
from contract_tests.lab.behaviour.page import Score, write_scores
from contract_tests.lab.outside.judges import JUDGES
from contract_tests.lab.tools.checkout import ROOT
from contract_tests.lab.tools.environments import NotInstalled
from contract_tests.lab.tools.processes import ProcessFailed, ending_on_sigterm

REPORTS = ROOT / ".cache" / "behaviour"
INTERRUPTED = 130
LEAST_CAUGHT = 0.95
MOST_REASONS = 6
CONTRACT = "this kit"


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the mutations and return the exit code.

    0 where the contract finds at least 95 % of the illegal ones red and nothing that fails in the legal ones,
    else 1; 2 for wrong usage, 130 when interrupted.
    """
    known = mutations()
    parser = _parser(list(known))
    options = parser.parse_args(argv)
    chosen = [known[name] for name in options.only or known]
    if options.write and (options.only or not options.judges):
        parser.error("--write needs the scores of all mutations and judges: --judges, without --only")
    if options.list:
        for mutation in chosen:
            print(f"{_kind(mutation):<7}  {mutation.name}\n    {mutation.does}")
        return 0
    REPORTS.mkdir(parents=True, exist_ok=True)
    seeds = range(1, options.seeds + 1)
    try:
        with ending_on_sigterm():
            scores = [judge_all(CONTRACT, chosen, seeds, options.jobs, partial(judge_by_contract, reports=REPORTS))]
            if options.judges:
                scores += ask_others(chosen, seeds[: options.judge_seeds], options.jobs)
    except KeyboardInterrupt:
        print("behaviour: interrupted", file=sys.stderr)
        return INTERRUPTED
    for score in scores:
        print(score)
    if options.write:
        write_scores(scores)
    ours = scores[0]
    is_bad = ours.share(may=False) < LEAST_CAUGHT or ours.share(may=True) > 0
    print(f"{'FAIL' if is_bad else 'PASS'}  (exit code {int(is_bad)}); reports in {REPORTS.relative_to(ROOT)}")
    return int(is_bad)


def _parser(names: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m contract_tests.lab.behaviour", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="judge each with the seeds 1 to N")
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help="judge only this one")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="judge so many at the same time")
    parser.add_argument("--judges", action="store_true", help="ask the outside judges too")
    parser.add_argument("--judge-seeds", type=int, default=1, metavar="N", help="ask those with the first N seeds")
    parser.add_argument("--write", action="store_true", help="save the scores in README.md of this folder")
    parser.add_argument("--list", action="store_true", help="say what each mutation does, and judge none")
    return parser


def ask_others(chosen: Sequence[Mutation], seeds: Sequence[int], jobs: int) -> list[Score]:
    """The scores of the outside judges of chat that can be installed here."""
    scores = []
    for judge in (judge for judge in JUDGES if not judge.package):
        try:
            other = OtherJudge(judge, judge.install(judge), REPORTS)
            print(f"\n{judge.name} usually denies: {', '.join(sorted(other.usual)) or 'nothing'}")
        except (NotInstalled, ProcessFailed, ValueError) as error:
            print(f"behaviour: {judge.name} is not asked: {error}", file=sys.stderr)
            continue
        scores.append(judge_all(f"{judge.name} {judge.version}", chosen, seeds, jobs, other.verdict))
    return scores


def judge_all(
    name: str,
    chosen: Sequence[Mutation],
    seeds: Sequence[int],
    jobs: int,
    judge: Callable[[Mutation, int], Verdict],
) -> Score:
    """The score of a judge on each mutation with each seed; prints each verdict as soon as it is there."""
    tasks = [(mutation, seed) for mutation in chosen for seed in seeds]
    verdicts = []
    with ThreadPoolExecutor(jobs) as threads:
        try:
            for verdict in threads.map(judge, *zip(*tasks, strict=True)):
                verdicts.append(verdict)
                print_verdict(verdict)
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    return Score(name, tuple(verdicts))


def print_verdict(verdict: Verdict) -> None:
    """One line: `!` if the verdict is wrong, the mutation, the seed, the color, and the first reasons."""
    mark = " " if verdict.is_right else "!"
    more = len(verdict.reasons) - MOST_REASONS
    reasons = ", ".join(verdict.reasons[:MOST_REASONS]) + (f" and {more} more" if more > 0 else "")
    words = (f"{_kind(verdict.mutation):<7}", f"{verdict.mutation.name:<34}", f"seed {verdict.seed}")
    print(mark, *words, f"{verdict.color:<10}", reasons, flush=True)


def _kind(mutation: Mutation) -> str:
    return "legal" if mutation.may else "illegal"


if __name__ == "__main__":
    sys.exit(main())
