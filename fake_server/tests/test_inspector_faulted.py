"""What is copied of a request keeps what went wrong: the fault that struck its reply, a body that was not read."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import httpx2
import pytest

from fake_server import FakeServer
from fake_server.replay import ReplayServer
from fake_server.tests.inspecting import CLIENT, KEY, WEATHER, chat, form_of, get, newest

Seen = tuple[int, bytes, str]
"""What a client has of a reply: status, body, and the name of the error that ended it."""
ONE = {"stream": True, "model": "gpt-4o", "messages": [{"role": "user", "content": "the weather"}]}
OTHER = {"stream": True, "model": "gpt-4o", "messages": [{"role": "user", "content": "a cat"}]}
FAULTS: dict[str, dict[str, Any]] = {
    "cut": {"after_events": 2},
    "cut by reset": {"fault": "cut", "after_bytes": 300, "ending": "rst"},
    "stall": {"after_events": 1},
    "silence": {"fault": "stall", "silent": True},
    "close": {},
    "no-last-chunk": {},
    "slow": {"bytes_per_second": 5000},
    "slow-head": {"seconds": 0.01},
    "split": {},
    "merge": {},
    "error": {"status": 503},
    "insufficient-quota": {},
    "html-error": {},
    "empty-body": {},
    "bom": {},
    "garbage": {"after_events": 1},
    "invalid-utf8": {},
    "header": {"name": "content-type", "value": "text/plain"},
    "wrong-length": {},
    "double-framing": {},
    "broken-gzip": {},
    "corrupt gzip": {"fault": "broken-gzip", "how": "corrupt"},
    "no gzip": {"fault": "broken-gzip", "how": "not-gzip"},
    "compress": {},
    "no-done": {},
    "double-done": {},
    "double-event": {"event": 1},
    "drop-event": {"event": 1},
    "truncated-event": {"event": 1},
    "late-done": {"seconds": 0.05},
    "error-event": {"after_events": 1},
    "line-ends": {},
    "comments": {},
    "json": {"set": {"model": "other"}},
    "rewrite": {"find": "chat.completion", "by": "chit"},
}
NO_TEXT = ("bom", "garbage", "invalid-utf8", "broken-gzip", "corrupt gzip", "compress")
"""Faults whose replies are no text, which one file of text cannot hold."""


@pytest.fixture(scope="module")
def running() -> Iterator[FakeServer]:
    with FakeServer([WEATHER], plain=True) as server:
        yield server


@pytest.fixture
def fake(running: FakeServer) -> FakeServer:
    running.reset()
    return running


def seen(base_url: str, body: dict[str, Any]) -> Seen:
    """What a client has of the reply before it ends, or half a second without a byte have passed."""
    status, pieces, error = 0, b"", ""
    try:
        with (
            httpx2.Client(trust_env=False, timeout=0.5) as client,
            client.stream("POST", f"{base_url}/chat/completions", json=body) as reply,
        ):
            status = reply.status_code
            for piece in reply.iter_raw():
                pieces += piece
    except httpx2.HTTPError as problem:
        error = type(problem).__name__
    return status, pieces, error


def without_ids(reply: Seen) -> tuple[int, int, str]:
    """The reply without what is made anew for each, which has always the same length, unless it is compressed."""
    status, body, error = reply
    return status, 0 if body[:2] == b"\x1f\x8b" else len(body), error


def wait_until_over(fake: FakeServer) -> None:
    deadline = time.monotonic() + 5
    while not (fake.requests and fake.requests[-1].seconds is not None) and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.mark.parametrize("body", [ONE, OTHER], ids=["a script's reply", "the fake's own reply"])
@pytest.mark.parametrize("name", FAULTS)
def test_each_copy_breaks_as_the_reply_did(fake: FakeServer, name: str, body: dict[str, Any], tmp_path: Path) -> None:
    given = {"fault": name, **FAULTS[name]}
    fake.fault(given.pop("fault"), **given)
    first = seen(fake.base_url, body)
    wait_until_over(fake)
    script, test = (form_of(fake, form) for form in ("script", "pytest"))
    if name in NO_TEXT:
        refused = CLIENT.get(f"{fake.url}/__fake__/requests/{newest(fake)['id']}/fixture")
        assert (refused.status_code, "files of their own" in refused.json()["error"]["message"]) == (409, True)
    else:
        (tmp_path / "one.yaml").write_text(form_of(fake, "fixture"), encoding="utf-8")
        with ReplayServer(tmp_path, speed=1) as replay:
            assert seen(replay.base_url, body) == first
    fake.reset()
    CLIENT.post(f"{fake.url}/__fake__/scripts", json={"yaml": script})
    assert without_ids(seen(fake.base_url, body)) == without_ids(first)
    fake.reset()
    names: dict[str, Any] = {}
    exec(test, names)
    names["test_request"](fake)
    wait_until_over(fake)
    assert fake.requests[-1].json == body
    assert fake.requests[-1].faults


def test_a_fault_of_a_header_and_of_a_script_is_copied_too(fake: FakeServer) -> None:
    fields = {"x-fake-fault": "cut;after_events=2"}
    with suppress(httpx2.HTTPError):
        CLIENT.post(f"{fake.base_url}/chat/completions", json=OTHER, headers=fields)
    assert "after_events: 2" in form_of(fake, "script")
    fake.script({"name": "own", "reply": {"text": "one two", "faults": [{"fault": "no-done"}]}})
    seen(fake.base_url, OTHER)
    text = form_of(fake, "script")
    assert text.count("fault: no-done") == 1
    assert "text: one two" in text


def test_a_bug_is_copied_as_the_faults_it_has(fake: FakeServer) -> None:
    fake.bug("ikllama-no-done")
    first = seen(fake.base_url, OTHER)
    script = form_of(fake, "script")
    fake.reset()
    CLIENT.post(f"{fake.url}/__fake__/scripts", json={"yaml": script})
    assert without_ids(seen(fake.base_url, OTHER)) == without_ids(first)
    assert b"[DONE]" not in first[1]


def test_what_was_asked_otherwise_is_copied_as_it_was_answered(fake: FakeServer) -> None:
    fake.fault("quota", requests=1)
    assert [chat(fake).status_code for _ in range(2)] == [200, 429]
    script = form_of(fake, "script")
    assert "status: 429" in script
    assert "quota" not in script.replace("insufficient_quota", "")


def test_a_fault_is_shown_with_its_parameters(fake: FakeServer) -> None:
    fake.fault("cut", after_events=2)
    seen(fake.base_url, ONE)
    facts = dict(get(fake, f"/requests/{newest(fake)['id']}")["view"]["facts"])
    assert facts["faults"] == "cut, after_events=2"


# -- bodies that were not read


def post_raw(fake: FakeServer, body: bytes, *fields: str, length: int | None = None, chunked: bool = False) -> None:
    """Send a head and so much of a body, and leave."""
    framing = "transfer-encoding: chunked" if chunked else f"content-length: {len(body) if length is None else length}"
    head = "\r\n".join(["POST /v1/chat/completions HTTP/1.1", "host: 127.0.0.1", framing, *fields])
    with socket.create_connection(("127.0.0.1", urlsplit(fake.url).port or 0)) as raw:
        raw.sendall(head.encode() + b"\r\n\r\n" + body)
        raw.settimeout(0.3)
        with suppress(OSError):
            raw.recv(100)


MULTIPART = "content-type: multipart/form-data; boundary=b"
UNREAD: dict[str, tuple[dict[str, Any], str]] = {
    "multipart": ({"body": b"--b\r\n", "fields": (MULTIPART,)}, "not read (5 bytes announced)"),
    "one byte": ({"body": b"x", "fields": ("content-type: text/csv",)}, "not read (1 byte announced)"),
    "aborted": ({"body": b'{"a', "length": 5000, "fields": ("content-type: application/json",)}, "5,000 bytes"),
    "too large": ({"body": b"{}", "length": 99_000_000, "fields": ()}, "not read (99,000,000 bytes announced)"),
    "chunked": ({"body": b"3\r\nabc\r\n0\r\n\r\n", "chunked": True, "fields": (MULTIPART,)}, "(no length announced)"),
}


@pytest.mark.parametrize("name", UNREAD)
def test_a_body_that_was_not_read_is_called_so_and_copied_so(fake: FakeServer, name: str) -> None:
    given, words = UNREAD[name]
    fields = given["fields"]
    post_raw(fake, given["body"], *fields, length=given.get("length"), chunked=given.get("chunked", False))
    wait_until_over(fake)
    one = get(fake, f"/requests/{newest(fake)['id']}")
    assert words in one["view"]["unread"]
    assert words in one["row"]["words"]
    assert words in dict(one["view"]["facts"])["body"]
    for form in ("curl", "pytest"):
        text = form_of(fake, form)
        assert words in text
        assert "stand for it" in text
    for form in ("script", "fixture"):
        refused = CLIENT.get(f"{fake.url}/__fake__/requests/{one['id']}/{form}")
        assert refused.status_code == 409
        assert words in refused.json()["error"]["message"]
    again = CLIENT.post(f"{fake.url}/__fake__/requests/{one['id']}/again", json={})
    assert (again.status_code, words in again.json()["error"]["message"]) == (409, True)


def test_the_command_and_the_test_of_an_unread_body_are_refused_alike(fake: FakeServer) -> None:
    files = {"file": ("a.txt", b"x" * 1000)}
    reply = httpx.post(f"{fake.base_url}/chat/completions", files=files)
    command, test = (form_of(fake, form) for form in ("curl", "pytest"))
    done = subprocess.run(["sh", "-c", command], capture_output=True, env={"PATH": "/usr/bin:/bin"})
    assert (done.returncode, done.stdout) == (0, reply.content)
    names: dict[str, Any] = {}
    exec(test, names)
    names["test_request"](fake)
    assert [entry.announced for entry in fake.requests] == [fake.requests[0].announced] * 3
    assert {entry.status for entry in fake.requests} == {reply.status_code}


def test_a_body_of_which_too_much_was_announced_has_no_stand_in(fake: FakeServer) -> None:
    post_raw(fake, b"{}", "expect: 100-continue", length=10**15)
    wait_until_over(fake)
    refused = CLIENT.get(f"{fake.url}/__fake__/requests/{newest(fake)['id']}/curl")
    assert refused.status_code == 413
    assert "1,000,000,000,000,000 bytes announced" in refused.json()["error"]["message"]


def test_no_body_and_an_empty_body_are_not_called_unread(fake: FakeServer) -> None:
    CLIENT.get(f"{fake.base_url}/models")
    CLIENT.post(f"{fake.base_url}/chat/completions", content=b"")
    CLIENT.post(f"{fake.base_url}/chat/completions", content=iter([b""]), headers={"content-type": "application/json"})
    chat(fake)
    assert [entry.unread for entry in fake.requests] == [""] * 4
    assert KEY not in str(get(fake, "/requests"))
