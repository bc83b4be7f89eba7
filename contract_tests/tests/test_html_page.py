"""The HTML page of a report: what it says, in which order, and that no text of a target becomes part of the page."""

from __future__ import annotations

import base64
import hashlib
import re
from html import unescape
from typing import Any

import pytest

from contract_tests.report.html.page import format_html, link
from contract_tests.report.html.streams import streams_of
from contract_tests.tests.made_up_reports import (
    make_case,
    make_diff,
    make_exchange,
    make_finding,
    make_judgement,
    make_many,
    make_report_diff,
    make_run,
)
from contract_tests.tests.page_reader import HOSTILE, read


@pytest.mark.parametrize("make", [make_run, make_judgement, make_diff, make_report_diff])
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.security("hostile targets")
def test_no_text_becomes_part_of_the_page(make: Any, text: str) -> None:
    page, plain = read(make(text=text)), read(make(text="plain"))
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in plain.tags}
    assert {name for _, names in page.tags for name in names} <= {name for _, names in plain.tags for name in names}
    assert page.code == plain.code  # the page's own style and script, and no other
    assert [address for address in page.addresses if not address.startswith(("#", "https://", "data:image/svg"))] == []
    shown = "".join(page.texts)
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]", shown
    )
    if text.isprintable() and len(text) < 100 and "`" not in text:
        assert text in shown


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "//example.com",
        "https://",
        "https://example.com/\" onclick='alert(1)",
        "https://[",
    ],
)
@pytest.mark.security("hostile files")
def test_an_address_that_is_no_page_is_not_followed(url: str) -> None:
    assert link(url) == ""
    finding = make_finding("chat.stream.created", "chat.poem", see=url)
    page = read(make_run([make_case("chat.poem", "fail", findings=[finding])]))
    assert not [address for address in page.addresses if not address.startswith(("#", "data:image/svg"))]


