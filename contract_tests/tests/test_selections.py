"""A report of a selection says so in every form, and its coverage is that of the whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract_tests.cases import CASES
from contract_tests.lab.tools.command import run_contract
from contract_tests.report.document import Document
from contract_tests.report.files import finish
from contract_tests.report.forms import FORMS
from contract_tests.report.forms.annotations import format_annotations
from contract_tests.run.outcome import ExitCode, Outcome, RunReport
from contract_tests.tests.documents import document_of
from contract_tests.tests.shared import ROOT
from contract_tests.tests.test_report import result
from fake_server import FakeServer

SELECTION = {"by": ["--select chat.short"], "left_out": {"chat": 3, "models": 6}}


def of_selection() -> Document:
    """One case that passes, of ten: of its section three others, of another section six."""
    document = document_of(RunReport("http://127.0.0.1:1/v1", "m", (result("chat.short", Outcome.PASS),)), ExitCode.OK)
    return finish({**document, "selection": SELECTION}, ())


def test_coverage_is_that_of_the_whole() -> None:
    summary = of_selection()["summary"]
    assert summary["total"]["coverage"] == {"count": 1, "of": 10, "percent": 10}
    assert summary["total"]["conformance"] == {"count": 1, "of": 1, "percent": 100}
    assert {name: numbers["coverage"]["of"] for name, numbers in summary["tiers"].items()} == {"chat": 4, "other": 6}
    assert {name: numbers["coverage"]["of"] for name, numbers in summary["sections"].items()} == {"chat": 4}


FORMATS = {**{option: form.format for option, form in FORMS.items()}, "--annotations": format_annotations}


@pytest.mark.parametrize("option", FORMATS)
def test_every_form_says_what_was_selected(option: str) -> None:
    text = FORMATS[option](of_selection())
    assert "100% coverage" not in text
    if option != "--shields":  # which has room for a few words
        assert "--select chat.short" in text
    assert "selection" in text or "selected" in text


@pytest.mark.parametrize("option", FORMATS)
def test_no_form_speaks_of_a_selection_where_there_was_none(option: str) -> None:
    whole = document_of(RunReport("http://127.0.0.1:1/v1", "m", (result("chat.short", Outcome.PASS),)), ExitCode.OK)
    assert "left out" not in FORMATS[option](whole)
    if option != "--html":  # whose script and style know the word
        assert "select" not in FORMATS[option](whole)


@pytest.mark.parametrize(
    ("words", "by"),
    [
        (("--select", "models.list"), "--select models.list"),
        (("--profile", "{profile}"), "profile {profile}"),
    ],
    ids=["select", "profile"],
)
def test_a_run_says_what_it_left_out(tmp_path: Path, words: tuple[str, ...], by: str) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text("openai-contract-profile: 1\nselect: [models.list]\ntolerate: []\n")
    saved = tmp_path / "r.json"
    with FakeServer([], seed=1, plain=True) as fake:
        given = [word.format(profile=profile) for word in words]
        done = run_contract("run", fake.base_url, *given, "--json", str(saved))
    document = json.loads(saved.read_text(encoding="utf-8"))
    asked = len(document["cases"])
    assert document["selection"]["by"] == [by.format(profile=profile)]
    assert sum(document["selection"]["left_out"].values()) == len(CASES) - asked
    assert document["summary"]["total"]["coverage"]["of"] == len(CASES)
    assert f"selected  {by.format(profile=profile)}; {len(CASES) - asked} other cases were not asked" in done.stdout
    assert f"; {asked} of {len(CASES)} cases" in done.stdout.splitlines()[-1]


def test_a_judgement_says_what_it_left_out(tmp_path: Path) -> None:
    saved = tmp_path / "r.json"
    words = ("judge", str(ROOT / "fixtures" / "conforming"), "--json", str(saved))
    run_contract(*words)
    whole = json.loads(saved.read_text(encoding="utf-8"))
    done = run_contract(*words, "--endpoint", "chat/completions", "--select", "chat.id")
    part = json.loads(saved.read_text(encoding="utf-8"))
    assert "selection" not in whole
    assert part["selection"]["by"] == ["--endpoint chat/completions", "--select chat.id"]
    assert part["summary"]["total"]["coverage"]["of"] == whole["exchanges"] > part["exchanges"]
    left_out = whole["exchanges"] - part["exchanges"]
    expected = f"selected  --endpoint chat/completions, --select chat.id; {left_out} other exchanges left out"
    assert expected in done.stdout


def test_coverage_by_selected_rules_is_of_what_they_judged(tmp_path: Path) -> None:
    saved = tmp_path / "r.json"
    recordings = str(ROOT / "fixtures" / "conforming")
    done = run_contract("judge", recordings, "--select", "embeddings", "--json", str(saved))
    document = json.loads(saved.read_text(encoding="utf-8"))
    coverage = document["summary"]["total"]["coverage"]
    assert 0 < coverage["count"] < coverage["of"] == document["exchanges"]
    assert "no selected rule covers it" in done.stdout
    run_contract("report", str(saved), "--markdown", str(tmp_path / "r.md"))
    assert "by the selected rules alone" in (tmp_path / "r.md").read_text(encoding="utf-8")
