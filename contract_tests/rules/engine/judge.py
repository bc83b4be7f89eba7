"""Rules, findings and the judge: a rule is one clause of the contract, a pure function of exchanges.

A rule names its subjects in an exchange (`over`) and says what is wrong with one of them (its body). It
applies to an exchange with at least one subject. It is not reached if the exchange does not know what
the rule needs: a recorder dropped it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from inspect import signature
from itertools import chain
from typing import Any

from contract_tests.rules.engine.limits import IsLate, OutOfTime, budgeted, in_time
from contract_tests.rules.engine.node import Place, TooManyValues
from contract_tests.rules.engine.places import place_of
from contract_tests.rules.engine.view import View
from fake_server.relay.redact import shorten_masked
from fake_server.wire.exchange import Aspect, Exchange

MAX_COMPLAINTS = 3
"""A rule reports this many places per exchange: 5,000 broken chunks of a stream are one fault."""
MAX_TEXT = 2000
"""Characters of what was seen, and of what was expected: a target may send a name of megabytes."""


class Level(StrEnum):
    """How strong a clause is: clients break, clients expect it, good to know."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    NOTE = "NOTE"


MUST, SHOULD, NOTE = Level.MUST, Level.SHOULD, Level.NOTE

Complaint = tuple[Any, str] | tuple[Any, str, str] | tuple[Any, str, str, str]
"""(where, what was seen[, what was expected[, what goes wrong]]); where is a Node, Event, Payload, View or Place.

What goes wrong is the rule's harm, as clients were measured on the fixture that breaks it; a complaint that breaks
the rule in another way says what follows from that instead, or '' for the rule's.
"""


@dataclass(frozen=True)
class Rule:
    """One clause. `over(view)` yields subjects, `check(subject)` yields complaints.

    `generic` rules stay silent at a place where another rule reports; `yields_to` names rules whose
    finding anywhere in the exchange silences this one; of a relation also in an exchange of its case, for MUST
    rules. `harm` says what goes wrong for clients; `basis` why a
    rule is a MUST that no client was measured to break on: a text, or what the measurement does not exercise.
    """

    id: str
    level: Level
    clause: str
    see: str
    over: Callable[[Any], Iterable[Any]]
    check: Callable[[Any], Iterable[Complaint]]
    needs: frozenset[Aspect] = frozenset()
    expected: str = ""
    harm: str = ""
    basis: str = ""
    generic: bool = False
    yields_to: tuple[str, ...] = ()
    relation: bool = False

    @property
    def section(self) -> str:
        """The id without its last part."""
        return self.id.rpartition(".")[0]


@dataclass(frozen=True)
class Evidence:
    """What a finding was seen in: the request with its members as they are shown, and the bytes around the place.

    `at_place` is False where the finding is about the reply as a whole: `after` is then how the reply begins.
    """

    method: str
    target: str
    members: tuple[tuple[str, str], ...] = ()
    before: str = ""
    after: str = ""
    at_place: bool = False


@dataclass(frozen=True)
class Finding:
    """A rule's complaint at a place of one exchange.

    `where` is what a complaint of a relation points at, until `evidence` is made of it.
    """

    rule: Rule
    place: Place
    actual: str
    expected: str = ""
    label: str = ""
    own_harm: str = ""
    where: Any = field(default=None, compare=False, repr=False)
    evidence: Evidence | None = field(default=None, compare=False, repr=False)

    @property
    def harm(self) -> str:
        """What goes wrong for clients: the rule's, or that of this very complaint, on which no client was measured."""
        return self.own_harm or self.rule.harm


@dataclass(frozen=True)
class Judgement:
    """What the rules say of one exchange or trace. `applied`, `not_reached` and `left_out` hold ids of rules.

    Those `left_out` were not asked, or not to the end: the time for judging was up, or the reply holds too much.
    """

    findings: tuple[Finding, ...] = ()
    applied: frozenset[str] = frozenset()
    not_reached: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()

    def ids(self, *levels: Level) -> set[str]:
        """The ids of the rules that are broken, of these levels or of any."""
        return {finding.rule.id for finding in self.findings if not levels or finding.rule.level in levels}

    def of_rules(self, ids: frozenset[str]) -> Judgement:
        """What the rules with these ids said."""
        findings = tuple(finding for finding in self.findings if finding.rule.id in ids)
        return Judgement(findings, self.applied & ids, self.not_reached & ids, self.left_out & ids)


