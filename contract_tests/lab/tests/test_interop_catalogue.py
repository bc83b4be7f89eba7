"""The catalogue of servers, their scripts and what is expected of them fit together."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from contract_tests.cases import CASES
from contract_tests.lab.interop import expected
from contract_tests.lab.interop.catalogue import SCRIPTS, SERVERS, Server
from contract_tests.lab.interop.expected import BadExpectations, Change, Known
from contract_tests.lab.interop.judging import Leg, Verdict, find_verdict
from contract_tests.lab.interop.reporting import format_last_line, format_table
from contract_tests.rules import RULES
from contract_tests.rules.engine.judge import Finding, Level
from contract_tests.rules.engine.node import Place
from contract_tests.run.outcome import CaseResult, Outcome, RunReport

RULE = RULES["chat.id"]


def leg(*findings: Finding, outcome: Outcome = Outcome.FAIL, verdict: Verdict = Verdict.JUDGED) -> Leg:
    result = CaseResult("chat.short", "chat", "short answer", outcome, findings)
    return Leg(SERVERS["g4f"], verdict, report=RunReport("http://t/v1", "m", (result,), 3, 1.5), memory=5 << 20)


FOUND = Finding(RULE, Place(), "missing", "a string", "chat.short")


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
def test_each_server_has_a_script_and_exact_versions(server: Server) -> None:
    assert os.access(server.script, os.X_OK)
    assert "serve /" in server.script.read_text()
    assert server.pins.is_file() is bool(server.requirements)
    if server.requirements:
        lines = [line for line in server.pins.read_text().splitlines() if not line.startswith("#")]
        assert all(re.fullmatch(r"[\w.-]+==[\w.!+-]+", line) for line in lines)
        package = server.package or server.name
        assert f"{package}=={server.version}" in [line.replace("_", "-") for line in lines]
    else:
        lock = json.loads((SCRIPTS / server.name / "package-lock.json").read_text())
        versions = {name: entry["version"] for name, entry in lock["packages"].items() if name}
        assert server.version in versions.values()
        assert all("integrity" in entry for name, entry in lock["packages"].items() if name)


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
def test_each_script_prints_its_usage(server: Server) -> None:
    done = subprocess.run(["bash", server.script, "x"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"usage: {server.name}.sh ENVIRONMENT WORKDIR PORT UPSTREAM")


def test_what_is_expected_names_servers_and_rules_that_exist() -> None:
    known = expected.load()
    levels = {rule.id: rule.level for rule in RULES.values()}
    assert set(known) == set(SERVERS)
    for name, entry in known.items():
        assert entry.version == SERVERS[name].version
        assert [rule for rule in (*entry.must, *entry.sometimes) if levels.get(rule) is not Level.MUST] == []
    assert expected.serialize((), known) == expected.FILE.read_text()


def test_new_and_gone_rules_are_told_apart() -> None:
    known = {"g4f": Known("8", ("chat.model",), ("chat.object",))}
    assert expected.find_change(leg(FOUND), known) == Change(new=("chat.id",), gone=("chat.model",))
    assert expected.find_change(leg(FOUND, verdict=Verdict.PARTLY), known) == Change(new=("chat.id",))
    assert expected.find_change(leg(FOUND), {"g4f": Known("8", (), ("chat.id",))}) == Change()
    assert expected.find_change(Leg(SERVERS["g4f"], Verdict.SKIPPED), known) == Change()


def test_expectations_are_written_for_complete_legs_only(tmp_path: Path) -> None:
    file = tmp_path / "expected.toml"
    known = {"g4f": Known("7", ("chat.model",), ("chat.object",)), "old": Known("1")}
    file.write_text(expected.serialize([leg(FOUND)], known))
    assert expected.load(file) == {"g4f": Known("8.8.6", ("chat.id",), ("chat.object",)), "old": Known("1")}
    file.write_text(expected.serialize([leg(FOUND, verdict=Verdict.PARTLY)], known))
    assert expected.load(file) == known
    assert expected.load(tmp_path / "absent.toml") == {}


@pytest.mark.parametrize("text", ["[g4f]\nversion = 1", "no toml", "g4f = 3"])
def test_a_bad_file_of_expectations_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "expected.toml").write_text(text)
    with pytest.raises(BadExpectations, match=r"expected\.toml cannot be read"):
        expected.load(tmp_path / "expected.toml")


def test_the_table_leaves_out_outcomes_that_nobody_had() -> None:
    skipped = Leg(SERVERS["portkey"], Verdict.SKIPPED, "node not found")
    lines = format_table([leg(FOUND), skipped], {"g4f": Change(new=("chat.id",)), "portkey": Change()}).splitlines()
    assert lines[0].split() == [
        *("server", "version", "fail", "MUST", "SHOULD", "requests", "seconds", "start", "memory", "rules")
    ]
    assert " ".join(lines[1].split()) == "g4f 8.8.6 1 1 0 3 1.5 0.0 s 5 MB new: chat.id"
    assert " ".join(lines[2].split()) == "portkey 1.15.2 - - - - - - - skipped"
    text = format_last_line([leg(FOUND), skipped], skip_missing=False, seconds=7.4)
    assert text == "interop: 1 server judged, 1 MUST finding, 0 SHOULD, skipped: portkey (7 s)"


def test_the_table_says_what_became_of_responses() -> None:
    asked = leg(FOUND).report
    assert asked is not None
    ended = {"responses.short": Outcome.PASS, "responses.tools": Outcome.PASS, "responses.stream.short": Outcome.FAIL}
    results = tuple(CaseResult(name, "responses", "a response", outcome, ()) for name, outcome in ended.items())
    judged = Leg(SERVERS["g4f"], Verdict.JUDGED, report=replace(asked, results=(*asked.results, *results)))
    lines = format_table([judged], {"g4f": Change()}).splitlines()
    at = lines[0].index("responses")
    assert lines[1][at:].startswith("2 pass, 1 fail")


@pytest.mark.parametrize("outcome", [Outcome.NOT_REACHED, Outcome.SETUP_FAILED, Outcome.HARNESS_FAILED])
def test_a_case_that_did_not_end_makes_the_leg_partial(outcome: Outcome) -> None:
    report = leg(outcome=outcome).report
    assert report is not None
    assert find_verdict(report) == (Verdict.PARTLY, f"chat.short: {outcome}: ")
    assert Counter(leg(outcome=outcome).outcomes) == {outcome: 1}


@pytest.mark.parametrize("outcome", [Outcome.NOT_REACHED, Outcome.SETUP_FAILED])
def test_cases_that_random_weights_leave_unreached_are_excused_by_name(outcome: Outcome) -> None:
    report = leg(outcome=outcome).report
    assert report is not None
    assert find_verdict(report, ["chat.short"]) == (Verdict.JUDGED, "")
    assert find_verdict(report, ["chat.n"])[0] is Verdict.PARTLY


def test_what_is_excused_is_a_case_and_no_trouble_of_the_kit() -> None:
    assert {case for server in SERVERS.values() for case in server.unreached} <= set(CASES)
    report = leg(outcome=Outcome.HARNESS_FAILED).report
    assert report is not None
    assert find_verdict(report, ["chat.short"])[0] is Verdict.PARTLY


def test_the_tiny_model_is_the_same_file_every_time(tmp_path: Path) -> None:
    script = SCRIPTS / "llama-server" / "tiny_gguf.py"
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        out = tmp_path / name / "tiny.gguf"
        subprocess.run([sys.executable, script, out], check=True)
        written.append(out.read_bytes())
    assert written[0] == written[1]
    magic, version, tensors, fields = struct.unpack_from("<4sIQQ", written[0])
    assert (magic, version, tensors, fields) == (b"GGUF", 3, 21, 20)
    assert len(written[0]) < 500_000


def test_headers_name_the_upstream() -> None:
    assert dict(SERVERS["portkey"].headers_for("http://127.0.0.1:9/v1")) == {
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": "http://127.0.0.1:9/v1",
    }
