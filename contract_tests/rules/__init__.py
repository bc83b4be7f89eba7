"""The contract: every rule, one file per section, and the judge that applies them."""

from __future__ import annotations

from contract_tests.rules.catalogue import RULES, find, judge, judge_trace

__all__ = ["RULES", "find", "judge", "judge_trace"]
