"""Made-up documents for tests of the HTML page: every text in them can be replaced by a hostile one."""

from __future__ import annotations

from typing import Any, cast

from contract_tests.report.document import JUDGEMENT, RUN, Document
from contract_tests.report.files import clean, finish
from contract_tests.report.summary import summarize

EVENT = 'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":"now","choices":[]}\n\n'
SEE = "https://platform.openai.com/docs/api-reference/chat-streaming"


def make_finding(rule: str, label: str, level: str = "MUST", text: str = "", **more: Any) -> dict[str, Any]:
    """A finding; `text` stands in every member that a target decides."""
    finding = {
        "rule": rule,
        "level": level,
        "clause": f"`created` is the Unix time {text}",
        "in": label,
        "at": {"event": 1, "path": ["choices", 0, text or "created"], "byte": 17},
        "expected": f"an integer {text}",
        "actual": f'"now" {text}',
        "request": {
            "method": "POST",
            "target": f"/v1/chat/completions{text}",
            "members": {f"stream{text}": f"true{text}"},
        },
        "bytes": {"before": f'…{{"created":{text}', "after": f'"now"{text},"choices":[]}}⏎⏎data: …'},
        "breaks": f"typed clients refuse it {text}",
        "clients": {f"openai-python 3{text}": f"wrong: created{text}", "LangChain": "fine", "Codex CLI": "–"},
        "because": text,
        "see": SEE,
        "again": f"contract run http://127.0.0.1:1/v1 --select {label.partition(' ')[0]} --record recordings{text}",
    }
    return finding | more


def make_exchange(label: str, writes: list[list[float]] | None = None, text: str = "", **more: Any) -> dict[str, Any]:
    """An exchange with its texts: a stream of one event for each of the `writes`."""
    body = EVENT * len(writes or [[]])
    writes = [[time, len(EVENT)] for time, *_ in writes or [[12.5]]]
    fields = [["content-type", "text/event-stream"], ["transfer-encoding", "chunked"], [f"x-more{text}", text]]
    exchange = {
        "label": label,
        "method": "POST",
        "target": f"/v1/chat/completions{text}",
        "status": 200,
        "type": f"text/event-stream{text}",
        "ending": f"clean{text}",
        "problem": text,
        "seconds": writes[-1][0] / 1000,
        "head": 3.5,
        "bytes": len(body),
        "number": len(writes),
        "writes": writes,
        "request": {
            "body": '{"model": "m", "stream": true}',
            "whole": True,
            "fields": [["Content-Type", "application/json"]],
        },
        "reply": {"body": body + text, "whole": True, "fields": fields},
    }
    return exchange | more


def make_case(case_id: str, outcome: str = "pass", text: str = "", **more: Any) -> dict[str, Any]:
    case = {
        "id": case_id,
        "section": case_id.rpartition(".")[0] or case_id,
        "title": f"a case of {case_id} {text}",
        "outcome": outcome,
        "reason": "" if outcome in ("pass", "fail", "warn") else f"status 400 names reasoning {text}",
        "seconds": 0.25,
        "findings": [],
        "tolerated": [],
        "exchanges": [],
    }
    return case | more


def make_entry(rule: str, text: str = "") -> dict[str, Any]:
    return {
        "by": f"known.yaml{text}",
        "place": f"known.yaml:3{text}",
        "rule": rule,
        "in": "",
        "at": "",
        "actual": text,
        "reason": f"the next release mends it {text}",
        "link": "https://example.com/issues/1",
        "expires": "2027-01-31",
    }


def make_run(cases: list[dict[str, Any]] | None = None, text: str = "", **more: Any) -> Document:
    """A run with every outcome, unless its cases are given."""
    value: dict[str, Any] = {
        "format": RUN,
        "kit": "0.2.0",
        "started": "2026-11-30T21:48:36+00:00",
        "target": f"http://127.0.0.1:4000/v1{text}",
        "model": f"gpt-4o-mini{text}",
        "server": {"server": f"uvicorn{text}"},
        "verdict": "fail",
        "exit_code": 1,
        "seconds": 12.5,
        "requests": 40,
        "stopped": text,
        "notes": [f"a note {text}"],
        "cases": make_cases(text) if cases is None else cases,
        "rules": {},
        "tolerances": {"by": [f"known.yaml{text}"], "expired": [make_entry("http.date", text)], "gone": []},
        "required": [],
        "lacking": [],
    }
    return finish(value | more, ())


