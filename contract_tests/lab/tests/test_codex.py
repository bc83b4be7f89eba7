"""Codex CLI does tasks offline against the fake: it calls a tool, runs it, and answers."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract_tests.lab.suites.codex import Finished, run_task
from contract_tests.lab.tools.environments import NotInstalled
from fake_server import FakeServer

SHELL = "exec_command"
"""The tool by which Codex runs a command."""
COMMAND = "echo $((6 * 7)) | tee answer.txt"
CALL = {"tool_calls": [{"name": SHELL, "arguments": {"cmd": COMMAND}}]}
TWO_STEPS = {"name": "two steps", "replies": [CALL, {"text": "The answer is 42."}]}
WRONG_TOOL = {
    "name": "wrong",
    "replies": [{"tool_calls": [{"name": "no_such_tool", "arguments": {}}]}, {"text": "No."}],
}


@contextlib.contextmanager
def silent_proxy() -> Iterator[tuple[str, socket.socket]]:
    """A proxy that takes connections and answers none."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", listener


def give(fake: FakeServer, folder: Path, **options: Any) -> Finished:
    try:
        done = run_task(fake.base_url, "What is six times seven? Save it.", folder, **options)
    except NotInstalled as error:
        pytest.skip(f"Codex cannot be installed here: {error}")
    assert done.code == 0, (done.events, done.errors)
    return done


def sent_to(fake: FakeServer, place: int) -> Any:
    return json.loads(fake.requests[place].body)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_codex_does_a_task_of_two_steps(tmp_path: Path, seed: int | None) -> None:
    with FakeServer([TWO_STEPS], seed=seed, plain=seed is None) as fake, silent_proxy() as (proxy, listener):
        done = give(fake, tmp_path, proxy=proxy)
        with pytest.raises(BlockingIOError):  # nobody came: nothing but the fake was asked
            listener.accept()
    (ran,) = done.items("command_execution")
    assert (ran["exit_code"], ran["aggregated_output"]) == (0, "42\n")
    assert (tmp_path / "work" / "answer.txt").read_text() == "42\n"
    assert [message["text"] for message in done.items("agent_message")] == ["The answer is 42."]
    first, second = (sent_to(fake, place) for place in range(2))
    assert len(fake.requests) == 2
    assert (first["stream"], first["store"]) == (True, False)
    call, output = (item for item in second["input"] if item["type"].startswith("function_call"))
    assert call["call_id"] == output["call_id"]
    assert output["output"].endswith("42\n")


@pytest.mark.slow
def test_codex_does_its_task_over_one_websocket(tmp_path: Path) -> None:
    with FakeServer([TWO_STEPS], plain=True) as fake:
        done = give(fake, tmp_path, websockets=True)
    assert [message["text"] for message in done.items("agent_message")] == ["The answer is 42."]
    assert (tmp_path / "work" / "answer.txt").read_text() == "42\n"
    assert [(entry.method, entry.status) for entry in fake.requests] == [("GET", 101), *[("POST", 200)] * 3]
    warm, first, second = (sent_to(fake, place) for place in (1, 2, 3))
    assert (warm["generate"], warm["store"], first["store"], second["store"]) == (False,) * 4
    assert "previous_response_id" not in warm
    assert all(turn["previous_response_id"].startswith("resp_") for turn in (first, second))
    assert [item["type"] for item in second["input"]] == ["function_call_output"]


@pytest.mark.slow
def test_codex_goes_on_by_post_after_426(tmp_path: Path) -> None:
    with FakeServer([TWO_STEPS], plain=True, websocket=False) as fake:
        done = give(fake, tmp_path, websockets=True)
    assert [message["text"] for message in done.items("agent_message")] == ["The answer is 42."]
    assert [(entry.method, entry.status) for entry in fake.requests] == [("GET", 426), ("POST", 200), ("POST", 200)]


@pytest.mark.slow
def test_codex_is_told_of_a_tool_that_it_lacks_and_goes_on(tmp_path: Path) -> None:
    with FakeServer([WRONG_TOOL], plain=True) as fake:
        done = give(fake, tmp_path)
    assert done.items("command_execution") == []
    assert [message["text"] for message in done.items("agent_message")] == ["No."]
    assert "no_such_tool" in sent_to(fake, 1)["input"][-1]["output"]