@dataclass
class Section:
    """Rules about one kind of exchange, or with `relation` about traces; `rule` registers one.

    `basis` is that of its MUST rules that give none of their own.
    """

    name: str
    title: str
    see: str
    relation: bool = False
    basis: str = ""
    rules: list[Rule] = field(default_factory=list)

    def citing(self, see: str) -> Section:
        """This section, with another page as the source of the rules that are registered through it."""
        return replace(self, see=see)

    def rule(
        self,
        name: str,
        *,
        over: Callable[[Any], Iterable[Any]],
        level: Level = MUST,
        needs: Iterable[Aspect] = (),
        see: str = "",
        clause: str = "",
        yields_to: Iterable[str] = (),
        basis: str = "",
        **options: Any,
    ) -> Callable[[Callable[..., Iterable[Complaint]]], Rule]:
        """Register the decorated function as rule `<section>.<name>`; the clause is its docstring.

        A name in `yields_to` that begins with a dot is a rule of this section.
        A function of several parameters is given the parts of a subject, which is then a tuple.
        """

        def register(check: Callable[..., Iterable[Complaint]]) -> Rule:
            takes_parts = len(signature(check).parameters) > 1
            rule = Rule(
                f"{self.name}.{name}",
                level,
                " ".join((clause or check.__doc__ or "").split()),
                see or self.see,
                over,
                (lambda subject: check(*subject)) if takes_parts else check,
                needs=frozenset(needs),
                yields_to=tuple(self.name + other if other.startswith(".") else other for other in yields_to),
                relation=self.relation,
                basis=basis or (self.basis if level is MUST else ""),
                **options,
            )
            self.rules.append(rule)
            return rule

        return register


def musts_of(section: Section) -> tuple[str, ...]:
    """The ids of the MUST rules that a section has by now."""
    return tuple(rule.id for rule in section.rules if rule.level is MUST)


def judge(rules: Iterable[Rule], exchange: Exchange | View, is_late: IsLate | None = None) -> Judgement:
    """What `rules` say of one exchange. Never raises for anything a target sent. Ends soon after `is_late` holds."""
    single = (rule for rule in rules if not rule.relation)
    with _without_garbage_collection():
        # no name here holds the View, so it is freed before the collector is back and walks through it
        return _judge_view(single, exchange if isinstance(exchange, View) else View(exchange), is_late)


def _judge_view(rules: Iterable[Rule], view: View, is_late: IsLate | None) -> Judgement:
    with budgeted(view):
        return _judge(rules, view, view.exchange.unknown, view.exchange.label, is_late)


def judge_relation(rules: Iterable[Rule], trace: Any, label: str, is_late: IsLate | None = None) -> Judgement:
    """What the relation rules say of a trace: several exchanges of one case."""
    with budgeted(*trace.roles.values()):
        relations = (rule for rule in rules if rule.relation)
        return _judge(relations, trace, frozenset(), label, is_late, trace.broken)


def _judge(
    rules: Iterable[Rule],
    subject: Any,
    unknown: frozenset[Aspect],
    label: str,
    is_late: IsLate | None = None,
    broken: frozenset[str] = frozenset(),
) -> Judgement:
    findings: list[Finding] = []
    applied, not_reached = set(), set()
    left_out: set[str] = set()
    for rule in rules:
        try:
            if is_late and is_late():
                raise OutOfTime
            subjects = iter(rule.over(subject))
            if is_late:
                subjects = in_time(subjects, is_late)
            first = next(subjects, _NOTHING)
            if first is _NOTHING:
                continue
            if rule.needs & unknown:
                not_reached.add(rule.id)
                continue
            findings.extend(_findings(rule, chain((first,), subjects), label))
            applied.add(rule.id)
        except (OutOfTime, TooManyValues):
            left_out.add(rule.id)
    return Judgement(
        tuple(_without_yielding(findings, broken)), frozenset(applied), frozenset(not_reached), frozenset(left_out)
    )


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Pause the garbage collector: what a View keeps lives as long as it does and has no cycles."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


_NOTHING = object()


def _findings(rule: Rule, subjects: Iterable[Any], label: str) -> Iterator[Finding]:
    count, check = 0, rule.check
    for subject in subjects:
        for fault in check(subject):
            if count == MAX_COMPLAINTS:
                return
            count += 1
            expected = fault[2] if len(fault) > 2 else rule.expected
            harm = fault[3] if len(fault) > 3 else ""
            where = fault[0] if rule.relation else None
            seen, expected = shorten_masked(fault[1], MAX_TEXT), shorten_masked(expected, MAX_TEXT)
            yield Finding(rule, place_of(fault[0]), seen, expected, label, harm, where)


def _without_yielding(findings: list[Finding], also: frozenset[str]) -> Iterator[Finding]:
    """The findings less those that yield: generic ones at a named one's place, declared ones to these and `also`."""
    broken = also.union(finding.rule.id for finding in findings)
    named = [finding.place for finding in findings if not finding.rule.generic and finding.rule.level is not NOTE]
    for finding in findings:
        if broken.intersection(finding.rule.yields_to):
            continue
        if finding.rule.generic and any(_covers(place, finding.place) for place in named):
            continue
        yield finding


def _covers(named: Place, generic: Place) -> bool:
    return named.event == generic.event and named.path == generic.path[: len(named.path)] and bool(named.path)
