"""The two numbers of a report, which are never mixed, in all, by tier and by section.

*Coverage* is how much of what was asked is there. Of a run: the cases that were reached (pass, warn or fail), of all
that were asked. What is unsupported, not reached, could not be set up, or failed in the kit lowers it. Of recordings:
the exchanges whose content a rule judged, of all.

*Conformance* is how right that is. Of a run: the reached cases without a MUST finding, of those that were reached. Of
recordings: the judged exchanges without one, of those that were judged. So what is not there lowers coverage alone. A
MUST finding that is tolerated counts as well: whether it fails the run, the verdict says.

The tier `chat` is what the profile `chat-only` asks, `other` the rest. The sections of recordings are their endpoints;
reports of older kits do not say how many of an endpoint's exchanges fail, so that their conformance is of nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Literal

from contract_tests.report.document import (
    RUN,
    CaseIn,
    Document,
    FindingIn,
    Judgement,
    LevelCount,
    Numbers,
    SectionNumbers,
    Share,
    Summary,
    findings_in,
    tolerated_in,
)
from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import REACHED, Outcome
from contract_tests.target.options import below
from contract_tests.tolerance.file import load_profile

CHAT, OTHER = TIERS = ("chat", "other")
CHAT_ENDPOINT = "chat/completions"


def summarize(document: Document) -> Summary:
    """The numbers of a document."""
    sections = _sections(document)
    tiers = {tier: [numbers for numbers in sections.values() if numbers["tier"] == tier] for tier in TIERS}
    return {
        "unit": "case" if document["format"] == RUN else "exchange",
        "total": _add(sections.values()),
        "tiers": {tier: _add(listed) for tier, listed in tiers.items() if listed},
        "sections": sections,
        "findings": count_levels(findings_in(document)),
        "tolerated": sum(1 for _ in tolerated_in(document)),
    }


def count_levels(findings: Iterable[FindingIn]) -> dict[str, LevelCount]:
    """How many findings there are of each level, and of how many rules."""
    rules: dict[str, Counter[str]] = {level: Counter() for level in Level}
    for finding in findings:
        rules[finding["level"]][finding["rule"]] += 1
    return {level: {"findings": counts.total(), "rules": len(counts)} for level, counts in rules.items()}


def share(count: int, of: int) -> Share:
    """A part of a whole; 99.96 % is not shown as 100, which only the whole is."""
    return {"count": count, "of": of, "percent": count * 1000 // of / 10 if of else None}


@cache
def _sections_of_chat() -> tuple[str, ...]:
    return tuple(load_profile("chat-only").select)


def _tier(section: str) -> str:
    return CHAT if any(below(section, chat) for chat in _sections_of_chat()) else OTHER


def _sections(document: Document) -> dict[str, SectionNumbers]:
    if document["format"] == RUN:
        return _sections_of_run(document["cases"])
    return _sections_of_recordings(document)


def _sections_of_run(cases: Iterable[CaseIn]) -> dict[str, SectionNumbers]:
    outcomes: dict[str, Counter[str]] = {}
    conforming: Counter[str] = Counter()
    for case in cases:
        section, outcome = case["section"], case["outcome"]
        outcomes.setdefault(section, Counter())[outcome] += 1
        conforming[section] += outcome in REACHED and _conforms(case)
    return {
        section: {
            "tier": _tier(section),
            "outcomes": {outcome: counts[outcome] for outcome in Outcome if counts[outcome]},
            "coverage": share(reached := sum(counts[outcome] for outcome in REACHED), counts.total()),
            "conformance": share(conforming[section], reached),
        }
        for section, counts in outcomes.items()
    }


def _conforms(case: CaseIn) -> bool:
    listed = (*case["findings"], *case.get("tolerated", ()))
    return case["outcome"] != "fail" and all(finding["level"] != Level.MUST for finding in listed)


def _sections_of_recordings(document: Judgement) -> dict[str, SectionNumbers]:
    sections: dict[str, SectionNumbers] = {}
    for endpoint, counts in document["endpoints"].items():
        of = counts.get("exchanges", 0)
        judged = max(of - counts.get("unjudged", 0), 0)
        is_known = "failing" in counts
        sections[endpoint] = {
            "tier": CHAT if endpoint == CHAT_ENDPOINT else OTHER,
            "outcomes": {},
            "coverage": share(judged, of),
            "conformance": share(max(judged - counts["failing"], 0), judged) if is_known else share(0, 0),
        }
    return sections


def _add(listed: Iterable[Numbers]) -> Numbers:
    """The numbers of several sections together."""
    numbers = list(listed)

    def add(name: Literal["coverage", "conformance"]) -> Share:
        return share(sum(each[name]["count"] for each in numbers), sum(each[name]["of"] for each in numbers))

    return {"coverage": add("coverage"), "conformance": add("conformance")}
