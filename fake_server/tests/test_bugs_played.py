"""Known bugs of real servers, played on every way that asks for one: in Python, pytest, the command, HTTP."""

from __future__ import annotations

import json

import httpx
import pytest

from fake_server import FakeServer
from fake_server.bugs.catalogue import bugs
from fake_server.bugs.errors import BugError
from fake_server.bugs.playing import HEADER
from fake_server.faults import FaultError
from fake_server.tests.edge_client import ASK, ask
from fake_server.tests.test_cli import port_in, started

pytest_plugins = ["pytester"]
STREAM = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True}
NO_DONE, DOUBLE = "ikllama-no-done", "aprender-double-data-prefix"


def streamed(url: str, **headers: str) -> str:
    return httpx.post(f"{url}/chat/completions", json=STREAM, headers=headers).text


def test_a_server_that_has_a_bug() -> None:
    with FakeServer(bugs=[NO_DONE], plain=True) as fake:
        assert "[DONE]" not in streamed(fake.base_url)
        assert httpx.post(f"{fake.base_url}/chat/completions", json={**STREAM, "stream": False}).is_success
        assert fake.requests[0].faults == ("no-done",)
    with pytest.raises(BugError, match="did you mean"):
        FakeServer(bugs=["ikllama-no-don"])


def test_a_bug_for_one_space_a_number_of_times_and_some_requests() -> None:
    with FakeServer(plain=True) as fake:
        mine = fake.space("mine")
        mine.bug(NO_DONE, times=1, when={"model": "gpt-4o"})
        assert "[DONE]" in streamed(fake.base_url)
        assert ["[DONE]" in streamed(mine.base_url) for _ in range(2)] == [False, True]
        with pytest.raises(FaultError, match="there is no bug 'nothing'"):
            fake.bug("nothing")


def test_a_bug_by_header() -> None:
    with FakeServer(plain=True) as fake:
        assert "[DONE]" not in streamed(fake.base_url, **{HEADER: NO_DONE})
        both = streamed(fake.base_url, **{HEADER: f"{NO_DONE}, {DOUBLE}"})
        assert "[DONE]" not in both
        assert both.startswith("data: data: ")
        assert "[DONE]" in streamed(fake.base_url)
        wrong = httpx.post(f"{fake.base_url}/chat/completions", json=STREAM, headers={HEADER: "nothing"})
        assert wrong.status_code == 400
        assert wrong.json()["error"]["param"] == HEADER
        assert "there is no bug 'nothing'" in wrong.json()["error"]["message"]


def test_several_bugs_do_not_disturb_each_other() -> None:
    leak = "litellm-tgi-eos-token-leak"
    with FakeServer(seed=1, plain=True, bugs=[NO_DONE, leak]) as fake:
        text = fake_text(streamed(fake.base_url))
    with FakeServer(seed=1, plain=True) as fake:
        right = fake_text(streamed(fake.base_url))
        assert fake_text(streamed(fake.base_url, **{HEADER: f"{NO_DONE},{leak}"})) == text
        fake.bug(NO_DONE)
        fake.bug(leak)
        played = streamed(fake.base_url)
    assert text == f"{right}<|im_end|>"
    assert fake_text(played) == text
    assert "[DONE]" not in played


def fake_text(stream: str) -> str:
    lines = [line[6:] for line in stream.splitlines() if line.startswith("data: {")]
    return "".join(json.loads(line)["choices"][0]["delta"].get("content") or "" for line in lines)


def test_a_bug_of_paths_with_a_slash_leads_back_to_the_path() -> None:
    headers = {HEADER: "g4f-trailing-slash-307"}
    with FakeServer(plain=True) as fake:
        for url in (fake.base_url, fake.space("mine").base_url):
            there = httpx.post(f"{url}/chat/completions/", json=STREAM, headers=headers)
            assert there.status_code == 307
            back = httpx.post(f"{url}/chat/completions/", json=STREAM, headers=headers, follow_redirects=True)
            assert back.is_success
            assert "[DONE]" in streamed(url, **headers)


def test_an_unknown_model_is_echoed_and_a_missing_one_is_empty() -> None:
    with FakeServer(plain=True) as fake:
        for name, model, told in (
            ("mlxserve-unknown-model-answered", "no-such-model", "no-such-model"),
            ("mlxserve-unknown-model-answered", "gpt-4o", "gpt-4o"),
            ("g4f-empty-model-accepted", None, ""),
            ("g4f-empty-model-accepted", "gpt-4o", "gpt-4o"),
        ):
            body = {"messages": STREAM["messages"], **({"model": model} if model else {})}
            url = f"{fake.base_url}/chat/completions"
            reply = httpx.post(url, json=body, headers={HEADER: name})
            assert (reply.status_code, reply.json()["model"]) == (200, told)


def test_bugs_of_tool_calls_leave_text_alone() -> None:
    with FakeServer(seed=1, plain=True) as fake:
        right = fake_text(streamed(fake.base_url))
        for name, bug in bugs().items():
            if bug.kind == "tool-calls":
                assert fake_text(streamed(fake.base_url, **{HEADER: name})) == right, name


def test_a_bug_by_the_control() -> None:
    with FakeServer(plain=True) as fake:
        control = f"{fake.root}/__fake__/faults"
        assert httpx.post(control, json={"bug": NO_DONE, "times": 1}).is_success
        assert [one["bug"] for one in httpx.get(control).json()["faults"]] == [NO_DONE]
        assert ["[DONE]" in streamed(fake.base_url) for _ in range(2)] == [False, True]
        for wrong in ({"bug": "nothing"}, {"bug": NO_DONE, "status": 400}, {"bug": 7}):
            assert httpx.post(control, json=wrong).status_code == 400


def test_a_bug_of_the_command() -> None:
    with started("--plain", "--bug", NO_DONE, "--misbehave", DOUBLE) as (_, line):
        assert f"bugs {NO_DONE}, {DOUBLE}" in line
        body = ask(port_in(line), body={**ASK, "stream": True}).body
    assert body.startswith(b"data: data: ")
    assert b"[DONE]" not in body


def test_the_marker_is_for_one_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        import httpx, pytest

        def done(server):
            return "[DONE]" in httpx.post(server.base_url + "/chat/completions", json={STREAM!r}).text

        @pytest.mark.openai_bug("{NO_DONE}")
        def test_with(fake_server):
            assert not done(fake_server)

        def test_without(fake_server):
            assert done(fake_server)

        @pytest.mark.openai_bug("nothing")
        def test_wrong(fake_server):
            pass
        """
    )
    result = pytester.runpytest_subprocess("-q", "--strict-markers")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*there is no bug 'nothing'*"])


def test_every_bug_says_where_it_was_seen() -> None:
    for bug in bugs().values():
        assert bug.title[-1] != "."
        assert all(one.server and one.source for one in bug.seen)
        assert bug.servers
