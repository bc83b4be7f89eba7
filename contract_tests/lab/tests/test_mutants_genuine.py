"""The rules notice what is broken in genuine recordings, and only what no recording shows is broken."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from contract_tests.lab.mutation import page
from contract_tests.lab.mutation.corpora.genuine import OPERATORS, RECORDINGS, GenuineCorpus
from contract_tests.lab.mutation.mutant import Mutant
from contract_tests.lab.mutation.reply import read_reply
from contract_tests.lab.mutation.score import Score
from contract_tests.lab.tools.checkout import SHARED
from contract_tests.recordings.reading import read

pytestmark = pytest.mark.slow

COUNT = 1000


@pytest.fixture(scope="module")
def corpus() -> GenuineCorpus:
    path: Path = SHARED / RECORDINGS
    if not path.is_file():
        pytest.skip("needs the shared recordings: set OPENAI_CONTRACT_SHARED to the folder that holds them")
    return GenuineCorpus(read(path))


@pytest.fixture(scope="module")
def mutants(corpus: GenuineCorpus) -> list[Mutant]:
    return list(corpus.draw(seed=1, count=COUNT))


def test_every_operator_takes_its_turn(mutants: list[Mutant]) -> None:
    made = Counter(mutant.operator for mutant in mutants)
    assert len(mutants) == COUNT
    without = [name for _, name in OPERATORS if not made[name]]
    assert without == ["text-drop-item", "text-reorder"]  # no schema of a recording is about such lists


def test_every_form_of_reply_is_broken(mutants: list[Mutant]) -> None:
    forms = {read_reply(mutant.original).form for mutant in mutants}
    streams = {"chat.stream", "completions.stream", "responses.stream"}
    of_responses = {"responses", "response", "response compacted", "response items", "response tokens", "conversations"}
    others = {"chat", "completions", "embeddings", "errors", "models", "model", "moderations"}
    assert forms == streams | of_responses | others


def test_a_mutant_changes_its_recording_and_is_drawn_once(mutants: list[Mutant]) -> None:
    assert all(mutant.exchange != mutant.original for mutant in mutants)
    places = {(mutant.original.label, mutant.operator, mutant.where, mutant.after) for mutant in mutants}
    assert len(places) == len(mutants)


def test_no_mutant_is_a_form_that_genuine_recordings_have(corpus: GenuineCorpus, mutants: list[Mutant]) -> None:
    """Values, bytes and the number of items aside, which no form describes."""
    shaped = [
        mutant
        for mutant in mutants
        if mutant.operator.partition("-")[0] in ("retype", "drop", "null", "move") and mutant.operator != "drop-item"
    ]
    assert [mutant for mutant in shaped if corpus.is_genuine(mutant.exchange)] == []


def test_genuine_recordings_are_known_as_genuine(corpus: GenuineCorpus) -> None:
    exchanges = [reply.exchange for reply in corpus.replies]
    assert [exchange.label for exchange in exchanges if not corpus.is_genuine(exchange)] == []


def test_the_same_seed_draws_the_same_mutants(corpus: GenuineCorpus, mutants: list[Mutant]) -> None:
    again = list(corpus.draw(seed=1, count=200))
    assert [(mutant.key, mutant.after, mutant.exchange) for mutant in again] == [
        (mutant.key, mutant.after, mutant.exchange) for mutant in mutants[:200]
    ]
    other = list(corpus.draw(seed=2, count=200))
    assert [mutant.where for mutant in other] != [mutant.where for mutant in again]


def test_the_rules_notice_at_least_98_of_100_mutants(mutants: list[Mutant]) -> None:
    score = Score()
    score.judge(mutants)
    assert score.crashes == []
    assert score.total.adjusted >= 0.98, "\n".join(page.survivors(score))