@pytest.mark.security("hostile targets")
def test_the_policy_allows_the_style_and_the_script_of_the_page_alone() -> None:
    page = format_html(make_run())
    policy = re.search('http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    rules = dict(part.strip().partition(" ")[::2] for part in unescape(policy[1]).split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["base-uri"] == rules["form-action"] == "'none'"
    assert set(rules) == {"default-src", "style-src", "script-src", "img-src", "base-uri", "form-action"}
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"
    assert not re.search(r"<[^>]* (?:style|on\w+)=", page)  # which the policy would forbid


def test_a_run_says_its_verdict_and_both_numbers() -> None:
    page = read(make_run()).text
    assert "✗ FAIL" in page
    assert "Coverage How much of it is there? 62.5 %" in page
    assert "5 of 8 cases reached; 1 unsupported, 1 not reached, 1 setup failed" in page
    assert "Conformance How right is what is there? 20 %" in page
    assert "1 of 5 reached cases keep every MUST" in page
    assert "5 MUST findings of 2 rules, 1 SHOULD finding of 1 rule (1 finding tolerated)." in page
    assert "The worst ✗ MUST chat.stream.created in 2 cases. created is the Unix time" in page


def test_every_link_within_the_page_leads_somewhere() -> None:
    for document in (make_run(), make_judgement(), make_diff(), make_report_diff()):
        page = read(document)
        inside = {address.removeprefix("#") for address in page.addresses if address.startswith("#")}
        assert inside <= set(page.ids)
        assert len(set(page.ids)) == len(page.ids)


def test_what_was_not_judged_is_named() -> None:
    page = read(make_run()).text
    for outcome, case in (("○ unsupported", "responses.reasoning"), ("– not reached", "errors.keys")):
        assert f"{outcome} status 400 names reasoning 1 case: {case}" in page
    assert "it lowers coverage, never conformance" in page


@pytest.mark.parametrize(
    ("verdict", "code", "words"),
    [
        ("pass", 0, "✓ PASS"),
        ("not reached", 3, "there is no verdict; this is no pass"),
        ("harness failed", 4, "this says nothing about the target"),
    ],
)
def test_other_verdicts_are_not_softened(verdict: str, code: int, words: str) -> None:
    page = read(make_run([make_case("errors.keys", "not reached")], verdict=verdict, exit_code=code)).text
    assert words in page
    assert "0 of 1 case reached" in page
    assert "nothing was reached that could be right" in page


def test_findings_stand_by_level_and_reach() -> None:
    findings = [
        ("sse.space", "SHOULD", ["chat.a", "chat.b", "chat.c"]),
        ("tools.call-id", "MUST", ["chat.a"]),
        ("chat.stream.created", "MUST", ["chat.a part 1", "chat.a part 2", "chat.b"]),
        ("http.date", "NOTE", ["chat.a"]),
    ]
    listed = [make_finding(rule, label, level) for rule, level, labels in findings for label in labels]
    page = read(make_run([make_case("chat.a", "fail", findings=listed), make_case("chat.b")]))
    rules = [name.removeprefix("rule-") for name in page.ids if name.startswith("rule-")]
    assert rules == ["chat.stream.created", "tools.call-id", "sse.space", "http.date"]
    assert "2 cases · 3 places" in page.text


def test_a_finding_says_all_there_is_to_know() -> None:
    page = read(make_run()).text
    for words in (
        "breaks typed clients refuse it",
        "who 1 of 2 measured clients . openai-python 3: wrong created; others fine",
        "platform.openai.com/docs/api-reference/chat-streaming",
        "in chat.stream.poem at event 1, choices[0].created, byte 17",
        "request POST /v1/chat/completions stream : true",
        '…{"created": here: "now" until here. ,"choices":[]}⏎',
        "✓ expected an integer",
        '✗ actual "now"',
        "again contract run http://127.0.0.1:1/v1 --select chat.stream.poem --record recordings",
        "the next release mends it link known.yaml, known.yaml:3, until 2027-01-31",
    ):
        assert words in page, words


@pytest.mark.parametrize(
    ("writes", "shape"),
    [
        ([[900.0]], "in one write"),
        ([[float(20 * number)] for number in range(1, 31)], "steady"),
        ([[20.0], [40.0], [900.0], [920.0], [1300.0]], "stalls"),
        ([[10.0], *([980.0 + number] for number in range(20))], "burst at the end"),
        ([[1.0], [2.0], [3.0]], "quick"),
    ],
)
def test_a_time_line_shows_how_the_writes_came(writes: list[list[float]], shape: str) -> None:
    (stream,) = streams_of([make_exchange("chat.poem", writes)])
    assert stream.shape == shape
    assert stream.path.count("M") == len(writes)
    assert f"first bytes after {writes[0][0]:.0f} ms" in stream.words
    assert bool(stream.alarm) is (shape in ("in one write", "stalls", "burst at the end"))
    assert (stream.pause is not None) is (shape == "stalls")


def test_a_reply_without_times_has_no_time_line() -> None:
    still = make_exchange("chat.poem", [[0.0], [0.0]])
    unknown = make_exchange("chat.poem") | {"writes": [], "seconds": None, "head": None, "number": None}
    assert streams_of([still, unknown]) == []
    page = read(make_run([make_case("chat.poem", exchanges=[unknown])])).text
    assert "its times were not recorded" in page


def test_the_page_of_a_usual_run_is_small() -> None:
    cases = [
        make_case(
            f"chat.case-{number}", exchanges=[make_exchange("x", [[float(at)] for at in range(1, 61)], reply=None)]
        )
        for number in range(200)
    ]
    cases[3]["findings"] = [make_finding(f"chat.rule-{number}", "chat.case-3") for number in range(12)]
    assert len(format_html(make_run(cases)).encode()) < 500_000


@pytest.mark.security("memory")
def test_ten_thousand_findings_take_room_for_a_line_each() -> None:
    page = format_html(make_many())
    assert page.count('class="rule ') == 40
    assert len(page.encode()) < 4_000_000


def test_reports_of_older_kits_have_a_page() -> None:
    document: Any = make_run()
    for name in ("kit", "started", "server", "tolerances", "required", "lacking"):
        del document[name]
    for case in document["cases"]:
        del case["exchanges"], case["tolerated"]
        for finding in case["findings"]:
            del finding["request"], finding["bytes"], finding["again"], finding["because"]
    assert "chat.stream.created" in read(document).text
    judged: Any = make_judgement()
    del judged["exchanges_with_findings"], judged["tolerated"], judged["kit"]
    assert "5 recorded exchanges" in read(judged).text


def test_a_comparison_of_recordings_counts_a_difference_once() -> None:
    page = read(make_diff()).text
    assert "✗ DIFFERENT" in page
    assert "0 of 2 pairs have the same shape, order and framing." in page
    assert "Differences 2 of shape, 1 of timing" in page
    assert "choices[].logprobs null absent the proxy drifted chat.shape 2: a/0" in page
    assert page.index("choices[].logprobs") < page.index("id null absent")  # what breaks a rule, first
    for words in ("Only in A a/9", "Not asked no request", "Not compared headers"):
        assert words in page


def test_a_comparison_of_reports_says_what_turned() -> None:
    page = read(make_report_diff()).text
    assert "Findings: 2 new, 1 gone, 1 not asked in A, 2 not asked in B, 1 still; 1 case with another outcome." in page
    assert "chat.1 ✓ pass ✗ fail" in page
    assert "http.date chat.1 tolerated counts" in page
    assert "Cases only in B chat.n" in page


def test_a_comparison_says_what_it_leaves_out() -> None:
    page = read(make_report_diff(new=2_000)).text
    assert "2,000 findings" in page
    assert "and 1,500 more: the JSON has them all" in page