def make_cases(text: str = "") -> list[dict[str, Any]]:
    """Cases with every outcome; `chat.stream.created` is in two of them."""
    rule, tools = "chat.stream.created", "tools.call-id"
    tolerated = make_finding("http.content-type", "chat.n", text=text, tolerated=make_entry("http.content-type", text))
    steady = [[float(20 * number)] for number in range(1, 31)]
    stalled = [[20.0], [40.0], [900.0], [920.0]]
    return [
        make_case("chat.poem", text=text, exchanges=[make_exchange("chat.poem", steady, text)]),
        make_case("chat.n", "warn", text, tolerated=[tolerated]),
        make_case(
            "chat.stream.poem",
            "fail",
            text,
            findings=[make_finding(rule, "chat.stream.poem", text=text) for _ in range(3)],
            exchanges=[make_exchange("chat.stream.poem", stalled, text)],
        ),
        make_case(
            "chat.stream.n",
            "fail",
            text,
            findings=[
                make_finding(rule, "chat.stream.n", text=text),
                make_finding("sse.space", "chat.stream.n", "SHOULD"),
            ],
            exchanges=[make_exchange("chat.stream.n", [[700.0]], text)],
        ),
        make_case("tools.call", "fail", text, findings=[make_finding(tools, "tools.call", text=text)]),
        make_case("responses.reasoning", "unsupported", text),
        make_case("errors.keys", "not reached", text),
        make_case("stored.list", "setup failed", text),
    ]


def make_judgement(text: str = "", findings: int = 2) -> Document:
    """A judgement of recordings, some of which break a rule."""
    rule, labels = "chat.stream.created", [f"recordings/{number}.yaml{text}" for number in range(findings)]
    return finish(
        {
            "format": JUDGEMENT,
            "kit": "0.2.0",
            "verdict": "fail",
            "exit_code": 1,
            "exchanges": findings + 3,
            "endpoints": {"chat/completions": {"exchanges": findings + 3, "unjudged": 1, "failing": findings}},
            "findings": [make_finding(rule, label, text=text, again="") for label in labels],
            "rules": {rule: {"applied": findings + 2, "flagged": findings, "not_reached": 0}},
            "surprises": [f"a surprise {text}"],
            "tolerated": [],
            "exchanges_with_findings": [make_exchange(label, [[5.0], [9.0]], text) for label in labels[:20]],
        },
        (),
    )


def make_many(findings: int = 10_000, rules: int = 40, cases: int = 200) -> Document:
    """A run with very many findings."""
    listed = [make_case(f"chat.stream.case-{number}", "fail") for number in range(cases)]
    for number in range(findings):
        case = listed[number % cases]
        part = f"{case['id']} part {number // cases}"
        case["findings"].append(make_finding(f"chat.stream.rule-{number % rules}", part, actual=f"seen {number}"))
    for case in listed:
        case["exchanges"] = [
            make_exchange(case["id"], [[float(at)] for at in range(0, 600, 3)], request=None, reply=None)
        ]
    document: Any = make_run([])
    document["cases"] = listed
    document["summary"] = summarize(document)
    return cast(Document, document)


def make_diff(text: str = "") -> dict[str, Any]:
    """A comparison of two pairs of recordings; the same difference is in both."""

    def differ(kind: str, where: str, rule: str = "") -> dict[str, Any]:
        verdict = f"the proxy drifted{text}" if kind == "shape" else None
        return {
            "kind": kind,
            "where": where + text,
            "a": f"null{text}",
            "b": "absent",
            "verdict": verdict,
            "rule": rule,
        }

    shape, timing = differ("shape", "choices[].logprobs", "chat.shape"), differ("timing", "first bytes")
    pairs = [
        {"a": f"a/{number}{text}", "b": "b", "same": False, "differences": listed, "not_compared": [f"headers{text}"]}
        for number, listed in enumerate(([shape, differ("shape", "id")], [shape, timing]))
    ]
    only = {"a": [f"a/9{text}"], "b": []}
    value = {"format": "openai-contract-diff/1", "same": False, "a": f"old{text}", "b": f"new{text}", "pairs": pairs}
    value |= {"only_in": only, "not_asked": [f"no request {text}"]}
    return cast(dict[str, Any], clean(value))


def make_report_diff(text: str = "", new: int = 2) -> dict[str, Any]:
    """A comparison of two reports with every kind of change."""

    def find(number: int, rule: str = "tools.call-id") -> dict[str, Any]:
        place = {"rule": rule, "in": f"chat.{number}{text}", "path": f"id{text}"}
        return place | {"level": "MUST", "actual": f"missing{text}", "tolerated": False}

    value: dict[str, Any] = {
        "format": "openai-contract-diff/1",
        "same": False,
        "a": f"old.json{text}",
        "b": f"new.json{text}",
        "facts": {"target": [f"http://a{text}", f"http://b{text}"]},
        "new": [find(number) for number in range(new)],
        "gone": [find(7, "sse.space")],
        "still": [find(8, "http.date")],
        "not_asked_in": {"a": [find(9, "http.date")], "b": [find(10, "http.date"), find(11, "sse.space")]},
        "tolerated": [{"rule": f"http.date{text}", "in": "chat.1", "path": "", "before": True, "after": False}],
        "outcomes": [{"case": f"chat.1{text}", "a": "pass", "b": "fail"}],
        "cases": {"added": [f"chat.n{text}"], "removed": []},
    }
    return cast(dict[str, Any], clean(value))
