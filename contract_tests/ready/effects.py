"""What a finding does to a client: what was measured on the rule it breaks, in the form in which it breaks it."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum

from contract_tests.ready.seen import ANY_FORM, SeenClient, Verdicts
from contract_tests.report.breakage import NO_ERROR, NOT_ASKED, load_table
from contract_tests.rules.engine.judge import Finding, Level

IF_USAGE_IS_READ = ", where usage is read"
"""What a verdict ends with where the client is fine, and an application that reads the details of usage is not."""
_ANSWER = frozenset(
    ("text", "refusal", "calls", "invalid calls", "function_call", "arguments", "name", "finish", "parsed", "events")
)
"""What an application acts on. Other members (ids, times, usage, annotations, log probabilities) are not the answer."""
_BROKEN = ("raises ", "hangs", "empty", "short", NO_ERROR)
_VALUE = re.compile(r'"[^"]*"|\'[^\']*\'|\b\w*\d\w*\b')
_CONTENT = re.compile(r"[\[{](?=.).*", re.DOTALL)
_NOTHING = ("''", '""')
_LONGEST_FORM = 120


class Effect(StrEnum):
    """What a verdict means for the question whether a target carries the client."""

    STOPS = "stops"
    SURVIVED = "survived"
    NOT_MEASURED = "not measured"


def form_of(finding: Finding) -> str:
    """The form in which a rule is broken: where, and what was seen there, less indices, values and numbers."""
    path = ".".join(step for step in finding.place.path if isinstance(step, str)).removeprefix("response.")
    instead = " instead of nothing" if finding.expected.startswith(_NOTHING) else ""
    return f"{path}: {_VALUE.sub('…', _CONTENT.sub('…', finding.actual))}"[:_LONGEST_FORM] + instead


def effect_of(verdict: str, level: Level = Level.MUST, also: Collection[str] = ()) -> Effect:
    """Whether a verdict of the measured table stops a client: it raises, hangs, or has no answer or another one.

    Another answer than is right stops it only where a MUST rule is broken, and a NOTE never does; `also` names
    members that are part of the answer for this client.
    """
    if verdict == NOT_ASKED or not verdict:
        return Effect.NOT_MEASURED
    if verdict.endswith(IF_USAGE_IS_READ) or level is Level.NOTE:
        return Effect.SURVIVED
    if verdict.startswith(_BROKEN):
        return Effect.STOPS
    if level is not Level.MUST:
        return Effect.SURVIVED
    _, _, members = verdict.partition("wrong: ")
    wrong = {member.removeprefix("final ") for member in members.split(", ")}
    return Effect.STOPS if wrong & _ANSWER.union(also) or "final response" in members else Effect.SURVIVED


def verdicts_on(finding: Finding, client: SeenClient) -> Verdicts:
    """What became of the client and its helpers: on this form of the rule, else on the form that the table has."""
    measured = load_table().of_rule(finding.rule.id)
    forms = client.forms.get(finding.rule.id, {})
    row = forms.get(form_of(finding)) or forms.get(ANY_FORM) or {}
    return {column: row.get(column) or measured.get(column, NOT_ASKED) for column in client.columns}


def effect_on(verdicts: Verdicts, level: Level = Level.MUST, also: Collection[str] = ()) -> Effect:
    """The worst of what became of a client and its helpers."""
    effects = {effect_of(verdict, level, also) for verdict in verdicts.values()}
    return next((effect for effect in Effect if effect in effects), Effect.NOT_MEASURED)
