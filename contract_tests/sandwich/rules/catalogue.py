"""All rules about pairs, in the order of reports, and the judge."""

from __future__ import annotations

from contract_tests.rules.engine.judge import Judgement, Rule, judge_relation
from contract_tests.rules.engine.limits import IsLate
from contract_tests.sandwich.pair import Pair
from contract_tests.sandwich.rules.failure import failure
from contract_tests.sandwich.rules.flow import flow
from contract_tests.sandwich.rules.reply import reply
from contract_tests.sandwich.rules.request import request

RULES: dict[str, Rule] = {rule.id: rule for section in (request, reply, flow, failure) for rule in section.rules}
"""Every rule by its id."""


def judge_pair(pair: Pair, is_late: IsLate | None = None) -> Judgement:
    """What all rules say of a pair. Never raises for anything that a proxy sent."""
    return judge_relation(RULES.values(), pair, pair.case, is_late)
