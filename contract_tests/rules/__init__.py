"""The contract: every rule, a file or a folder per section, and the judge that applies them."""

from __future__ import annotations

from contract_tests.rules.catalogue import RULES, find, judge, judge_trace
from contract_tests.rules.judged import Judged

__all__ = ["RULES", "Judged", "find", "judge", "judge_trace"]
