"""Seeded defects: genuine recordings with one thing broken, to measure whether the rules can see."""

from __future__ import annotations

from contract_tests.lab.mutation.genuine.corpus import Corpus, Defect, Recorded
from contract_tests.lab.mutation.genuine.generate import OPERATORS, generate

__all__ = ["OPERATORS", "Corpus", "Defect", "Recorded", "generate"]
