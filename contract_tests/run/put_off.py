"""Replies that put a valid request off: what is wrong with them is no fault of a case, and is told once in a run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from contract_tests.rules.engine.judge import Finding, Level
from contract_tests.rules.engine.refused import describe_refusal, without_tags
from contract_tests.rules.engine.view import View
from contract_tests.run.outcome import CaseResult, Outcome, PutOff
from contract_tests.run.preflight import NO_ENDPOINT
from fake_server.wire.text import format_count, shorten_words

ACCEPTED = "relations.accepted"
"""The rule that a valid request that is put off breaks, however well the reply is made."""
_OF_GATEWAYS = (502, 503, 504, *range(520, 531))
"""Statuses of what stands before a target, or of one that has no time; from 520 on Cloudflare's own."""


def puts_off(view: View) -> bool:
    """Whether a reply says nothing of its request: 429, a gateway's status, or a refusal in no JSON, as of a firewall.

    A crash, 500, is none unless it comes as a page: a request of one kind may well cause it each time.
    """
    if view.status in (429, *_OF_GATEWAYS) or is_page(view):
        return True
    return 400 <= view.status < 500 and view.status not in NO_ENDPOINT and view.form != "json"


def is_page(view: View) -> bool:
    """Whether HTML came in place of an answer, of what stands before a target: with status 500, or called a success."""
    markup = view.form == "other" and view.body.lstrip()[:1] == b"<"
    return markup and (view.status == 500 or (view.ok and bool(view.endpoint)))


def make_put_off(view: View, findings: Sequence[Finding]) -> PutOff:
    """What was found in a reply that puts its request off, under what such replies have in common."""
    page = is_page(view)
    words = without_tags(view.body[:2000].decode("utf-8", "replace")) if page else describe_refusal(view)
    words = re.sub(r"\d+", "0", words[:100])
    kind = f"{view.status} {view.exchange.media_type} {words}"
    return PutOff(kind, tuple(findings), view.status == 429, page)


def is_only_put_off(result: CaseResult) -> bool:
    """Whether a case fails for the form of replies that come and go alone: to ask it again says no more."""
    about = {id(finding) for part in result.put_off if part.passes for finding in part.findings}
    musts = [finding for finding in result.findings if finding.rule.level is Level.MUST]
    return bool(musts) and all(id(finding) in about for finding in musts)


def settle(results: Iterable[CaseResult], stopped: str) -> list[CaseResult]:
    """The results with replies that put requests off, in their order, each fault of such replies in one of them only.

    That holds for replies that come and go, in whichever case: 429 always, others where a case healed; a page only in
    cases that healed. Of a case that gave up in a run that was `stopped` nothing of them stands: it met the outage.
    """
    held = [result for result in results if result.put_off]
    passing = {part.kind for result in held for part in result.put_off if part.passes}
    pages: set[str] = set()
    told: set[tuple[str, str]] = set()
    settled = []
    for result in held:
        dropped: list[Finding] = []
        for part in result.put_off:
            if stopped and _gave_up(result) and part.passes:
                dropped += part.findings
            elif part.page:
                dropped += part.findings if part.passes and part.kind in pages else ()
                pages |= {part.kind} if part.passes else set()
            elif part.kind in passing:
                dropped += [finding for finding in part.findings if (part.kind, finding.rule.id) in told]
                told |= {(part.kind, finding.rule.id) for finding in part.findings}
        settled.append(_without(result, dropped))
    return settled


def describe_pages(results: Iterable[CaseResult]) -> list[str]:
    """One line for each page that came and went, with how many cases met it."""
    met = [{part.kind for part in result.put_off if part.page and part.passes} for result in results]
    counts = Counter(kind for kinds in met for kind in kinds)
    return [
        f"a page came in place of an answer in {format_count(count, 'case')}, and an answer later: "
        f"told once, status {shorten_words(kind, 100)}"
        for kind, count in counts.items()
        if count > 1
    ]


def _gave_up(result: CaseResult) -> bool:
    return bool(result.reason)


def _without(result: CaseResult, dropped: Sequence[Finding]) -> CaseResult:
    """The result without findings that are told elsewhere, or are nobody's."""
    if not dropped:
        return result
    left = tuple(finding for finding in result.findings if all(finding is not other for other in dropped))
    levels = {finding.rule.level for finding in left}
    outcome = result.outcome
    if outcome is Outcome.FAIL and Level.MUST not in levels:
        judged = Outcome.WARN if Level.SHOULD in levels else Outcome.PASS
        outcome = Outcome.NOT_REACHED if result.reason else judged
    elif outcome is Outcome.WARN and Level.SHOULD not in levels:
        outcome = Outcome.PASS
    return replace(result, outcome=outcome, findings=left)
