"""`contract shrink` as its users meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from contract_tests.cli.shrink import shrink_command
from contract_tests.recordings.recording import InputError
from contract_tests.rules import RULES, judge
from contract_tests.run.run import UsageError
from contract_tests.tests.shared import ROOT
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange

BROKEN = ROOT / "fixtures" / "broken"
TWO_RULES = BROKEN / "logprobs.bytes.yaml"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(shrink_command, [str(argument) for argument in arguments], standalone_mode=False)


def broken(name: str) -> Exchange:
    return fixture.load(BROKEN / f"{name}.yaml").exchange


def test_a_fixture_and_an_issue_are_written(tmp_path: Path) -> None:
    out, text = tmp_path / "small.yaml", tmp_path / "issue.md"

    done = run(BROKEN / "usage.adds-up.yaml", "--out", out, "--issue", text, "--title", "one token too many")

    assert done.return_value == 0, done.output
    made = fixture.load(out)
    assert (made.title, made.breaks) == ("one token too many", ("usage.adds-up",))
    assert judge(made.exchange).ids() == {"usage.adds-up"}
    assert "body bytes                    609 → 315" in done.output
    assert "SHRUNK" in done.output.splitlines()[-1]
    assert text.read_text().startswith("# one token too many\n")
    assert "contract replay" in text.read_text()
    assert "# one token too many" not in done.output


def test_the_issue_is_printed_where_no_file_is_named(tmp_path: Path) -> None:
    done = run(BROKEN / "errors.challenge.yaml", "--out", tmp_path / "small.yaml")

    assert "## Reproduce" in done.output
    assert "WWW-Authenticate: Bearer" in done.output


def test_of_several_rules_one_has_to_be_named(tmp_path: Path) -> None:
    error = run(TWO_RULES).exception
    assert isinstance(error, UsageError)
    assert "choose one with --rule: logprobs.bytes (SHOULD), logprobs.tell-the-text (MUST)" in str(error)

    done = run(TWO_RULES, "--rule", "logprobs.bytes", "--out", tmp_path / "small.yaml")
    assert done.return_value == 0
    assert "it also breaks logprobs.tell-the-text" in done.output


def test_what_is_not_broken_is_said(tmp_path: Path) -> None:
    done = run(BROKEN / "usage.adds-up.yaml", "--rule", "chat.id", "--out", tmp_path / "small.yaml")

    assert done.return_value == 1
    assert "usage.adds-up.yaml does not break chat.id; it breaks usage.adds-up" in done.output
    assert not (tmp_path / "small.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--rule", "usage.adds-upp"), "did you mean 'usage.adds-up'"),
        (("--rule", "relations.stream-equals-dict"), "no rule is called"),
        (("--rule", "usage.adds-up", "--main"), "use one of them"),
    ],
)
def test_wrong_use_is_one_clear_line(arguments: tuple[str, ...], said: str) -> None:
    error = run(BROKEN / "usage.adds-up.yaml", *arguments).exception

    assert isinstance(error, UsageError)
    assert said in str(error)


def test_a_relation_is_refused() -> None:
    relation = next(rule.id for rule in RULES.values() if rule.relation)

    assert "shrink works on one exchange" in str(run(TWO_RULES, "--rule", relation).exception)


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    assert "is a folder" in str(run(tmp_path, "--rule", "chat.id").exception)
    assert isinstance(run(tmp_path / "none.yaml").exception, InputError)


def lines(tmp_path: Path) -> Path:
    """Two recordings, of which the second has a total of its own."""
    path = tmp_path / "seen.jsonl"
    body = json.loads(broken("usage.adds-up").payload)
    with path.open("w") as file:
        for name, total in (("good", 20), ("bad", 21)):
            body["usage"]["total_tokens"] = total
            entry = {
                "id": name,
                "endpoint": "chat/completions",
                "request": {
                    "method": "POST",
                    "path": "/v1/chat/completions",
                    "body": {"model": "gpt-4o-mini"},
                },
                "response": {
                    "status": 200,
                    "headers": {"content-type": "application/json"},
                    "body_kind": "json",
                    "body": body,
                },
            }
            file.write(json.dumps(entry) + "\n")
    return path


def test_the_first_recording_that_fails_is_taken(tmp_path: Path) -> None:
    out = tmp_path / "small.yaml"

    assert run(lines(tmp_path), "--rule", "usage.adds-up", "--out", out).return_value == 0
    assert fixture.load(out).source == "seen.jsonl, bad"
    assert run(lines(tmp_path), "--id", "good", "--rule", "usage.adds-up").return_value == 1
    assert "no recording has the id 'none'" in str(run(lines(tmp_path), "--id", "none").exception)
    assert "choose a rule with --rule, or a recording with --id" in str(run(lines(tmp_path)).exception)
    assert "no recording breaks chat.id" in str(run(lines(tmp_path), "--rule", "chat.id").exception)
