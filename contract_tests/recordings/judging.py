"""Judges recordings offline, adds up what the rules say of them, and applies tolerances to the findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from time import monotonic
from typing import Any

from contract_tests.recordings.reading import read
from contract_tests.recordings.recording import InputError, Recording
from contract_tests.recordings.tally import Tally
from contract_tests.rules import RULES, find, judge
from contract_tests.rules.engine.judge import Finding, Judgement, Level
from contract_tests.rules.engine.view import View
from contract_tests.rules.evidence import with_evidence
from contract_tests.rules.outline import Room, outline
from contract_tests.target.environment import keys_of_environment
from contract_tests.tolerance.entry import Ledger, ToleranceEntry, Tolerated, make_ledger, split_tolerated
from fake_server.relay.redact import excerpts_without
from fake_server.wire.exchange import Exchange
from fake_server.wire.proof import differences
from fake_server.wire.text import did_you_mean, format_count

__all__ = ["InputError", "Summary", "judge_files", "judge_recordings", "tolerate_in_recordings"]


SECONDS = 60.0
"""How long one exchange is judged: who made the recording chose how much is in it."""


@dataclass
class Summary:
    """The sum of many judgements. Counters hold exchanges, by rule id or by endpoint.

    `surprises` names the fixtures whose declared `breaks` are not what was found, and those whose head and
    body contradict each other; `unjudged` counts the exchanges to which no (selected) rule about their content applied,
    `failing` those others with a MUST finding, be it tolerated or not.
    `cut_short` counts the exchanges that not all rules judged: there was too much in them. `selected` holds the ids
    of the rules that were selected, none if all were; `selected_by` says in words of the command line what selected
    rules or exchanges, and `left_out` counts the exchanges that were not judged for it; `judged` are the labels of
    those that were. `outlines` are the exchanges with findings, as reports show them, as far as there is `room`;
    `origins` the file and line of each, by label.
    """

    exchanges: int = 0
    findings: list[Finding] = field(default_factory=list)
    applied: Counter[str] = field(default_factory=Counter)
    not_reached: Counter[str] = field(default_factory=Counter)
    flagged: Counter[str] = field(default_factory=Counter)
    per_endpoint: Counter[str] = field(default_factory=Counter)
    unjudged: Counter[str] = field(default_factory=Counter)
    failing: Counter[str] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)
    origins: dict[str, tuple[str, int]] = field(default_factory=dict)
    cut_short: int = 0
    selected: frozenset[str] = frozenset()
    selected_by: tuple[str, ...] = ()
    left_out: Counter[str] = field(default_factory=Counter)
    judged: dict[str, None] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default_factory=keys_of_environment, repr=False)
    providers: Tally = field(default_factory=Tally)
    outlines: list[dict[str, Any]] = field(default_factory=list)
    room: Room = field(default_factory=Room)

    @property
    def never_applied(self) -> list[str]:
        """Selected rules over single exchanges that applied to none of them."""
        rules = [rule for rule in RULES.values() if not self.selected or rule.id in self.selected]
        return [rule.id for rule in rules if not rule.relation and not self.applied[rule.id]]

    def count(self, level: Level) -> int:
        """How many findings of this level there are."""
        return sum(finding.rule.level is level for finding in self.findings)


def judge_files(paths: Iterable[Path | str], select: Iterable[str] = ()) -> Summary:
    """Judge every recording of the files and folders. Raises InputError.

    `select` keeps the rules with these ids or prefixes.
    """
    return judge_recordings((recording for path in paths for recording in read(Path(path))), select)


def judge_recordings(recordings: Iterable[Recording], select: Iterable[str] = ()) -> Summary:
    """Judge recordings, one after the other."""
    chosen = _chosen(select)
    summary = Summary(selected=chosen)
    with excerpts_without(lambda: summary.secrets):
        for recording in recordings:
            _add(summary, recording, chosen)
    return summary


def _chosen(select: Iterable[str]) -> frozenset[str]:
    chosen: set[str] = set()
    for prefix in select:
        rules = find(prefix)
        if not rules:
            known = {*RULES, *(rule.section for rule in RULES.values())}
            hint = did_you_mean(prefix, known, "`contract rules` lists them", 3)
            raise InputError(f"no rule is called {prefix!r} and none lies below it; {hint}")
        chosen.update(rule.id for rule in rules)
    return frozenset(chosen)


def _add(summary: Summary, recording: Recording, chosen: frozenset[str]) -> None:
    view, deadline = View(recording.exchange), monotonic() + SECONDS
    everything = judge(view, lambda: monotonic() > deadline)
    judgement = everything.of_rules(chosen) if chosen else everything
    endpoint = name_endpoint(recording)
    summary.exchanges += 1
    summary.judged[recording.exchange.label] = None
    summary.per_endpoint[endpoint] += 1
    if judgement.findings:
        summary.origins.setdefault(recording.exchange.label, (recording.file, recording.line))
    summary.findings.extend(with_evidence(judgement.findings, (view,), summary.secrets))
    if judgement.findings:
        texts = summary.room.wants_texts(judgement.ids())
        shown = outline(recording.exchange, summary.room, summary.secrets, texts=texts)
        summary.outlines += [shown] if shown else []
    summary.providers.add(recording.provider, judgement)
    summary.applied.update(judgement.applied)
    summary.not_reached.update(judgement.not_reached)
    summary.flagged.update(judgement.ids())
    # of the rules that someone selected, any that applied has judged what was wanted
    if not any(chosen or _is_about_content(rule_id, recording.exchange) for rule_id in judgement.applied):
        summary.unjudged[endpoint] += 1
    elif judgement.ids(Level.MUST):
        summary.failing[endpoint] += 1
    if judgement.left_out:
        summary.cut_short += 1
        why = (
            f"not judged by {format_count(len(judgement.left_out), 'rule')}: too many values, or {SECONDS:g} s were up"
        )
        summary.surprises.append(f"{recording.exchange.label}: {why}")
    summary.surprises.extend(_surprises(recording, None if chosen or everything.left_out else everything))


def name_endpoint(recording: Recording) -> str:
    """What reports call the endpoint: to delete is another operation than to read what the path names."""
    return f"{'DELETE ' * (recording.exchange.request.method == 'DELETE')}{recording.endpoint}"


def _is_about_content(rule_id: str, exchange: Exchange) -> bool:
    """Whether a rule that applied judged what the exchange is about.

    Rules of http and sse apply to any reply, and those of errors to any success ("this is no error"): an
    endpoint that no other rule knows is not judged by them.
    """
    section = rule_id.partition(".")[0]
    if section == "errors":
        return exchange.status is not None and exchange.status >= 400
    return section not in ("http", "sse")


def _surprises(recording: Recording, judgement: Judgement | None) -> Iterator[str]:
    """Where a fixture contradicts itself, or the judgement by all rules contradicts what it declares."""
    if recording.breaks is None:
        return
    label = recording.exchange.label
    if contradictions := differences(recording.exchange):
        yield f"{label}: contradicts itself: {'; '.join(contradictions)}"
    notes = judgement.ids(Level.NOTE) - set(recording.breaks) if judgement else set()  # worth knowing, no departure
    if judgement and judgement.ids() - notes != set(recording.breaks):
        declared, broken = (", ".join(sorted(ids)) for ids in (recording.breaks, judgement.ids() - notes))
        yield f"{label}: declares {declared or 'nothing'}, breaks {broken or 'nothing'}"


def tolerate_in_recordings(
    summary: Summary, entries: Sequence[ToleranceEntry], today: date, labels: Iterable[str]
) -> tuple[tuple[Finding, ...], tuple[Tolerated, ...], Ledger]:
    """The findings that count, those that are tolerated, and the ledger.

    `labels` names the recordings that were judged.
    """
    judged = tuple(labels)

    def looked(entry: ToleranceEntry) -> bool:
        selected = not summary.selected or entry.rule in summary.selected
        return selected and any(entry.may_be_in(label) for label in judged)

    ledger = make_ledger(summary.findings, entries, today, looked)
    return *split_tolerated(summary.findings, entries, today), ledger
