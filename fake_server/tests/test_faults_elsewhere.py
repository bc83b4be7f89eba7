"""Faults where they are easily forgotten: to HTTP/1.0 clients, and on paths that do not exist."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from fake_server import FakeServer
from fake_server.tests.raw_client import wait_until

DATA = ["{}", '{"a": 1}', "[DONE]"]
EVENTS = [f"data: {one}\n\n".encode() for one in DATA]


@pytest.fixture(scope="module")
def server() -> Iterator[FakeServer]:
    script = {"name": "known", "reply": {"raw": {"stream": DATA, "body": "hello"}}}
    with FakeServer([script], plain=True) as running:
        yield running


@pytest.fixture
def fake(server: FakeServer) -> FakeServer:
    server.reset()
    return server


def old(fake: FakeServer, *, stream: bool, fault: str = "", keep: bool = False) -> tuple[bytes, bytes, str]:
    """Head, body and ending of what an HTTP/1.0 client gets."""
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": stream}
    body = json.dumps(asked).encode()
    fields = f"content-length: {len(body)}\r\ncontent-type: application/json\r\n"
    fields += f"x-fake-fault: {fault}\r\n" if fault else ""
    fields += "connection: keep-alive\r\n" if keep else ""
    port, got, ending = int(fake.root.rpartition(":")[2]), b"", "fin"
    with socket.create_connection(("127.0.0.1", port), 60) as link:
        link.settimeout(60)
        link.sendall(f"POST /v1/chat/completions HTTP/1.0\r\n{fields}\r\n".encode() + body)
        try:
            while data := link.recv(65536):
                got += data
        except ConnectionResetError:
            ending = "rst"
    head, _, rest = got.partition(b"\r\n\r\n")
    return head.lower(), rest, ending


@pytest.mark.parametrize("keep", [False, True])
def test_an_old_client_gets_no_chunks_and_an_end(fake: FakeServer, keep: bool) -> None:
    head, body, ending = old(fake, stream=True, keep=keep)
    assert (body, ending) == (b"".join(EVENTS), "fin")
    assert f"content-length: {len(body)}".encode() in head
    assert b"connection: close" in head
    head, body, ending = old(fake, stream=True, fault="split;every=9", keep=keep)
    assert (body, ending) == (b"".join(EVENTS), "fin")
    assert b"content-length" not in head
    assert b"transfer-encoding" not in head
    head, body, ending = old(fake, stream=False, keep=keep)
    assert (body, ending) == (b"hello", "fin")
    assert b"content-length: 5" in head


@pytest.mark.parametrize(
    ("fault", "stream", "body", "ending"),
    [
        ("cut;after_events=2", True, b"".join(EVENTS[:2]), "fin"),
        ("cut;after_bytes=3;ending=rst", True, EVENTS[0][:3], "rst"),
        ("cut;after_bytes=3", False, b"hel", "fin"),
        ("wrong-length;by=10", False, b"hello", "fin"),
        ("no-done", True, b"".join(EVENTS[:2]), "fin"),
        ("close", True, b"", "fin"),
        ("close;ending=rst", False, b"", "rst"),
        ("slow-head;piece=40;seconds=0.01", True, b"".join(EVENTS), "fin"),
        ("stall;after_events=1;seconds=0.05", True, b"".join(EVENTS), "fin"),
    ],
)
def test_a_fault_strikes_an_old_client_too(
    fake: FakeServer, fault: str, stream: bool, body: bytes, ending: str
) -> None:
    head, got, ended = old(fake, stream=stream, fault=fault)
    assert (got, ended) == (body, ending)
    assert fake.requests[-1].faults == (fault.partition(";")[0],)
    assert b"transfer-encoding" not in head
    if fault.startswith("wrong-length"):
        assert b"content-length: 15" in head


def test_a_fault_strikes_where_there_is_nothing(fake: FakeServer) -> None:
    def asked(method: str, path: str, fault: str | None = None) -> httpx2.Response:
        return httpx2.request(method, f"{fake.url}{path}", headers={"x-fake-fault": fault} if fault else {})

    assert asked("GET", "/v1/nowhere").status_code == 404
    assert asked("GET", "/v1/nowhere", "error;status=503").status_code == 503
    assert fake.requests[-1].faults == ("error",)
    assert asked("PUT", "/v1/models", "header;name=x-odd;value=yes").headers["x-odd"] == "yes"
    with pytest.raises(httpx2.RemoteProtocolError):
        asked("GET", "/v1/nowhere", "close")
    told = asked("GET", "/v1/nowhere", "clsoe").json()["error"]
    assert told["param"] == "x-fake-fault"
    fake.fault("error", status=529, times=1)
    assert asked("GET", "/__fake__/nowhere").status_code == 404
    assert asked("TRACE", "/metrics").status_code == 405
    assert asked("POST", "/v1/files").status_code == 529
    assert asked("POST", "/v1/files").status_code == 404


@pytest.mark.parametrize(
    ("asked", "plain"),
    [
        ({"content": b"{"}, 400),
        ({"content": b"[]"}, 400),
        ({"content": b"a=b", "headers": {"content-type": "application/x-www-form-urlencoded"}}, 400),
        ({"content": b"{}", "headers": {"content-encoding": "gzip"}}, 415),
    ],
)
def test_a_fault_strikes_a_body_that_cannot_be_read(fake: FakeServer, asked: dict[str, Any], plain: int) -> None:
    url = f"{fake.base_url}/chat/completions"
    assert httpx2.post(url, **asked).status_code == plain
    fake.fault("error", status=503, times=1)
    fake.fault("error", status=500, when={"model": "gpt-4o"})  # what is asked is not known
    assert httpx2.post(url, **asked).status_code == 503
    assert fake.requests[-1].faults == ("error",)
    fake.fault("cut", after_bytes=5, when={"endpoint": "chat/completions"})
    with pytest.raises(httpx2.RemoteProtocolError):
        httpx2.post(url, **asked)
    assert fake.requests[-1].sent_bytes == 5


def test_no_fault_strikes_a_request_without_the_key_or_of_control() -> None:
    key = "sk-right-0123456789abcdef"
    with FakeServer([], api_key=key) as locked:
        locked.fault("error", status=503, times=1)
        assert httpx2.get(f"{locked.root}/__fake__/requests").status_code == 401
        assert [httpx2.get(f"{locked.base_url}/models").status_code for _ in range(2)] == [401, 401]
        fault = {"x-fake-fault": 'header;name=x-odd;value="yes, odd"'}
        refused = httpx2.post(f"{locked.base_url}/chat/completions", json={}, headers=fault)
        assert (refused.status_code, refused.headers.get("x-odd")) == (401, None)
        right = {"authorization": f"Bearer {key}"}
        assert httpx2.get(f"{locked.base_url}/models", headers=right).status_code == 503
        assert httpx2.get(f"{locked.base_url}/models", headers={**right, **fault}).headers["x-odd"] == "yes, odd"
        assert [one.faults for one in locked.requests] == [(), (), (), ("error",), ("header",)]


def test_a_bug_of_the_server_strikes_a_request_without_the_key_too() -> None:
    with FakeServer([], api_key="sk-right", bugs=["g4f-401-no-challenge-no-cors"]) as locked:
        refused = httpx2.post(f"{locked.base_url}/chat/completions", json={})
        assert (refused.status_code, refused.json()["error"]["message"]) == (401, "G4F API key required")


MODELS = [("GET", "/v1/models"), ("GET", "/models"), ("GET", "/v1/models/gpt-4o"), ("POST", "/v1/models")]


@pytest.mark.parametrize(
    ("when", "struck"),
    [
        ({"path": "/v1/models"}, [MODELS[0], MODELS[3]]),
        ({"path": "/models"}, [MODELS[0], MODELS[1], MODELS[3]]),
        ({"path": {"regex": "^/models/"}}, [MODELS[2]]),
        ({"path": {"contains": "GPT-4o"}}, [MODELS[2]]),
        ({"method": "get"}, MODELS[:3]),
        ({"method": "POST", "path": {"contains": "models"}}, [MODELS[3]]),
    ],
)
def test_a_fault_strikes_where_path_and_method_say(fake: FakeServer, when: Any, struck: Any) -> None:
    space = fake.space("mine")
    space.fault("error", status=529, when=when)
    found = [pair for pair in MODELS if httpx2.request(pair[0], space.url + pair[1] + "?a=b").status_code == 529]
    assert found == struck
    for _ in struck:
        space.assert_asked(when, times=len(struck))


def test_a_preflight_is_refused_where_path_and_method_say(fake: FakeServer) -> None:
    page = {"origin": "https://app.example", "access-control-request-method": "POST"}
    fake.fault("preflight", status=401, when={"path": "/v1/embeddings", "method": "OPTIONS"})
    statuses = [httpx2.options(fake.base_url + path, headers=page).status_code for path in ("/embeddings", "/models")]
    assert statuses == [401, 200]


def test_a_null_leaves_out_what_the_server_adds(fake: FakeServer) -> None:
    """In the headers of a fault, and of a script's raw reply and error."""
    url, body = f"{fake.base_url}/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    bare = {"X-Request-Id": None, "openai-version": None, "x-more": "y"}
    fake.fault("reply", json={}, headers=bare, times=1)
    fake.script({"name": "raw", "times": 1, "reply": {"raw": {"body": "{}", "headers": bare}}})
    fake.script({"name": "no", "times": 1, "reply": {"error": {"status": 500, "message": "no", "headers": bare}}})
    for status in (200, 500, 200):
        got = httpx2.post(url, json=body)
        assert (got.status_code, got.headers["x-more"]) == (status, "y")
        assert not {"x-request-id", "openai-version"} & set(got.headers)


