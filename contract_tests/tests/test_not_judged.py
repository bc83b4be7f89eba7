"""A command that fails leaves no report of an earlier run: each form says that nothing was judged, and why."""

from __future__ import annotations

import html
import json
from pathlib import Path
from unittest import mock

import pytest
from junitparser import JUnitXml

from contract_tests.cli import forms as cli_forms
from contract_tests.lab.tools.command import run_contract
from contract_tests.report.forms import FORMS, Form
from contract_tests.report.saved import read_document
from contract_tests.tests.shared import ROOT
from fake_server import FakeServer

NOBODY = "http://127.0.0.1:9/v1"
BROKEN = str(ROOT / "fixtures" / "broken" / "usage.adds-up.yaml")
STALE = "PASS of an earlier run"


def stale_files(folder: Path, *leave_out: str) -> list[str]:
    """The options of all forms, each with a file of an earlier run."""
    words = []
    for option in FORMS:
        if option not in leave_out:
            path = folder / option.strip("-")
            path.write_text(STALE)
            words += [option, str(path)]
    return words


def texts_in(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())}


def check(folder: Path, why: str, *lacking: str) -> None:
    """Every form says that nothing was judged and why."""
    texts = texts_in(folder)
    assert set(texts) == {option.strip("-") for option in FORMS} - set(lacking)
    for name, text in texts.items():
        assert STALE not in text
        if name == "shields":
            assert json.loads(text)["message"] == "not judged"
            assert json.loads(text)["color"] == "lightgrey"
        elif name != "sarif":
            assert why in html.unescape(text), name
        if name not in ("json", "shields"):
            assert "not judged" in text.lower(), name
    (run,) = json.loads(texts["sarif"])["runs"]
    assert run["invocations"][0]["executionSuccessful"] is False
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["level"] == "error"
    assert why in notification["message"]["text"]
    if "junit" in texts:
        assert JUnitXml.fromstring(texts["junit"].encode()).errors == 1
    assert read_document(folder / "json")["verdict"] in ("not reached", "harness failed")


def test_a_target_that_is_not_there(tmp_path: Path) -> None:
    done = run_contract("run", NOBODY, "--annotations", *stale_files(tmp_path))
    assert done.returncode == 3
    check(tmp_path, "127.0.0.1 port 9 refused the connection")
    assert json.loads((tmp_path / "json").read_text(encoding="utf-8"))["exit_code"] == 3
    assert "::error title=OpenAI contract%3A NOT REACHED::not judged: 127.0.0.1 port 9" in done.stdout


def test_a_target_that_refuses_everything(tmp_path: Path) -> None:
    with FakeServer([], seed=1, plain=True, api_key="another") as fake:
        done = run_contract("run", fake.base_url, *stale_files(tmp_path), OPENAI_API_KEY="sk-wrong-key-0123456789")
    assert done.returncode == 3
    check(tmp_path, "401")
    assert "sk-wrong-key" not in "".join(texts_in(tmp_path).values())


def test_a_mistake_in_the_words_of_the_command(tmp_path: Path) -> None:
    done = run_contract("run", NOBODY, "--select", "chats", *stale_files(tmp_path))
    assert done.returncode == 2
    new = tmp_path / "new"
    assert run_contract("run", NOBODY, "--select", "chats", "--junit", str(new)).returncode == 2
    assert not new.exists()
    check(tmp_path, "no case is called 'chats'")


@pytest.mark.parametrize("raised", [RuntimeError("a mistake of the kit"), KeyboardInterrupt()], ids=["kit", "Ctrl-C"])
def test_a_failure_of_the_kit_and_an_interrupt(tmp_path: Path, raised: BaseException) -> None:
    with mock.patch("contract_tests.cli.run.ask", side_effect=raised):
        done = run_contract("run", NOBODY, *stale_files(tmp_path))
    is_of_the_kit = isinstance(raised, RuntimeError)
    assert done.returncode == (4 if is_of_the_kit else 3)
    check(tmp_path, "RuntimeError: a mistake of the kit" if is_of_the_kit else "the run was interrupted")


