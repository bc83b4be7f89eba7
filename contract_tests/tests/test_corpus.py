"""`contract export`: the corpus as data, whole, the same each time, and read by another language."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from contract_tests.cli import cli
from contract_tests.corpus.corpus import read_entries
from contract_tests.corpus.writing import build, export
from contract_tests.lab.tools import processes
from contract_tests.rules import RULES
from contract_tests.rules.history import load_history, since
from fake_server.relay.redact.scan import scan


@pytest.fixture(scope="module")
def corpus() -> dict[str, bytes]:
    return build()


def test_every_rule_has_an_exchange_that_keeps_it_and_one_that_breaks_it(corpus: dict[str, bytes]) -> None:
    rules = {rule["id"]: rule for rule in json.loads(corpus["rules.json"])["rules"]}
    assert list(rules) == list(RULES)
    alone = {name for name, rule in rules.items() if not rule["relation"]}
    assert not {name for name in alone if not (rules[name]["kept"] and rules[name]["broken"])}
    examples = json.loads(corpus["relations.json"])["examples"]
    broken = {example["rule"] for example in examples if example["form"] == "broken" and example["findings"]}
    assert broken == set(rules) - alone == {example["rule"] for example in examples}
    assert not [example for example in examples if example["form"] == "kept" and example["findings"]]


def test_the_fixture_named_after_a_rule_breaks_what_it_says_and_no_more() -> None:
    for entry in read_entries():
        kind, _, name = entry.name.rpartition("/")
        flagged = entry.judgement.ids()
        if kind == "broken":
            assert name in flagged
            assert flagged == set(entry.fixture.breaks), name
        elif kind != "bugs":
            assert not flagged, entry.name


@pytest.mark.security("credentials in written files")
def test_nothing_in_it_looks_like_a_credential() -> None:
    leaking = {entry.name for entry in read_entries() if scan(entry.fixture.exchange)}
    assert leaking == {"broken/http.key-kept", "conforming/with-key-dict"}, "which are about a key; it is made up"


def test_node_reads_it_and_counts_the_same(tmp_path: Path) -> None:
    files = export(tmp_path / "corpus")
    counts = json.loads(files["index.json"])["counts"]
    report = _read(tmp_path / "corpus")
    assert report["problems"] == []
    assert report["counts"] == counts
    assert all(tally["broken"] for tally in report["judged"].values()), "each rule written anew sees what breaks it"


def test_node_sees_what_was_changed(tmp_path: Path) -> None:
    export(tmp_path / "corpus")
    body = tmp_path / "corpus" / "exchanges" / "broken" / "chat.role" / "reply.body"
    body.write_bytes(body.read_bytes().replace(b'"role":"', b'"rule":"'))
    problems = _read(tmp_path / "corpus")["problems"]
    assert any("SHA-256" in problem for problem in problems)


def _read(folder: Path) -> Any:
    try:
        done = processes.run(["node", folder / "check.mjs", "--json"], env=processes.child_environment(), seconds=120)
    except processes.ProcessFailed as error:
        pytest.skip(f"node: {error}")
    return json.loads(done.stdout)


def test_a_folder_with_something_in_it_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    done = CliRunner().invoke(cli, ["export", str(tmp_path)])
    assert done.exit_code == 2
    assert "name a folder that is new or empty" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["export", str(tmp_path / "a" / "b")])
    assert done.exit_code == 2
    assert "there is no folder" in done.output


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    done = CliRunner().invoke(cli, ["export", str(tmp_path / "corpus")])
    assert done.exit_code == 1
    assert "No space left on device" in done.output
    assert not list(tmp_path.iterdir())


def test_every_rule_has_a_version(corpus: dict[str, bytes]) -> None:
    assert {since(name) for name in RULES} <= set(load_history())
    assert since("chat.id") == "0.1.0"
