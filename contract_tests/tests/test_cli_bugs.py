"""`contract bugs`: what is listed, what is told of one, and what a wrong use is told."""

from __future__ import annotations

import json

from contract_tests.tests.test_cli import contract
from fake_server.bugs.catalogue import bugs, waiting


def test_all_are_listed_by_class() -> None:
    done = contract("bugs")
    assert done.returncode == 0
    assert all(f"  {name} " in done.stdout for name in bugs())
    assert done.stdout.splitlines()[0] == next(iter(bugs().values())).kind
    assert f"{len(bugs())} bugs;" in done.stdout


def test_by_server_class_and_severity() -> None:
    listed = contract("bugs", "--server", "VLLM", "--class", "tool-calls", "--severity", "loses-data", "--json")
    told = [json.loads(line) for line in listed.stdout.splitlines()]
    assert "vllm-xlam-arguments-duplicated" in [one["id"] for one in told]
    assert all("vllm" in str(one["seen"]).lower() and one["class"] == "tool-calls" for one in told)
    assert {one["severity"] for one in told} == {"loses-data"}


def test_those_that_wait_say_why() -> None:
    told = [json.loads(line) for line in contract("bugs", "--waiting", "--json").stdout.splitlines()]
    assert {one["id"] for one in told} == set(waiting())
    assert all(one["waits"] for one in told)


def test_one_is_told_whole_also_by_another_name() -> None:
    done = contract("bugs", "mistralrs-no-done")
    assert done.stdout.startswith("ikllama-no-done\n")
    for part in (
        "mistral.rs: EricLBuehler/mistral.rs#1226",
        "chat.stream.done-last",
        "fake-server --bug ikllama",
    ):
        assert part in done.stdout


def test_wrong_uses_are_told() -> None:
    for words, told in (
        (("ikllama-no-don",), "did you mean 'ikllama-no-done'"),
        (("stdapi-realtime-response-fields-missing",), "the Realtime API is not in the kit yet"),
        (("--class", "nothing"), "the classes are buffering, "),
        (("--server", "nothing"), "no known bug was met in a server called 'nothing'"),
        (("--server", "lightllm"), "did you mean "),
        (("--server", "vllm", "--class", "created"), "matches all of these options"),
    ):
        done = contract("bugs", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert told in done.stderr
