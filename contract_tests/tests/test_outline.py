"""Exchanges in reports: when each write came, and a part of the texts, masked before it is cut."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from typing import Any

import pytest

from contract_tests.recordings.judging import judge_recordings
from contract_tests.recordings.recording import Recording
from contract_tests.report.exchanges import choose_exchanges, format_json
from contract_tests.report.files import clean_json, judgement_as_json, run_document
from contract_tests.rules import RULES
from contract_tests.rules.engine.judge import Finding
from contract_tests.rules.engine.node import Place
from contract_tests.rules.outline import MOST_REPLY, MOST_REQUEST, MOST_WRITES, Room, fold, outline
from contract_tests.run.outcome import CaseResult, ExitCode, Outcome, RunReport
from contract_tests.tests.planted_key import readable
from fake_server.tests.credential_forms import CREDENTIALS
from fake_server.wire.exchange import Aspect, Ending, Exchange, Request, Write

KEY = "sk-proj-Wq3nZ8kT5vB2xL9mR4cY7hF1dG6jP0sA"
ASKED = Request("POST", "/v1/chat/completions", (("Authorization", f"Bearer {KEY}"),), b'{"model":"m"}')


def _exchange(
    writes: tuple[Write, ...] = (Write(b"data: {}\n\n", 0.2),), label: str = "chat.poem", **more: Any
) -> Exchange:
    return Exchange(ASKED, 200, (("content-type", "text/event-stream"),), writes, label=label, head_pause=0.01, **more)


def _outline(exchange: Exchange, **more: Any) -> dict[str, Any]:
    shown = outline(exchange, Room(), (KEY,), **more)
    assert shown
    return shown


def test_an_exchange_is_outlined_with_its_times() -> None:
    shown = _outline(_exchange((Write(b"abc", 0.2), Write(b"de", 0.5))))
    assert shown["writes"] == [[210.0, 3], [710.0, 2]]
    assert (shown["number"], shown["bytes"], shown["head"], shown["seconds"]) == (2, 5, 10.0, 0.71)
    assert (shown["method"], shown["target"], shown["status"]) == ("POST", "/v1/chat/completions", 200)
    assert (shown["type"], shown["ending"]) == ("text/event-stream", "clean")
    assert shown["request"] is None
    assert shown["reply"] is None


def test_what_was_not_recorded_is_null() -> None:
    shown = _outline(_exchange(unknown=frozenset({Aspect.TIMING, Aspect.FRAMING})))
    assert (shown["seconds"], shown["head"], shown["number"], shown["writes"]) == (None, None, None, [])
    gone = _outline(_exchange(()), kept=False, texts=True)
    assert (gone["bytes"], gone["number"], gone["writes"], gone["reply"]) == (None, None, [], None)
    unreached = Exchange(ASKED, None, ending=Ending.UNREACHABLE, problem=f"no route for {KEY}")
    assert _outline(unreached, texts=True)["reply"] is None
    assert KEY not in clean_json(_outline(unreached), (KEY,))


@pytest.mark.parametrize("number", [1, MOST_WRITES, MOST_WRITES + 1, 50_000])
@pytest.mark.security("memory")
def test_many_writes_are_folded_and_no_byte_is_lost(number: int) -> None:
    times = [(at * 0.7, 3) for at in range(number)]
    folded = fold(times, MOST_WRITES)
    assert len(folded) <= MOST_WRITES
    assert sum(size for _, size in folded) == 3 * number
    assert [time for time, _ in folded] == sorted(time for time, _ in folded)
    assert fold([(5.0, 1)] * 1000, MOST_WRITES) == [[5.0, 1000]]


def test_a_pause_is_still_seen_when_writes_are_folded() -> None:
    times = [(float(at), 1) for at in range(500)] + [(5000.0 + at, 1) for at in range(500)]
    folded = [time for time, _ in fold(times, MOST_WRITES)]
    assert max(later - time for time, later in pairwise(folded)) > 4000


@pytest.mark.parametrize("at", [0, MOST_REPLY - 60, MOST_REPLY - 20, MOST_REPLY - 3, MOST_REPLY + 10])
@pytest.mark.parametrize(
    "secret", [KEY, "hf_Wq3nZ8kT5vB2xL9mR4cY7hF1dG6jP0sAbc", "ghp_Wq3nZ8kT5vB2xL9mR4cY7hF1dG6jP0sAbcdE"]
)
@pytest.mark.security("credentials in written files")
def test_texts_are_masked_before_they_are_cut(at: int, secret: str) -> None:
    body = b'"' + b"." * at + f' "{secret}" '.encode() + b"." * 3000
    asked = Request("POST", f"/v1/x?api_key={secret}", ASKED.headers, body + b"." * MOST_REQUEST)
    fields = (("set-cookie", f"session={secret}"), ("x-api-key", secret))
    shown = _outline(Exchange(asked, 200, fields, (Write(body),), label="x"), texts=True)
    text = json.dumps(shown)
    assert secret not in text
    assert secret[:12] not in text
    assert not shown["reply"]["whole"]
    assert len(shown["reply"]["body"]) == MOST_REPLY
    assert len(shown["request"]["body"]) == MOST_REQUEST


@pytest.mark.parametrize("form", list(CREDENTIALS)[::6])
@pytest.mark.security("credentials in written files")
def test_no_form_of_a_credential_is_left_at_a_cut(form: str) -> None:
    text = CREDENTIALS[form]
    for before in (0, MOST_REPLY - len(text) // 2, MOST_REPLY - len(text) + 2):
        body = b'data: {"x": "' + b". " * (max(before, 0) // 2) + text.encode() + b'"}\n\n' + b". " * 500
        exchange = Exchange(Request("POST", "/v1/x", (), body), 200, (("x-error", text),), (Write(body),), label="x")
        assert readable(text, clean_json(_outline(exchange, texts=True))) == []


@pytest.mark.parametrize(
    ("body", "whole"),
    [
        (b"", True),
        (b"x" * MOST_REPLY, True),
        (b"x" * (MOST_REPLY + 1), False),
        (b"\xff", False),
        (b"\x00" * 900_000, False),
    ],
)
def test_whether_all_of_a_text_is_there(body: bytes, whole: bool) -> None:
    shown = _outline(_exchange((Write(body),)), texts=True)
    assert shown["reply"]["whole"] is whole


def test_a_compressed_body_is_shown_decoded_where_it_is_small() -> None:
    def reply(size: int) -> Any:
        data = gzip.compress(b'{"id": 1}' + b" " * size)
        fields = (("content-type", "application/json"), ("content-encoding", "gzip"))
        return _outline(Exchange(ASKED, 200, fields, (Write(data),), label="x"), texts=True)["reply"]

    assert reply(10)["body"].startswith('{"id": 1}')
    assert reply(10)["whole"]
    assert not reply(10_000)["whole"]


def _result(case_id: str, exchanges: int, size: int = 10) -> CaseResult:
    sent = tuple(_exchange((Write(b"x" * size, 0.01),) * 30, f"{case_id} {number}") for number in range(exchanges))
    rule = RULES["chat.stream.same-id"]
    findings = tuple(Finding(rule, Place(), "seen", label=exchange.label) for exchange in sent[1:])
    return CaseResult(case_id, "chat.stream", case_id, Outcome.FAIL, findings, sent)


@pytest.mark.security("memory")
def test_the_exchanges_of_a_report_are_bounded() -> None:
    results = tuple(_result(f"chat.case-{number}", 20, 50_000) for number in range(100))
    report = RunReport("http://127.0.0.1:1/v1", "m", results)
    cases = choose_exchanges(report, ())
    listed = [shown for case in cases.values() for shown in case]
    assert len(listed) == 1000
    assert sum(bool(shown["reply"]) for shown in listed) == 2  # of the one rule that is broken
    assert sum(len(shown["writes"]) for shown in listed) < 14_000
    assert len(json.dumps(cases)) < 600_000


def test_writes_stand_on_one_line_of_a_report() -> None:
    report = RunReport("http://127.0.0.1:1/v1", "m", (_result("chat.poem", 2),))
    document = run_document(report, ExitCode.FINDINGS)
    text = format_json(document)
    assert json.loads(text) == document
    assert '"writes":[[20.0,10],[30.0,10]' in text


def test_a_text_that_looks_like_writes_is_left_alone() -> None:
    report = RunReport('"writes": [\n[1,\n 2]],\n', "m", ())
    document = run_document(report, ExitCode.OK)
    assert json.loads(format_json(document)) == document


def test_a_judgement_holds_the_exchanges_with_findings() -> None:
    right = _exchange((Write(b'data: {"error": {"message": "x"}}\n\n', 0.1),), label="right.yaml")
    wrong = _exchange((Write(b"data: nothing\n\n", 0.1),), label="wrong.yaml")
    summary = judge_recordings([Recording(right), Recording(wrong)])
    written = json.loads(judgement_as_json(summary, ExitCode.FINDINGS))
    labels = {finding["in"] for finding in written["findings"]}
    assert {shown["label"] for shown in written["exchanges_with_findings"]} == labels
    assert "wrong.yaml" in labels
    assert next(s for s in written["exchanges_with_findings"] if s["label"] == "wrong.yaml")["reply"]["body"]
