"""Baselines and required sections, live: the fake behind a proxy with one bug, then with a second one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result
from junitparser import JUnitXml

from contract_tests import report as report_package
from contract_tests.cli import cli
from contract_tests.target.errors import UsageError
from contract_tests.tests.planted import Bug, Planted, Reply, no_done, wrong_sum
from fake_server import FakeServer

SCHEMA = json.loads((Path(report_package.__file__ or "").parent / "schema.json").read_text())
CASES = ("--select", "chat.short", "--select", "chat.stream.short")


def contract(*argv: str) -> tuple[int, str]:
    """The command's exit code and what it said. Raises what the command raises."""
    done: Result = CliRunner().invoke(cli, argv, standalone_mode=False, catch_exceptions=False)
    return done.return_value, done.output


@contextmanager
def target(*bugs: Bug) -> Iterator[str]:
    def all_of_them(reply: Reply) -> None:
        for bug in bugs:
            bug(reply)

    with FakeServer(seed=1) as fake, Planted(fake.base_url, all_of_them) as proxy:
        yield proxy.base_url


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """A baseline written of a target with a wrong sum."""
    path = tmp_path / "known.yaml"
    with target(wrong_sum) as url:
        code, said = contract("baseline", url, *CASES, "--output", str(path))
    assert code == 0
    assert "+ usage.adds-up in chat.short at usage.total_tokens" in said
    assert "1 known finding of 1 rule: 1 added, 0 kept, 0 removed" in said
    return path


def test_a_known_bug_does_not_fail_and_is_told(known: Path, tmp_path: Path) -> None:
    json_path, junit = tmp_path / "r.json", tmp_path / "r.xml"
    files = ("--json", str(json_path), "--junit", str(junit))
    with target(wrong_sum) as url:
        code, said = contract("run", url, *CASES, "--baseline", str(known), *files)
    assert code == 0
    assert f"tolerated by baseline {known}: 1 finding of 1 rule" in said
    assert "      reason    known on 20" in said
    assert said.rstrip().splitlines()[-1].startswith("PASS  no findings (1 tolerated); 2 of ")
    report = json.loads(json_path.read_text())
    jsonschema.validate(report, SCHEMA)
    case = next(one for one in report["cases"] if one["id"] == "chat.short")
    assert (case["outcome"], case["findings"]) == ("warn", [])
    assert case["tolerated"][0]["rule"] == "usage.adds-up"
    assert case["tolerated"][0]["tolerated"]["by"] == f"baseline {known}"
    document = JUnitXml.fromfile(str(junit))
    assert document.failures == 0
    told = next(one for suite in document for one in suite if one.name == "chat.short").system_out
    assert f"tolerated by baseline {known}: known on" in told


def test_a_second_bug_fails(known: Path) -> None:
    with target(wrong_sum, no_done) as url:
        code, said = contract("run", url, *CASES, "--baseline", str(known))
    assert code == 1
    assert "✗ chat.stream.done-last   MUST" in said
    assert "FAIL  1 MUST finding of 1 rule (1 tolerated)" in said


def test_a_mended_bug_is_named_as_gone_and_left_out_when_written_anew(known: Path) -> None:
    with target() as url:
        code, said = contract("run", url, *CASES, "--baseline", str(known))
        assert code == 0
        place = "usage.adds-up in chat.short at usage.total_tokens"
        assert f"gone      {known}:5: {place} no longer occurs" in said
        code, said = contract("baseline", url, *CASES, "--output", str(known))
    assert (code, "0 added, 0 kept, 1 removed" in said) == (0, True)
    assert "tolerate: []" in known.read_text()


def test_what_has_expired_fails_again(known: Path) -> None:
    known.write_text(known.read_text().rstrip() + "\n  expires: 2026-01-31\n")
    with target(wrong_sum) as url:
        code, said = contract("run", url, *CASES, "--baseline", str(known))
        assert code == 1
        assert "✗ usage.adds-up   MUST" in said
        assert f"expired   {known}:5: usage.adds-up in chat.short at usage.total_tokens was" in said
        code, said = contract("baseline", url, *CASES, "--output", str(known))
    assert (code, "0 added, 1 kept, 0 removed" in said) == (0, True)
    assert "expires: '2026-01-31'" in known.read_text()


