"""`python -m contract_tests.mutants`: change exchanges by seed, say what share of it the rules notice."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from contract_tests.mutants.corpus import Corpus, collect
from contract_tests.mutants.events import of_events, of_whole
from contract_tests.mutants.members import of_members
from contract_tests.mutants.message import of_message
from contract_tests.mutants.mutant import Mutant
from contract_tests.mutants.score import Score, sample


def mutants_of(corpus: Corpus, seed: int) -> Iterator[Mutant]:
    for source in corpus.sources:
        for operators in (of_members, of_events, of_whole, of_message):
            yield from operators(source, seed)
    yield from corpus.unasked


@click.command()
@click.option("--seed", default=1)
@click.option("--most", default=600)
@click.option("--draws", default=3)
@click.option("--examples", default=2)
def main(seed: int, most: int, draws: int, examples: int) -> None:
    import time

    t = time.time()
    corpus = collect(seed, draws)
    print(f"collected {time.time() - t:.1f}", len(corpus.sources), len(corpus.unasked), len(corpus.planted))
    score = Score()
    from collections import Counter

    n = Counter()

    def counted(it):
        for one in it:
            n[one.section] += 1
            yield one

    drawn = sample(counted(mutants_of(corpus, seed)), seed, most)
    print(f"drawn {time.time() - t:.1f}", len(drawn), n)
    score.judge(drawn)
    score.add(corpus.planted)
    print(f"judged {time.time() - t:.1f}")
    for name, tally in score.sections.items():
        print(
            f"{name:20} {tally.made:6} {tally.killed:6} {tally.equivalent:5} {tally.raw:7.1%} {tally.adjusted:7.1%}"
        )
    print("total", score.total, score.total.raw, score.total.adjusted)
    for key, shown in sorted(score.survivors.items(), key=lambda kv: (kv[0][0], -len(kv[1]))):
        print(len(shown), *key)
        for s in shown[:examples]:
            print("      ", s[:200])
    print("\n".join(score.complaints))
    print("\n".join(score.crashes))


if __name__ == "__main__":
    main()
