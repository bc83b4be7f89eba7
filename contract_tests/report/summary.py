"""The two numbers of a report, which are never mixed, in all, by tier and by section.

*Coverage* is how much of the API is there. Of a run: the cases that were reached (pass, warn or fail), of all that the
kit has. What is unsupported, not reached, could not be set up, failed in the kit, or was left out by a selection lowers
it. Of recordings: the exchanges whose content a rule judged, of all in the files. Reports of older kits do not know
what was left out: there it is how much of what was asked is there.

*Conformance* is how right that is. Of a run: the reached cases without a MUST finding, of those that were reached. Of
recordings: the judged exchanges without one, of those that were judged. So what is not there lowers coverage alone. A
MUST finding that is tolerated counts as well: whether it fails the run, the verdict says.

The tier `chat` is what the profile `chat-only` asks, `other` the rest. The sections of recordings are their endpoints;
reports of older kits do not say how many of an endpoint's exchanges fail, so that their conformance is of nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
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
    left_out = document["selection"]["left_out"] if "selection" in document else {}
    sections = _sections(document, left_out)
    unasked = {name: _of_unasked(document, name, number) for name, number in left_out.items() if name not in sections}
    everything = [*sections.values(), *unasked.values()]
    tiers = {tier: [numbers for numbers in everything if numbers["tier"] == tier] for tier in TIERS}
    return {
        "unit": "case" if document["format"] == RUN else "exchange",
        "total": _add(everything),
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


def _sections(document: Document, left_out: Mapping[str, int]) -> dict[str, SectionNumbers]:
    if document["format"] == RUN:
        return _sections_of_run(document["cases"], left_out)
    return _sections_of_recordings(document, left_out)


def _of_unasked(document: Document, section: str, number: int) -> SectionNumbers:
    """The numbers of a section or endpoint that a selection leaves out as a whole."""
    tier = _tier(section) if document["format"] == RUN else _tier_of_endpoint(section)
    return {"tier": tier, "outcomes": {}, "coverage": share(0, number), "conformance": share(0, 0)}


def _tier_of_endpoint(endpoint: str) -> str:
    return CHAT if endpoint == CHAT_ENDPOINT else OTHER


def _sections_of_run(cases: Iterable[CaseIn], left_out: Mapping[str, int]) -> dict[str, SectionNumbers]:
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
            "coverage": share(
                reached := sum(counts[outcome] for outcome in REACHED), counts.total() + left_out.get(section, 0)
            ),
            "conformance": share(conforming[section], reached),
        }
        for section, counts in outcomes.items()
    }


def _conforms(case: CaseIn) -> bool:
    listed = (*case["findings"], *case.get("tolerated", ()))
    return case["outcome"] != "fail" and all(finding["level"] != Level.MUST for finding in listed)


def _sections_of_recordings(document: Judgement, left_out: Mapping[str, int]) -> dict[str, SectionNumbers]:
    sections: dict[str, SectionNumbers] = {}
    for endpoint, counts in document["endpoints"].items():
        of = counts.get("exchanges", 0)
        judged = max(of - counts.get("unjudged", 0), 0)
        is_known = "failing" in counts
        sections[endpoint] = {
            "tier": _tier_of_endpoint(endpoint),
            "outcomes": {},
            "coverage": share(judged, of + left_out.get(endpoint, 0)),
            "conformance": share(max(judged - counts["failing"], 0), judged) if is_known else share(0, 0),
        }
    return sections


def _add(listed: Iterable[Numbers]) -> Numbers:
    """The numbers of several sections together."""
    numbers = list(listed)

    def add(name: Literal["coverage", "conformance"]) -> Share:
        return share(sum(each[name]["count"] for each in numbers), sum(each[name]["of"] for each in numbers))

    return {"coverage": add("coverage"), "conformance": add("conformance")}
