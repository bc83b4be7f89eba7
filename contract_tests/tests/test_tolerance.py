"""Tolerances: what an entry covers, until when, and what is told of entries that are out of date."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract_tests.cases import CASES
from contract_tests.rules import RULES
from contract_tests.rules.engine.judge import Finding, Level
from contract_tests.rules.engine.node import Place
from contract_tests.run.outcome import CaseResult, ExitCode, Outcome, RunReport
from contract_tests.run.tolerated import tolerate_in_run
from contract_tests.target.errors import UsageError
from contract_tests.tolerance.baseline import NewBaseline, as_yaml, renew_baseline
from contract_tests.tolerance.entry import ToleranceEntry, group_by_label, make_ledger, split_tolerated
from contract_tests.tolerance.file import load_baseline, load_profile

TODAY = date(2026, 11, 23)
PATH = ("choices", 0, "delta")
KNOWN = ToleranceEntry("chat.stream.object", "known", by="baseline b", must_occur=True)


def finding(rule: str = "chat.stream.object", label: str = "chat.stream.poem", actual: str = '""') -> Finding:
    return Finding(RULES[rule], Place(0, PATH, 6), actual, "", label)


@pytest.mark.parametrize(
    ("changes", "covers"),
    [
        ({}, True),
        ({"label": "chat.stream.poem"}, True),
        ({"label": "chat.stream.*"}, True),
        ({"label": "chat.stream"}, False),
        ({"path": "choices[*].delta"}, True),
        ({"path": "choices[0].delta"}, True),
        ({"path": "choices[1].delta"}, False),
        ({"path": "choices?0].delta"}, False),
        ({"path": ""}, False),
        ({"actual": '""'}, True),
        ({"actual": "miss*"}, False),
        ({"rule": "chat.stream.id"}, False),
    ],
)
def test_an_entry_covers_what_its_patterns_say(changes: dict[str, Any], covers: bool) -> None:
    assert replace(KNOWN, **changes).covers(finding()) is covers


def test_a_case_is_meant_with_all_its_parts() -> None:
    entry = replace(KNOWN, label="relations.text")
    assert entry.covers(finding(label="relations.text dict"))
    assert entry.covers(finding(label="relations.text"))
    assert not entry.covers(finding(label="relations.texts dict"))


def test_an_entry_holds_to_the_end_of_its_last_day() -> None:
    last = replace(KNOWN, expires=TODAY)
    over = replace(KNOWN, expires=date(2026, 11, 22))
    counting, tolerated = split_tolerated([finding()], [last], TODAY)
    assert (counting, [one.entry for one in tolerated]) == ((), [last])
    counting, tolerated = split_tolerated([finding()], [over], TODAY)
    assert (len(counting), tolerated) == (1, ())
    assert make_ledger([finding()], [over, last], TODAY, lambda entry: True).expired == (over,)


def test_entries_with_nothing_to_cover_are_named_where_that_was_looked_at() -> None:
    entries = [KNOWN, replace(KNOWN, rule="chat.stream.id"), replace(KNOWN, must_occur=False, rule="chat.id")]
    assert make_ledger([finding()], entries, TODAY, lambda entry: True).gone == (entries[1],)
    assert make_ledger([finding()], entries, TODAY, lambda entry: False).gone == ()


# -- on a run


def run_report(*results: CaseResult) -> RunReport:
    return RunReport("http://t/v1", "m", results)


def case(case_id: str, outcome: Outcome, *findings: Finding, applied: str = "") -> CaseResult:
    return CaseResult(case_id, CASES[case_id].section, case_id, outcome, findings, applied=frozenset({applied}))


def test_a_tolerated_failure_is_a_warning_and_does_not_fail_the_run() -> None:
    report = run_report(case("chat.stream.poem", Outcome.FAIL, finding()))
    assert report.exit_code() is ExitCode.FINDINGS
    settled = tolerate_in_run(report, [KNOWN], TODAY)
    assert settled.exit_code() is ExitCode.OK
    assert settled.exit_code(Level.NOTE) is ExitCode.OK
    assert [one.outcome for one in settled.results] == [Outcome.WARN]
    assert [one.finding for one in settled.tolerated] == [finding()]
    assert settled.ledger.by == ("baseline b",)


def test_another_finding_of_the_same_case_still_fails() -> None:
    report = run_report(case("chat.stream.poem", Outcome.FAIL, finding(), finding("chat.stream.id")))
    settled = tolerate_in_run(report, [KNOWN], TODAY)
    assert settled.exit_code() is ExitCode.FINDINGS
    assert [one.rule.id for one in settled.findings] == ["chat.stream.id"]
    assert settled.results[0].outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("label", "result", "gone"),
    [
        ("chat.stream.poem", case("chat.stream.poem", Outcome.PASS), True),
        ("chat.stream.poem", case("chat.stream.poem", Outcome.FAIL, applied=KNOWN.rule), True),
        ("chat.stream.poem", case("chat.stream.poem", Outcome.FAIL), False),
        ("chat.stream.poem", case("chat.stream.poem", Outcome.UNSUPPORTED), False),
        ("chat.stream.poem", case("chat.stream.poem", Outcome.NOT_REACHED), False),
        ("chat.stream.poem", case("chat.poem", Outcome.PASS), False),
        ("chat.stream.*", case("chat.stream.poem", Outcome.PASS), False),
        ("a.case.of.old", case("chat.stream.poem", Outcome.PASS), True),
    ],
)
def test_an_entry_is_gone_only_where_its_cases_were_judged(label: str, result: CaseResult, gone: bool) -> None:
    entry = replace(KNOWN, label=label)
    assert tolerate_in_run(run_report(result), [entry], TODAY).ledger.gone == ((entry,) if gone else ())


# -- written and read


def test_a_baseline_is_written_and_read_back(tmp_path: Path) -> None:
    found = [finding(label=f"chat.stream.{name}") for name in ("poem", "n")] + [finding("chat.stream.id")]
    new = renew_baseline(found, (), (), TODAY)
    path = tmp_path / "known.yaml"
    path.write_text(as_yaml(new))
    entries = load_baseline(path).entries
    assert split_tolerated(found, entries, TODAY)[0] == ()
    assert {one.reason for one in entries} == {"known on 2026-11-23"}
    assert {one.path for one in entries} == {"choices[*].delta"}
    assert [len(labels) for _, labels in group_by_label(entries)] == [1, 2]
    assert split_tolerated([finding("chat.stream.model")], entries, TODAY)[1] == ()


def test_renewing_keeps_reasons_and_dates_and_leaves_out_what_is_gone(tmp_path: Path) -> None:
    kept = replace(KNOWN, reason="#7, being mended", link="https://example.org/7", expires=date(2026, 1, 1))
    gone = replace(KNOWN, rule="chat.stream.model", label="chat.stream.n")
    new = renew_baseline([finding(), finding("chat.stream.id")], (kept, gone), (gone,), TODAY)
    assert (new.kept, new.removed, [one.rule for one in new.added]) == (
        (kept,),
        (gone,),
        ["chat.stream.id"],
    )
    path = tmp_path / "known.yaml"
    path.write_text(as_yaml(new))
    (read,) = (one for one in load_baseline(path).entries if one.rule == kept.rule)
    assert (read.reason, read.link, read.expires) == (kept.reason, kept.link, kept.expires)


def test_what_was_found_cannot_break_the_file(tmp_path: Path) -> None:
    strange = ToleranceEntry("chat.shape", "a: b # c", label="a: {b", path='x["*"].\n- y', actual="'\"", by="baseline")
    path = tmp_path / "known.yaml"
    path.write_text(as_yaml(NewBaseline((strange,), ())))
    (read,) = load_baseline(path).entries
    assert (read.label, read.path, read.actual, read.reason) == (
        strange.label,
        strange.path,
        strange.actual,
        strange.reason,
    )


MARK = "openai-contract-baseline: 1\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ":1: not a baseline: the first key is 'openai-contract-baseline: 1'"),
        ("openai-contract-baseline: 2\n", ":1: baseline version 2; this kit reads 1"),
        (MARK, ":1: `tolerate` is a list of entries, [] for none"),
        (MARK + "tolerat: []\n", ":2: unknown key 'tolerat'; did you mean 'tolerate'?"),
        (MARK + "select: [chat]\ntolerate: []\n", ":2: unknown key 'select'"),
        (MARK + "tolerate:\n- chat.id\n", ":3: an entry is a mapping with rule and reason"),
        (MARK + "tolerate:\n- rule: chat.id\n", ":3: the entry has no reason"),
        (MARK + "tolerate:\n- rule: chat.id\n  reason: ''\n", ":4: the entry has no reason"),
        (
            MARK + "tolerate:\n- reason: x\n  rule: chat.idd\n",
            ":4: no rule is called 'chat.idd'; did you mean",
        ),
        (MARK + "tolerate:\n- rule: chat\n  reason: x\n", ":3: no rule is called 'chat'"),
        (
            MARK + "tolerate:\n- rule: chat.id\n  reason: x\n  expire: x\n",
            ":5: unknown key 'expire'; ",
        ),
        (
            MARK + "tolerate:\n- rule: chat.id\n  reason: x\n  expires: soon\n",
            ":5: `expires` is a date",
        ),
        (MARK + "tolerate:\n- rule: chat.id\n  reason: 7\n", ":4: `reason` is a string"),
        (MARK + "tolerate:\n- rule: chat.id\n  reason: x\n  in: [3]\n", ":5: `in` is a string or a list"),
        (MARK + "tolerate:\n- rule: chat.id\n  reason: x\n  in: []\n", ":5: `in` is a string or a list"),
        (MARK + "tolerate:\n- rule: chat.id\n  reason: x\n  link: '#7'\n", ":5: `link` is a URL, not '#7'"),
        (MARK + "tolerate: [\n", ":3: not YAML"),
        (MARK + "tolerate: " + "[" * 4000, ":2: nested more than"),
    ],
)
def test_a_wrong_file_is_pointed_at(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "known.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_baseline(path)
    assert f"known.yaml{said}" in str(caught.value)


def test_a_profile_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    entry = {"rule": "chat.id", "reason": "why", "link": "https://example.org/1"}
    value = {"openai-contract-profile": 1, "about": "Mine.", "select": ["chat"], "tolerate": [entry]}
    path.write_text(json.dumps(value))  # JSON is YAML
    profile = load_profile(str(path))
    assert (profile.about, profile.select, profile.entries[0].by) == ("Mine.", ("chat",), f"profile {path}")
    for changes, said in (
        ({"select": ["chta"]}, "no case is called 'chta'"),
        ({"select": "chat"}, "`select` is a list"),
        ({"tolerate": [{**entry, "link": ""}]}, "the entry has no link"),
    ):
        path.write_text(yaml.safe_dump({**value, **changes}, sort_keys=False))
        with pytest.raises(UsageError, match=said):
            load_profile(str(path))
    with pytest.raises(UsageError, match="cannot be read"):
        load_profile(str(tmp_path / "none.yaml"))
