"""Documents of made-up reports, for the tests of forms."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, cast

from contract_tests.report.document import JUDGEMENT, Document
from contract_tests.report.files import finish, run_document
from contract_tests.report.summary import summarize
from contract_tests.rules import RULES
from contract_tests.run.outcome import CaseResult, ExitCode, Outcome, RunReport
from contract_tests.tests.test_report import finding, made_up, result
from contract_tests.tolerance.entry import ToleranceEntry, Tolerated

_FIXED = ("format", "level", "outcome", "verdict", "fail_on", "expires")
"""Members whose values are those of a list."""


def document_of(report: RunReport, code: ExitCode = ExitCode.FINDINGS) -> Document:
    """The document of a run, the same whatever the version of the kit."""
    document = run_document(report, code)
    document["kit"] = "1.2.3"
    return document


def made_up_document() -> Document:
    """A run with every outcome, tolerated findings, a required section, one saved exchange and a file of options."""
    report = made_up()
    entry = ToleranceEntry(
        "usage.adds-up",
        "reasoning tokens are counted twice",
        link="https://github.com/example/gateway/issues/7",
        expires=date(2027, 1, 31),
        by="baseline known.yaml",
        place="known.yaml:3",
    )
    known = result("chat.short", Outcome.WARN)
    known = replace(known, tolerated=(Tolerated(finding("usage.adds-up", "chat.short"), entry),))
    return document_of(
        replace(
            report,
            results=(*report.results, known),
            required=("tools",),
            config="contract.toml",
            recordings={"chat.stream.n": "recordings/chat.stream.n.yaml"},
        ),
        ExitCode.HARNESS,
    )


def of_hostile_texts(document: Document, text: str) -> Document:
    """The document with this text for every text in it and, numbered, for every name."""
    text = text.encode("utf-8", "replace").decode()

    def change(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            renamed = name in ("members", "clients", "server", "recordings", "rules", "endpoints")
            items = enumerate(value.items())
            return {f"{text}{n}" if renamed else key: change(inner, key) for n, (key, inner) in items}
        if isinstance(value, list):
            return [change(inner, name) for inner in value]
        return text if isinstance(value, str) and name not in _FIXED else value

    changed = cast(Document, change({name: value for name, value in document.items() if name != "summary"}))
    changed["summary"] = summarize(changed)  # not masked: that takes long where a text is long
    return changed


def of_recordings(document: Document) -> Document:
    """The findings of a run as if they were those of recordings in one file."""
    assert document["format"] != JUDGEMENT
    findings = [finding for case in document["cases"] for finding in case["findings"]]
    value = {
        "format": JUDGEMENT,
        "verdict": "fail",
        "exit_code": 1,
        "exchanges": 9,
        "endpoints": {"chat/completions": {"exchanges": 7, "unjudged": 0, "failing": 2}, "x": {"exchanges": 2}},
        "findings": findings,
        "rules": {},
        "surprises": ["one.yaml: contradicts itself"],
        "tolerated": [finding for case in document["cases"] for finding in case.get("tolerated", ())],
        "recordings": {
            finding["in"]: {"file": "a folder/shared.jsonl", "line": line} for line, finding in enumerate(findings, 1)
        },
    }
    return finish(value, ())


def of_many_findings(number: int) -> Document:
    """A run with one finding in each of `number` cases, of 50 rules, all texts different."""
    rules = list(RULES)[:50]
    results = []
    for count in range(number):
        case_id = f"chat.many.case-{count}"
        found = finding(rules[count % len(rules)], case_id, f"the value {count} of a target's text")
        results.append(CaseResult(case_id, "chat.many", f"title {count}", Outcome.FAIL, (found,)))
    return document_of(RunReport("http://127.0.0.1:1/v1", "m", tuple(results)))
