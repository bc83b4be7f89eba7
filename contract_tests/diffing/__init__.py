"""Compares two recordings, two reports, or the fake and a live target, and says who should change."""

from contract_tests.diffing.compare import compare
from contract_tests.diffing.difference import Comparison, Difference, Kind, Role, Side
from contract_tests.diffing.verdicts import Verdict

__all__ = ["Comparison", "Difference", "Kind", "Role", "Side", "Verdict", "compare"]
