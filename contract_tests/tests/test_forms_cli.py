"""Commands write every form of their report, and a saved report makes the same ones later."""

from __future__ import annotations

import json
from pathlib import Path

from contract_tests.lab.tools.command import run_contract
from contract_tests.report.forms import FORMS
from contract_tests.tests.planted import Planted, wrong_sum
from contract_tests.tests.shared import ROOT
from fake_server import FakeServer

BROKEN = ROOT / "fixtures" / "broken" / "usage.adds-up.yaml"


def files_for(folder: Path, *leave_out: str) -> list[str]:
    folder.mkdir()
    options = [option for option in FORMS if option not in leave_out]
    return [word for option in options for word in (option, str(folder / option.strip("-")))]


def texts_in(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())}


def test_a_judgement_has_the_same_forms_later(tmp_path: Path) -> None:
    done = run_contract("judge", str(BROKEN), *files_for(tmp_path / "now", "--junit"))
    assert done.returncode == 1
    saved = tmp_path / "now" / "json"
    done = run_contract("report", str(saved), *files_for(tmp_path / "later", "--json", "--junit"))
    assert (done.returncode, done.stderr) == (0, "")
    now, later = texts_in(tmp_path / "now"), texts_in(tmp_path / "later")
    assert {name: now[name] for name in later} == later
    location = json.loads(later["sarif"])["runs"][0]["results"][0]["locations"][0]
    assert location["physicalLocation"]["artifactLocation"]["uri"].endswith("/fixtures/broken/usage.adds-up.yaml")


def test_a_run_has_the_same_forms_later_and_names_what_it_saved(tmp_path: Path) -> None:
    with FakeServer(seed=1) as fake, Planted(fake.root, wrong_sum) as target:
        config = tmp_path / "contract.toml"
        config.write_text(f'url = "{target.base_url}"\nmodel = "m"\nselect = ["chat.short", "chat.poem"]\n')
        words = ("run", "--config", str(config), "--record", str(tmp_path / "recordings"), "--annotations")
        done = run_contract(
            *words, "--step-summary", *files_for(tmp_path / "now"), GITHUB_STEP_SUMMARY=str(tmp_path / "s")
        )
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert lines[-1].startswith("FAIL")
    annotation, selected = [line for line in lines if line.startswith("::")]
    assert annotation.startswith("::error title=usage.adds-up (MUST)::")
    assert selected.startswith("::notice title=OpenAI contract%3A not everything was selected::--select chat.short")
    now = texts_in(tmp_path / "now")
    assert (tmp_path / "s").read_text(encoding="utf-8") == now["markdown"]
    done = run_contract("report", str(tmp_path / "now" / "json"), *files_for(tmp_path / "later", "--json"))
    later = texts_in(tmp_path / "later")
    assert {name: now[name] for name in later} == later
    document = json.loads(now["json"])
    assert document["config"] == str(config)
    for label, origin in document["recordings"].items():
        assert Path(origin["file"]).read_text(encoding="utf-8").startswith("openai-contract-fixture"), label


def test_the_summary_of_a_step_is_appended(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("# before\n")
    done = run_contract("judge", str(BROKEN), "--step-summary", GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 1
    assert summary.read_text(encoding="utf-8").startswith("# before\n### ❌ OpenAI contract: FAIL\n")


def test_what_cannot_be_written_is_said_and_the_rest_is_written(tmp_path: Path) -> None:
    made = tmp_path / "b.svg"
    done = run_contract(
        "judge", str(BROKEN), "--badge", str(made), "--step-summary", GITHUB_STEP_SUMMARY=str(tmp_path / "none" / "s")
    )
    assert done.returncode == 2
    assert "$GITHUB_STEP_SUMMARY" in done.stderr
    assert made.exists()