@pytest.mark.parametrize("value", ["a\r\nb: c", "\n", "木"])
def test_a_header_that_no_head_can_have_is_refused(fake: FakeServer, value: str) -> None:
    for fault in ({"fault": "reply", "headers": {"x": value}}, {"fault": "header", "name": "x", "value": value}):
        assert httpx2.post(f"{fake.url}/__fake__/faults", json=fault).status_code == 400
    fake.fault("reply", headers={"x": "é"})
    assert httpx2.get(f"{fake.base_url}/models").headers["x"] == "é"


def test_a_fault_between_requests_ends_in_process_too(fake: FakeServer) -> None:
    with httpx2.Client(transport=fake.transport(), base_url="http://fake.invalid/v1") as client:
        for fault in ("cross-talk", "slots", "one-slot", "compress", "double-framing"):
            fake.reset()
            fake.fault(fault)
            body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True}
            assert client.post("/chat/completions", json=body).text.rstrip().endswith("[DONE]")
            assert fake.requests[-1].faults == (fault,)


@pytest.mark.parametrize("faults", ["one-slot, one-slot", "slots, one-slot", "one-slot, slots;slots=2", "slots, slots"])
def test_a_reply_under_several_faults_of_slots_waits_for_one_of_them(fake: FakeServer, faults: str) -> None:
    """Behind itself it waited for ever: found by make fuzz."""
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
    with httpx2.Client(base_url=fake.base_url) as client:
        for _ in range(2):
            reply = client.post("/chat/completions", json=body, headers={"x-fake-fault": faults}, timeout=30)
            assert reply.status_code == 200
    wait_until(lambda: all(request.seconds is not None for request in fake.requests))


@pytest.mark.parametrize(("written", "done"), [("?1", 1), ("true", 1), ("?0", 0), ("false", 0)])
def test_yes_and_no_in_the_header(fake: FakeServer, written: str, done: int) -> None:
    body = old(fake, stream=True, fault=f"error-event;after_events=1;done={written}")[1]
    assert body.count(b"[DONE]") == done
    assert old(fake, stream=False, fault="header;name=x-odd;value=true")[0].count(b"x-odd: true") == 1
