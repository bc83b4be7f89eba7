"""The rules see: seeded defects in genuine recordings are flagged."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from contract_tests.lab.mutation.genuine import OPERATORS, Corpus, Defect, generate
from contract_tests.lab.mutation.genuine.__main__ import shared_recordings
from contract_tests.lab.mutation.genuine.measure import Measure
from contract_tests.lab.mutation.genuine.reading import CHUNKS
from contract_tests.recordings.reading import read

COUNT = 1000


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    path: Path = shared_recordings()
    if not path.is_file():
        pytest.skip("needs the shared recordings: set OPENAI_CONTRACT_SHARED to the folder that holds them")
    return Corpus(read(path))


@pytest.fixture(scope="module")
def defects(corpus: Corpus) -> list[Defect]:
    return list(generate(corpus, seed=1, count=COUNT))


def test_every_operator_takes_its_turn(defects: list[Defect]) -> None:
    made = Counter(one.operator for one in defects)
    assert len(defects) == COUNT
    assert [name for name in OPERATORS if not made[name]] == []


def test_every_form_of_reply_is_broken(defects: list[Defect]) -> None:
    forms = {one.form.partition(":")[0] for one in defects}
    assert forms == {*CHUNKS, *CHUNKS.values(), "embeddings", "error", "models", "model"}


def test_a_defect_changes_its_recording_and_is_drawn_once(defects: list[Defect]) -> None:
    assert all(one.exchange != one.original for one in defects)
    assert len({(one.recording_id, one.operator, one.where, one.after) for one in defects}) == len(defects)


def test_no_defect_is_a_form_that_genuine_recordings_have(corpus: Corpus, defects: list[Defect]) -> None:
    """Values and bytes aside, which no form describes."""
    shaped = [one for one in defects if one.operator.partition("-")[0] in ("retype", "drop", "null", "move")]
    assert [one for one in shaped if corpus.genuine(one.exchange)] == []


def test_genuine_recordings_are_known_as_genuine(corpus: Corpus) -> None:
    assert [one.exchange.label for one in corpus.replies if not corpus.genuine(one.exchange)] == []


def test_the_same_seed_draws_the_same_defects(corpus: Corpus, defects: list[Defect]) -> None:
    again = list(generate(corpus, seed=1, count=200))
    assert [(one.recording_id, one.where, one.after, one.exchange) for one in again] == [
        (one.recording_id, one.where, one.after, one.exchange) for one in defects[:200]
    ]
    other = list(generate(corpus, seed=2, count=200))
    assert [one.where for one in other] != [one.where for one in again]


def test_the_rules_flag_at_least_98_of_100_defects(defects: list[Defect]) -> None:
    measure = Measure()
    for _ in measure.take(defects):
        pass
    missed = [f"{one.operator} {one.recording_id} {one.where}: {one.after}" for one in measure.survivors]
    assert measure.share >= 0.98, "\n".join(missed)
