"""One side answers and the other refuses: that is one difference, for an answer and an error have nothing in common."""

from __future__ import annotations

from contract_tests.diffing.difference import Difference, Kind, Side
from contract_tests.diffing.verdicts import Role, Verdict
from contract_tests.rules import judge
from contract_tests.rules.engine.judge import Level
from contract_tests.rules.engine.refused import describe_refusal

THE_ANSWER = "the answer"
ACCEPTED = "relations.accepted"
"""The rule that a refusal breaks, unless the answer breaks one that asks for a refusal."""


def one_refuses(a: Side, b: Side) -> bool:
    """Whether one side answers what the other refuses; a reply that never came is neither."""
    return bool(a.view.status and b.view.status) and a.view.ok is not b.view.ok


def compare_answers(a: Side, b: Side) -> Difference:
    """The difference between an answer and a refusal, with the rule that one of the two breaks."""
    answering, refusing, verdict = (a, b, Verdict.B_REFUSES) if a.view.ok else (b, a, Verdict.A_REFUSES)
    if answering.role is not Role.OTHER and refusing.role is Role.OTHER:
        verdict = Verdict.DRIFTED
    return Difference(Kind.SHAPE, THE_ANSWER, _describe(a), _describe(b), verdict, _broken_rule(answering))


def _describe(side: Side) -> str:
    view = side.view
    return "an answer" if view.ok else f"refused with {view.status}: {describe_refusal(view)}".rstrip(": ")


def _broken_rule(answering: Side) -> str:
    """A rule that the request was to be refused by, where the answer breaks one."""
    for finding in judge(answering.view).findings:
        if finding.expected.startswith("status 4") and finding.rule.level is not Level.NOTE:
            return finding.rule.id
    return ACCEPTED
