"""`contract sandwich` from the command line, and what ends a run before its end."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from contract_tests.lab.tools.command import run_contract
from contract_tests.run.outcome import CaseResult, Outcome
from contract_tests.sandwich import declaration
from contract_tests.sandwich.driving import Drive, drive
from contract_tests.sandwich.parameters import probes as parameter_probes
from contract_tests.sandwich.probe import PLAIN
from contract_tests.sandwich.probes import probes
from contract_tests.sandwich.rules.catalogue import RULES
from contract_tests.sandwich.upstream import Upstream
from contract_tests.target.endpoints import CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES
from contract_tests.target.errors import UsageError
from contract_tests.target.options import Options
from contract_tests.tests.sandwich_proxies import Hooks, Proxy, serving
from contract_tests.tests.test_sandwich import CALLER, free_port, without
from fake_server.api.validate import chat, completions, embeddings, responses
from fake_server.testing.server import FakeServer

SOME = ("request.chat.logit_bias", "request.chat.max_tokens", "reply.chat.text")


def sandwich(hooks: Hooks, *words: str, select: tuple[str, ...] = SOME) -> Any:
    port = free_port()
    chosen = [word for prefix in select for word in ("--select", prefix)]
    with serving(Proxy(f"http://127.0.0.1:{port}", hooks)) as url:
        given = ["--proxy", url, "--model", "gpt-4o", "--upstream-port", str(port), "--wait", "20"]
        return run_contract("sandwich", *given, *chosen, *words, OPENAI_API_KEY=CALLER)


def test_the_report_names_what_was_dropped_and_shows_no_key(tmp_path: Path) -> None:
    files = [
        word for form in ("json", "html", "junit", "sarif", "markdown") for word in (f"--{form}", str(tmp_path / form))
    ]
    done = sandwich(Hooks(request=without("logit_bias")), *files)
    assert done.returncode == 1, done.stderr
    assert "point the proxy there" in done.stdout
    assert "sandwich.request.dropped" in done.stdout
    assert re.search(r"request\.chat +2 +2", done.stdout), done.stdout
    document = json.loads((tmp_path / "json").read_text())
    assert {finding["rule"] for case in document["cases"] for finding in case["findings"]} == {
        "sandwich.request.dropped",
        "sandwich.request.null-kept",
    }
    texts = [done.stdout, *(path.read_text() for path in tmp_path.iterdir())]
    assert not any(CALLER in text for text in texts)


def test_what_is_declared_is_printed_with_its_reason(tmp_path: Path) -> None:
    proposal, declared = tmp_path / "proposal.toml", tmp_path / "proxy.toml"
    hooks = Hooks(request=without("logit_bias"))
    assert sandwich(hooks, "--write-declaration", str(proposal)).returncode == 1
    declared.write_text(proposal.read_text().replace('reason = ""', 'reason = "the upstream does not take it"'))
    done = sandwich(hooks, "--declare", str(declared))
    assert done.returncode == 0, done.stdout
    assert "the upstream does not take it" in done.stdout
    assert "declared" in done.stdout


def test_what_is_declared_and_not_seen_is_a_note(tmp_path: Path) -> None:
    path = tmp_path / "proxy.toml"
    path.write_text('[[drops]]\nname = "seed"\nreason = "no"\n')
    (change,) = declaration.load(path).changes
    assert list(declaration.load(path).not_seen(())) == [change[0]] == [f"drops seed ({path}:1)"]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[[drop]]\nname='a'\nreason='b'", "1: unknown key 'drop'; did you mean 'drops'?"),
        ("retries = -1", "1: `retries` is a number from 0 to 100"),
        ("retries = true", "1: `retries` is a number from 0 to 100"),
        ("retries=1\ndrops = 3", "2: `drops` is a list of tables; write [[drops]]"),
        ("drops = [3]", "1: an entry of `drops` is a table with name, reason"),
        ("[[adds]]\nname='a'\nreason='b'\n[[adds]]\nname='a'", "4: the entry of `adds` has no reason"),
        ("[[renames]]\nfrom='a'\nname='c'\nreason='b'", "1: unknown key 'name' in `renames`"),
        ("[[headers]]\nname=' '\nreason='b'", "1: the entry of `headers` has no name"),
        ("retries", "not TOML"),
    ],
)
def test_a_declaration_that_is_wrong_is_named_with_its_line(text: str, wrong: str, tmp_path: Path) -> None:
    path = tmp_path / "proxy.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as raised:
        declaration.load(path)
    assert f"--declare {path}" in str(raised.value)
    assert wrong in str(raised.value)


def test_no_declaration_excuses_a_key_that_leaks(tmp_path: Path) -> None:
    path = tmp_path / "proxy.toml"
    names = ("authorization", "x-upstream", "*")
    path.write_text(
        "".join(f'[[{kind}]]\nname = "{name}"\nreason = "r"\n' for kind in ("headers", "adds") for name in names)
    )
    assert not [entry for entry in declaration.load(path).entries if entry.rule.endswith("-key")]


def test_saved_pairs_are_judged_as_they_were(tmp_path: Path) -> None:
    hooks = Hooks(request=without("logit_bias"), tries=3)
    done = sandwich(hooks, "--record", str(tmp_path), select=(*SOME, "failure.chat.503"))
    again = run_contract("sandwich", "--pairs", str(tmp_path))
    for rule in ("sandwich.request.dropped", "sandwich.request.retries"):
        assert rule in done.stdout
        assert rule in again.stdout
    assert again.returncode == 1
    assert not any(CALLER in path.read_text(errors="replace") for path in tmp_path.iterdir())


def test_a_proxy_that_is_not_there_is_said_to_be_so() -> None:
    words = ("--proxy", "http://127.0.0.1:9/v1", "--wait", "0.1", "--upstream-port", str(free_port()))
    done = run_contract("sandwich", *words)
    assert done.returncode == 3
    assert "cannot be judged" in done.stderr


def test_a_proxy_with_another_upstream_is_told_where_to_ask() -> None:
    with FakeServer([], seed=1) as other:
        words = ("--proxy", other.base_url, "--wait", "0.1", "--upstream-port", str(free_port()))
        done = run_contract("sandwich", *words)
    assert done.returncode == 3
    assert "did not reach the upstream (the proxy answered status 200)" in done.stderr
    assert "contract-kit-upstream" in done.stderr


def test_a_port_that_is_taken_is_named() -> None:
    with FakeServer([], seed=1) as other:
        port = other.root.rpartition(":")[2]
        done = run_contract("sandwich", "--proxy", "http://127.0.0.1:9/v1", "--upstream-port", port)
    assert done.returncode == 2
    assert f"--upstream-port {port}" in done.stderr


@pytest.mark.parametrize("crashes", ["proxy", "upstream"])
def test_a_crash_in_mid_run_ends_in_a_report(crashes: str) -> None:
    port, seen, upstreams = free_port(), [], list[Upstream]()
    proxy = Proxy(f"http://127.0.0.1:{port}")

    def on_result(result: CaseResult) -> None:
        seen.append(result.case_id)
        if len(seen) == 10:
            if crashes == "proxy":
                proxy.stop()
            else:
                proxy.upstream = "http://127.0.0.1:9"

    with serving(proxy) as url:
        options = Options(f"{url}/v1", model="gpt-4o", select=("request.chat",))
        report = asyncio.run(drive(Drive(options, port, wait=20), upstreams.append, None, on_result))
    outcomes = {result.outcome for result in report.results}
    assert Outcome.PASS in outcomes
    if crashes == "proxy":
        assert "stopped after 3 cases" in report.stopped
        assert Outcome.NOT_REACHED in outcomes
    else:
        assert {finding.rule.id for finding in report.findings} == {"sandwich.request.refused-by-name"}


def test_what_was_found_when_the_time_is_up_stands() -> None:
    port = free_port()
    with serving(Proxy(f"http://127.0.0.1:{port}", Hooks(request=without("logit_bias")))) as url:
        select = ("request.chat.logit_bias", "flow")
        options = Options(f"{url}/v1", model="gpt-4o", select=select, run_seconds=1.5, concurrency=1)
        report = asyncio.run(drive(Drive(options, port, wait=20)))
    assert report.stopped == "the run's 1.5 s are up"
    assert "sandwich.request.dropped" in {finding.rule.id for finding in report.findings}


def test_a_proxy_that_asks_without_end_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contract_tests.sandwich.upstream.MOST_KEPT", 100_000)
    port, upstreams = free_port(), list[Upstream]()
    with serving(Proxy(f"http://127.0.0.1:{port}", Hooks(times=5))) as url:
        options = Options(f"{url}/v1", model="gpt-4o", select=("request.messages",), concurrency=1)
        report = asyncio.run(drive(Drive(options, port, wait=20), upstreams.append))
    assert len(report.results) == 10
    assert sum(each.size + 4096 for each in upstreams[0].relay.exchanges) <= 100_000


def test_every_parameter_of_every_endpoint_is_tried() -> None:
    tables = {CHAT: chat, COMPLETIONS: completions, EMBEDDINGS: embeddings, RESPONSES: responses}
    tried = {(probe.path, probe.member) for probe in parameter_probes()}
    for path, module in tables.items():
        missing = set(module.MEMBERS) - set(PLAIN[path]) - {member for where, member in tried if where == path}
        assert not missing


def test_every_probe_has_an_id_of_its_own() -> None:
    ids = [probe.id for probe in probes()]
    assert len(set(ids)) == len(ids)
    for probe in probes():
        assert probe.name.encode() in probe.marked("0f1e")
        assert b"0f1e" in probe.marked("0f1e")


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_explained(rule: str) -> None:
    done = run_contract("explain", rule)
    assert done.returncode == 0, done.stderr
    assert RULES[rule].harm in " ".join(done.stdout.split())
    assert "both sides of a proxy" in done.stdout


def test_the_rules_are_listed_by_their_section() -> None:
    listed = run_contract("rules", "sandwich.flow").stdout.split("\n")
    assert [line.split()[0] for line in listed if line] == ["sandwich.flow.as-it-comes", "sandwich.flow.leaves-too"]
