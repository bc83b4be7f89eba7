"""Decides who is responsible for a difference of shape, by what the official SDK's types declare.

The types have an opinion of each side's form: KNOWN (declared), LEFT OUT (absent, which is allowed),
UNKNOWN (an undeclared member), WRONG (not as declared, or absent though required). Below, `ok` is KNOWN or
LEFT OUT, and `not` is UNKNOWN or WRONG. The first row that matches decides:

    #   one side   its form    other side   its form    verdict
    1   any        no type     any          any         the SDK has no type for this
    2   genuine    not         any          any         the SDK is behind
    3   fake       LEFT OUT    genuine      KNOWN       the fake is outdated
    4   fake       UNKNOWN     any          any         undecided: only the fake has it
    5   fake       WRONG       any          ok          the fake is outdated
    6   fake       ok          other        not         the proxy drifted
    7   genuine    ok          other        not         the proxy drifted
    8   any        ok          any          ok          both are allowed
    9   any        not         any          not         undecided: the SDK knows neither
    10  any        ok          any          not         the SDK knows A's form only, or B's

Genuine is a reply of api.openai.com; other is a proxy, or a recording that does not say who sent it, so row
10 names the side. In row 2 the wire is right and the types are out of date. Row 3 counts against the fake
because the API sends the member; a proxy that sends an additional optional member falls to row 8. Row 4 is
open: the fake made the member up, or the member is newer than the types.

Where one side answers and the other refuses, no forms are compared (`answers.py`): the verdict names the side that
refuses, or says that the proxy drifted where the fake or api.openai.com answers what it refuses.
"""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """Who sent a side's reply."""

    FAKE = "the fake"
    GENUINE = "api.openai.com"
    OTHER = "other"


class Opinion(StrEnum):
    """The SDK types' opinion of one side's form, from best to worst."""

    KNOWN = "known"
    LEFT_OUT = "left out"
    UNKNOWN = "unknown"
    WRONG = "wrong"


class Verdict(StrEnum):
    """Who should change, if anyone."""

    DRIFTED = "the proxy drifted"
    OUTDATED = "the fake is outdated"
    BEHIND = "the SDK is behind"
    ALLOWED = "both are allowed"
    A_KNOWN = "the SDK knows A's form only"
    B_KNOWN = "the SDK knows B's form only"
    NEITHER = "the SDK knows neither"
    ONLY_FAKE = "only the fake has it"
    UNTYPED = "the SDK has no type for this"
    A_REFUSES = "A refuses what B answers"
    B_REFUSES = "B refuses what A answers"


_OK = (Opinion.KNOWN, Opinion.LEFT_OUT)


def decide(a: Role, of_a: Opinion | None, b: Role, of_b: Opinion | None) -> Verdict:
    """The verdict according to the table above; an opinion is None if there is no type."""
    if of_a is None or of_b is None:
        return Verdict.UNTYPED
    sides = ((a, of_a, b, of_b), (b, of_b, a, of_a))
    for role, opinion, _, _ in sides:
        if role is Role.GENUINE and opinion not in _OK:
            return Verdict.BEHIND
    for role, opinion, other, others in sides:
        if role is not Role.FAKE or other is Role.FAKE:
            continue
        if other is Role.GENUINE and (opinion, others) == (Opinion.LEFT_OUT, Opinion.KNOWN):
            return Verdict.OUTDATED
        if opinion is Opinion.UNKNOWN:
            return Verdict.ONLY_FAKE if others in _OK else Verdict.NEITHER
        if opinion is Opinion.WRONG and others in _OK:
            return Verdict.OUTDATED
    for role, opinion, other, others in sides:
        if role in (Role.FAKE, Role.GENUINE) and other is Role.OTHER and opinion in _OK and others not in _OK:
            return Verdict.DRIFTED
    if of_a in _OK and of_b in _OK:
        return Verdict.ALLOWED
    if of_a in _OK:
        return Verdict.A_KNOWN
    return Verdict.B_KNOWN if of_b in _OK else Verdict.NEITHER
