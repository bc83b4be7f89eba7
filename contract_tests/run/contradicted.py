"""What a case says is unsupported, where another case of the run has an answer to the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from contract_tests.rules import RULES
from contract_tests.rules.engine.judge import Finding
from contract_tests.rules.engine.node import Place
from contract_tests.rules.engine.view import View
from contract_tests.rules.evidence import with_evidence
from contract_tests.run.outcome import CaseResult, Outcome
from contract_tests.target.case import CASES
from contract_tests.target.environment import keys_of_environment
from contract_tests.target.refusals import describe_lack, endpoint_of


def contradict(results: Iterable[CaseResult]) -> list[CaseResult]:
    """The results with a lack: a failure where all that the target says it does not have works in another case."""
    results = list(results)
    works: dict[str, str] = {}
    for result in results:
        for name in _works(result) if result.outcome in (Outcome.PASS, Outcome.WARN) else ():
            works.setdefault(name, result.case_id)
    return [_settle(result, works) for result in results if result.lacks]


def _works(result: CaseResult) -> Iterable[str]:
    """The endpoints that answered, each also with the members of the request and what the case is about."""
    for exchange in result.exchanges:
        if 200 <= (exchange.status or 0) < 300:
            body = exchange.request.json()
            endpoint = endpoint_of(exchange)
            yield endpoint
            if isinstance(body, dict):
                about = CASES[result.case_id].features if result.case_id in CASES else ()
                yield from (describe_lack(endpoint, body, name) for name in (*body, *about))


def _settle(result: CaseResult, works: Mapping[str, str]) -> CaseResult:
    if result.outcome is not Outcome.UNSUPPORTED or not result.lacks <= works.keys():
        return result
    case_id = works[min(result.lacks)]
    accepted = RULES["relations.accepted"]
    finding = Finding(accepted, Place(), f"{result.reason}; it works in {case_id}", "an answer", result.case_id)
    views = [View(exchange) for exchange in result.exchanges[-1:]]
    findings = (*with_evidence([finding], views, keys_of_environment()), *result.findings)
    return replace(result, outcome=Outcome.FAIL, findings=findings, applied=result.applied | {accepted.id})