def test_a_run_that_was_stopped_writes_no_baseline(tmp_path: Path) -> None:
    path = tmp_path / "known.yaml"
    with target(wrong_sum) as url:
        code, said = contract("baseline", url, *CASES, "--max-requests", "3", "--output", str(path))
    assert (code, path.exists()) == (3, False)
    assert "not written:" in said


def without_n(reply: Reply) -> None:
    """A target that gives one answer alone and says so."""
    if reply.asked.get("n", 1) > 1:
        reply.status, reply.kind = 400, "application/json"
        words = {"message": "only one answer is given", "type": "invalid_request_error"}
        reply.value = {"error": {**words, "param": "n", "code": "unsupported_parameter"}}


def test_a_required_section_that_is_unsupported_fails(tmp_path: Path) -> None:
    cases = ("--select", "chat.short", "--select", "chat.n")
    json_path, junit = tmp_path / "r.json", tmp_path / "r.xml"
    with target(without_n) as url:
        assert contract("run", url, *cases)[0] == 0
        assert contract("run", url, *cases, "--require", "chat.short")[0] == 0
        files = ("--json", str(json_path), "--junit", str(junit))
        code, said = contract("run", url, *cases, "--require", "chat", *files)
    assert code == 1
    assert "✗ chat   REQUIRED\n    unsupported    chat.n: status 400 names n" in said
    assert "FAIL  no findings, but chat is required and was not reached completely; 2 of " in said
    report = json.loads(json_path.read_text())
    jsonschema.validate(report, SCHEMA)
    assert [(one["section"], one["outcome"], one["cases"]) for one in report["lacking"]] == [
        ("chat", "unsupported", ["chat.n"])
    ]
    document = JUnitXml.fromfile(str(junit))
    mark = next(one for suite in document for one in suite if one.name == "chat.n").result[0]
    assert mark.message.startswith("chat is required; unsupported: status 400 names n")
    assert document.failures == 1


def test_a_required_section_that_was_not_reached_leaves_no_verdict() -> None:
    cases = ("--select", "chat.short", "--select", "models", "--concurrency", "1", "--max-requests", "4")
    with target() as url:
        assert contract("run", url, *cases)[0] == 0
        code, said = contract("run", url, *cases, "--require", "models")
    assert code == 3
    assert "NOT REACHED  no findings, but models is required and was not reached completely" in said


def test_what_is_required_has_to_be_asked() -> None:
    with pytest.raises(UsageError, match="--require: there is no case or section 'tool'; did you mean 'tools'"):
        contract("run", "http://127.0.0.1:1", "--require", "tool")
    with pytest.raises(UsageError, match="--require: the run has no case of 'models'; check --select"):
        contract("run", "http://127.0.0.1:1", "--profile", "chat-only", "--require", "models")


def test_a_profile_chooses_the_cases_where_none_are_typed() -> None:
    code, said = contract("run", "--list", "--profile", "chat-only")
    assert code == 0
    assert "chat.stream.poem" in said
    assert "models.list" not in said
    assert "models.list" in contract("run", "--list", "--profile", "chat-only", "--select", "models")[1]


def test_profile_baseline_and_what_is_required_can_stand_in_the_file(known: Path, tmp_path: Path) -> None:
    config = tmp_path / "contract.toml"
    config.write_text(
        f'select = ["chat.short"]\nprofile = "azure"\nrequire = ["chat"]\nfail-on = "note"\nbaseline = "{known}"\n'
    )
    with target(wrong_sum) as url:
        code, said = contract("run", url, "--config", str(config))
        assert (code, "(1 tolerated)" in said) == (0, True)
        again = tmp_path / "again.yaml"
        assert contract("baseline", url, "--config", str(config), "--output", str(again))[0] == 0
    assert "usage.adds-up" in again.read_text()
