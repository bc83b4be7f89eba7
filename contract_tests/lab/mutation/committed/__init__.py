"""Mutants: committed exchanges and the fake's own replies with one thing changed, to score the rules."""

from __future__ import annotations

from contract_tests.lab.mutation.committed.mutant import Mutant
from contract_tests.lab.mutation.committed.score import Score, Tally

__all__ = ["Mutant", "Score", "Tally"]