def test_recordings_that_are_not_there(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    done = run_contract("judge", str(tmp_path / "none.jsonl"), *stale_files(folder, "--junit"))
    assert done.returncode == 2
    check(folder, "none.jsonl", "junit")


def test_a_saved_report_that_is_not_there(tmp_path: Path) -> None:
    folder = tmp_path / "forms"
    folder.mkdir()
    words = stale_files(folder, "--json")
    done = run_contract("report", str(tmp_path / "none.json"), *words)
    assert done.returncode == 2
    for name, text in texts_in(folder).items():
        assert STALE not in text, name


def test_a_form_that_cannot_be_made_is_removed(tmp_path: Path) -> None:
    def fail(_: object) -> str:
        raise RuntimeError("a mistake of the form")

    changed = {**FORMS, "--html": Form("--html", "", fail)}
    with mock.patch.object(cli_forms, "FORMS", changed):
        done = run_contract("judge", BROKEN, *stale_files(tmp_path, "--junit"))
    assert done.returncode == 4
    texts = texts_in(tmp_path)
    assert "html" not in texts
    assert STALE not in "".join(texts.values())


@pytest.mark.parametrize(
    "words",
    [
        ("ready", NOBODY, "--for", "codex", "--json"),
        ("diff", BROKEN, "none.json", "--json"),
        ("matrix", "none.json", "--html"),
    ],
    ids=lambda words: words[0],
)
def test_other_reports_of_an_earlier_run_are_removed(tmp_path: Path, words: tuple[str, ...]) -> None:
    stale = tmp_path / "stale"
    stale.write_text(STALE)
    assert run_contract(*words, str(stale)).returncode in (2, 3)
    assert not stale.exists()


def test_a_baseline_is_no_report_and_stays(tmp_path: Path) -> None:
    baseline = tmp_path / "known.yaml"
    baseline.write_text("openai-contract-baseline: 1\ntolerate: []\n")
    assert run_contract("baseline", NOBODY, "--output", str(baseline)).returncode == 3
    assert baseline.exists()


def test_a_list_of_cases_is_no_report(tmp_path: Path) -> None:
    done = run_contract("run", NOBODY, "--list", "--html", str(tmp_path / "page.html"))
    assert done.returncode == 2
    assert "--list asks nothing, so that there is nothing to report" in done.stderr


def test_a_run_that_reached_nothing_says_why_in_every_form(tmp_path: Path) -> None:
    with FakeServer([], seed=1, plain=True) as fake:
        words = [word for option in FORMS for word in (option, str(tmp_path / option.strip("-")))]
        done = run_contract("run", fake.base_url, "--select", "chat", "--max-requests", "3", "--annotations", *words)
    assert done.returncode == 3
    why = "the limit of 3 requests is reached"
    texts = texts_in(tmp_path)
    assert JUnitXml.fromstring(texts["junit"].encode()).errors == 1
    (run,) = json.loads(texts["sarif"])["runs"]
    (first, *_) = run["invocations"][0]["toolExecutionNotifications"]
    assert (first["level"], why in first["message"]["text"]) == ("error", True)
    assert why in html.unescape(texts["html"])
    assert why in next(line for line in done.stdout.splitlines() if line.startswith("::error"))


def test_a_surprise_of_offline_fails_in_every_form(tmp_path: Path) -> None:
    with mock.patch("contract_tests.cli.offline._recorded_bugs", return_value=["a-bug: breaks nothing"]):
        words = [word for option in FORMS for word in (option, str(tmp_path / option.strip("-")))]
        done = run_contract("offline", *words)
    texts = texts_in(tmp_path)
    assert (done.returncode, json.loads(texts["json"])["verdict"]) == (1, "fail")
    assert json.loads(texts["shields"])["message"].startswith("fail")
    assert "surprise: a-bug: breaks nothing" in texts["json"]
    assert "surprise: a-bug: breaks nothing" in done.stdout
