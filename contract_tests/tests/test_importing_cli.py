"""`contract import` as its users meet it: what was imported, skipped, refused, and the exit code."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from contract_tests.cli import importing
from contract_tests.cli.importing import import_command
from contract_tests.recordings.judging import judge_files
from contract_tests.recordings.recording import InputError
from contract_tests.run.run import UsageError
from contract_tests.tests.shared import ROOT
from contract_tests.tests.test_importing import SAMPLES
from contract_tests.tests.test_importing_bad import CASSETTE, plain_cassette
from fake_server.relay.saving import Saved, SaveError, save_recording
from fake_server.replay.sources import load_exchanges
from fake_server.wire import fixture
from fake_server.wire.exchange import in_turn
from fake_server.wire.fixture import Fixture


def imported(*argv: str | Path) -> Result:
    return CliRunner().invoke(import_command, [str(one) for one in argv], standalone_mode=False)


def test_each_exchange_is_a_fixture_that_can_be_judged(tmp_path: Path) -> None:
    done = imported(SAMPLES / "mitm.har", SAMPLES / "vcr.yaml", "--out", tmp_path / "new")
    assert done.return_value == 0
    assert [" ".join(line.split()) for line in done.output.splitlines()[:3]] == [
        "mitm.har: 4 exchanges imported (1 skipped)",
        "skipped 1: not an endpoint of the OpenAI API",
        "vcr.yaml: 4 exchanges imported",
    ]
    assert "new" in done.output.splitlines()[-1]
    found = fixture.find(tmp_path / "new")
    assert len(found) == 8
    summary = judge_files([tmp_path / "new"])
    assert (summary.exchanges, summary.findings, summary.surprises) == (8, [], [])
    loaded = fixture.load(tmp_path / "new" / "mitm-models-31859108.yaml")
    assert "chunk boundaries" in loaded.notes


def test_imported_again_it_replaces_what_is_there(tmp_path: Path) -> None:
    for _ in range(2):
        imported(SAMPLES / "mitm.har", "--out", tmp_path)
        names = sorted(path.name for path in tmp_path.iterdir())
        assert len(names) == 8


def test_what_was_imported_is_replayed_in_the_order_of_the_files(tmp_path: Path) -> None:
    har = json.loads((SAMPLES / "mitm.har").read_text())
    [entry] = [entry for entry in har["log"]["entries"] if entry["request"]["url"].endswith("/v1/models")][:1]
    for file, statuses in (("b", range(401, 413)), ("a", range(413, 416))):
        entries = [{**entry, "response": {**entry["response"], "status": status}} for status in statuses]
        (tmp_path / f"{file}.har").write_text(json.dumps({"log": {**har["log"], "entries": entries}}))
    imported(tmp_path / "b.har", tmp_path / "a.har", "--out", tmp_path / "new")
    exchanges = load_exchanges(tmp_path / "new")
    assert [exchange.status for exchange in exchanges] == list(range(401, 416))
    assert [exchange.status for exchange in in_turn(reversed(exchanges))] == list(range(401, 416))
    for exchange in exchanges:
        assert isinstance(exchange.recorded, datetime)
    (tmp_path / "c.yaml").write_text(plain_cassette())
    imported(tmp_path / "c.yaml", "--out", tmp_path / "numbered")
    assert [exchange.recorded for exchange in load_exchanges(tmp_path / "numbered")] == [1]


def test_one_that_cannot_be_kept_is_told_and_the_others_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def picky(one: Fixture, path: Path) -> Saved:
        if one.exchange.status == 404:
            raise SaveError(f"{path.stem} is not saved: it still seems to hold a credential")
        return save_recording(one, path)

    monkeypatch.setattr(importing, "save_recording", picky)
    done = imported(SAMPLES / "mitm.har", "--out", tmp_path)
    assert done.return_value == 1
    assert "mitm.har: 3 exchanges imported (1 skipped, 1 refused)" in done.output
    assert "refused   mitm.har entry 2" in done.output
    assert len(fixture.find(tmp_path)) == 3


def test_what_curl_was_asked_can_be_told(tmp_path: Path) -> None:
    body = tmp_path / "asked.json"
    body.write_text(json.dumps({"model": "m", "stream": True}))
    url = "https://api.example.invalid/v1/chat/completions"
    argv = (SAMPLES / "curl-stream.txt", "--out", tmp_path / "new", "--url", url, "--data", f"@{body}")
    assert imported(*argv).return_value == 0
    (path,) = fixture.find(tmp_path / "new")
    loaded = fixture.load(path)
    assert loaded.exchange.request.json() == {"model": "m", "stream": True}
    assert loaded.source == f"curl-stream.txt reply 0 {url}"


def test_one_bad_file_does_not_end_the_import_of_the_others(tmp_path: Path) -> None:
    strange, cut = tmp_path / "strange.yaml", tmp_path / "cut.yaml"
    strange.write_text("requests: []\nresponses: []\n")
    cut.write_text(f"{plain_cassette()}- request: 7\n")
    files = (SAMPLES / "vcr.yaml", strange, cut, "fixtures/conforming/poem-dict.yaml", SAMPLES / "mitm.har")
    done = imported(*files, "--out", tmp_path / "new")
    assert done.return_value == 2
    lines = done.output.splitlines()
    assert [line for line in lines if "imported" in line] == [
        "vcr.yaml: 4 exchanges imported",
        "strange.yaml: 0 exchanges imported (not read to its end)",
        "cut.yaml: 1 exchange imported (not read to its end)",
        "poem-dict.yaml: 0 exchanges imported (not read to its end)",
        "mitm.har: 4 exchanges imported (1 skipped)",
    ]
    failed = [line for line in lines if line.startswith("failed")]
    assert [
        part in line for part, line in zip(("strange.yaml: not a", "interaction 1: ", "already a"), failed, strict=True)
    ]
    assert len(fixture.find(tmp_path / "new")) == 9
    assert lines[-1] == f"fixtures  {tmp_path / 'new'}"


def test_empty_and_unknown_bodies_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    second = (CASSETTE % ("''", "''")).partition("interactions:\n")[2]
    path.write_text((CASSETTE % ("null", "'{}'")) + second)
    done = imported(path, "--out", tmp_path / "new")
    assert done.return_value == 0
    assert [" ".join(line.split()) for line in done.output.splitlines()[:4]] == [
        "some.yaml: 2 exchanges imported",
        "unknown 1 of 2: requests whose body is unknown",
        "empty 1 of 2: replies whose body is empty",
        "empty 1 of 2: requests whose body is empty",
    ]
    path.write_text(CASSETTE % ("'{}'", "''"))
    done = imported(path, "--out", tmp_path / "new")
    assert (done.return_value, done.output.splitlines()[-1]) == (
        1,
        "every reply is empty: a replay of them proves nothing",
    )
    path.write_text((CASSETTE % ("'{}'", "''")).replace("code: 200", "code: 204"))
    assert imported(path, "--out", tmp_path / "new").return_value == 0


def test_an_import_of_nothing_is_no_success(tmp_path: Path) -> None:
    done = imported(SAMPLES / "mitm.har", "--endpoint", "nonsense", "--out", tmp_path / "new")
    assert done.return_value == 1
    assert done.output.splitlines()[-1] == "nothing was imported"
    assert "fixtures " not in done.output


def test_options_about_the_request_are_not_ignored_in_silence(tmp_path: Path) -> None:
    url = ("--url", "https://h.invalid/v1/chat/completions", "--data", "{}")
    done = imported(SAMPLES / "mitm.har", *url, "--out", tmp_path / "new")
    assert "ignored   --url and --data: the file itself says what was asked" in done.output
    done = imported(SAMPLES / "curl-stream.txt", *url, "--out", tmp_path / "new")
    assert "ignored" not in done.output


@pytest.mark.parametrize(
    ("argv", "error", "said"),
    [
        (["LICENSE"], InputError, "of a reply; give the format with --format"),
        (["README.md"], InputError, "README.md: no reply: neither a curl command nor a fence"),
        (["none.har"], InputError, "none.har: cannot be read"),
        (["fixtures/conforming/poem-dict.yaml"], UsageError, "is already a fixture"),
        ([SAMPLES / "curl-v.txt", "--url", "v1/models"], UsageError, "a URL must begin with"),
        ([SAMPLES / "curl-v.txt", "--url", "ftp://h/v1/models"], UsageError, "a URL must begin with"),
        ([SAMPLES / "curl-v.txt", "--url", "http://["], UsageError, "--url: 'http://[' is not a URL"),
        ([SAMPLES / "curl-v.txt", "--data", "@none"], UsageError, "--data @none: cannot be read"),
        ([SAMPLES / "curl-v.txt", "--format", "har"], InputError, "not JSON"),
        ([SAMPLES / "curl-v.txt", "--format", "pcap"], click.BadParameter, "pcap"),
    ],
)
def test_wrong_use_is_said(
    tmp_path: Path,
    argv: list[str | Path],
    error: type[Exception],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    done = imported(*argv, "--out", tmp_path / "new")
    assert isinstance(done.exception, error)
    assert said in str(done.exception)
    assert not (tmp_path / "new").exists()
