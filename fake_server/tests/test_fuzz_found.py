"""What the fuzz has found in the fake, mended: each once more, by itself."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner

from fake_server import FakeServer
from fake_server.api import tokens, vectors
from fake_server.api.sensible import filler
from fake_server.cli import main
from fake_server.relay.redact import names
from fake_server.scripts.book import parse
from fake_server.scripts.match import ScriptState
from fake_server.server.app import openapi_document
from fake_server.server.settings import Settings
from fake_server.tests.edge_client import ask


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeServer]:
    with FakeServer([], seed=1, plain=True) as server:
        yield server


CHUNKED = "Transfer-Encoding: chunked\r\n\r\n"


def port_of(fake: FakeServer) -> int:
    return int(fake.root.rpartition(":")[2])


def sent(fake: FakeServer, request: str) -> tuple[bytes, bytes]:
    """Head and rest of what comes back until the server hangs up."""
    with socket.create_connection(("127.0.0.1", port_of(fake)), 60) as link, link.makefile("rb") as reader:
        link.sendall(request.encode())
        head, _, rest = reader.read().partition(b"\r\n\r\n")
    return head, rest


def refused(fake: FakeServer, method: str, path: str, status: int = 400) -> str:
    answer = httpx2.request(method, f"{fake.root}{path}")
    assert answer.status_code == status, answer.text
    return str(answer.json()["error"]["message"])


@pytest.mark.parametrize("wrong", [{"n": "2"}, {"best_of": []}, {"prompt": 1.5}, {"prompt": {}}, {}])
def test_the_journal_tells_of_text_completions_that_were_refused(fake: FakeServer, wrong: dict[str, Any]) -> None:
    fake.reset()
    fake.script({"name": "a", "when": {"model": "x", "messages": {"last": {"contains": "y"}}}, "reply": {"text": "z"}})
    body = {"prompt": "a", "model": "gpt-3.5-turbo-instruct", **wrong} if wrong else {"prompt": "a"}
    assert httpx2.post(f"{fake.base_url}/completions", json=body).status_code == 400
    (told,) = httpx2.get(f"{fake.root}/__fake__/requests").json()["requests"]
    assert (told["status"], told["misses"][0]["script"]) == (400, "a")
    fake.assert_not_asked({"messages": {"last": {"contains": "y"}}})


@pytest.mark.parametrize(
    ("method", "path", "says"),
    [
        ("GET", f"/__fake__/requests?limit={'9' * 5000}", "limit must be a whole number of at most 9 digits"),
        ("GET", "/__fake__/requests?status=600", "status must be a number from 100 to 599, but is '600'"),
        ("GET", "/__fake__/requests?status=ok", "status must be a number from 100 to 599, but is 'ok'"),
        ("GET", "/v1/chat/completions?metadata[]=null", "Write metadata[key]=value, not 'metadata[]'."),
        ("GET", "/v1/chat/completions?metadata=a", "Write metadata[key]=value, not 'metadata'."),
        ("POST", "/__fake__/reset?all=null", "all is true or false, not 'null'"),
    ],
)
def test_queries_that_say_nothing_are_refused(fake: FakeServer, method: str, path: str, says: str) -> None:
    assert refused(fake, method, path).startswith(says)


@pytest.mark.parametrize(("path", "allow"), [("faults", "DELETE, GET, HEAD, POST"), ("faults/x", "DELETE")])
def test_allow_names_every_method_of_a_path(fake: FakeServer, path: str, allow: str) -> None:
    url = f"{fake.root}/__fake__/{path}"
    assert httpx2.put(url).headers["allow"] == allow
    assert httpx2.options(url).headers["allow"] == f"{allow}, OPTIONS"


def test_a_bad_fault_header_is_a_documented_refusal_everywhere(fake: FakeServer) -> None:
    api = {path: one for path, one in openapi_document()["paths"].items() if path.startswith("/v1")}
    assert all("400" in operation["responses"] for one in api.values() for operation in one.values())
    answer = httpx2.get(f"{fake.base_url}/models", headers={"x-fake-fault": "no"})
    assert answer.status_code == 400


@pytest.mark.parametrize("name", ["%20", "a%0A", "a%0D%0A", "%00", "a%7F"])
def test_a_blank_model_and_a_path_with_controls_do_not_exist(fake: FakeServer, name: str) -> None:
    port = port_of(fake)
    answer = ask(port, "GET", f"/v1/models/{name}")
    assert (answer.status, answer.error["type"]) == (404, "invalid_request_error")
    assert ask(port, "GET", "/v1/models%0A").status == 404


def test_a_body_that_is_broken_is_refused_once(fake: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    """The app is told of the request before its body is read, so both would answer."""
    for start in (
        "GET /v1/models",
        "HEAD /v1/models",
        "POST /v1/models",
        "DELETE /__fake__/scripts",
        "GET /no",
    ):
        for version in ("1.1", "1.0"):
            head, rest = sent(fake, f"{start} HTTP/{version}\r\nHost: localhost\r\n{CHUNKED}zz\r\n")
            assert head.startswith(b"HTTP/1.1 400 ")
            assert rest.count(b"HTTP/1.1") == 0
    assert [one.message for one in caplog.records if one.levelname == "ERROR"] == []


def test_an_answer_under_way_is_not_followed_by_a_refusal(fake: FakeServer) -> None:
    fields = f"Host: localhost\r\nX-Fake-Fault: slow;bytes_per_second=5000\r\n{CHUNKED}"
    with socket.create_connection(("127.0.0.1", port_of(fake)), 60) as link:
        link.sendall(f"GET /v1/models HTTP/1.1\r\n{fields}".encode())
        received = link.recv(4096)
        link.sendall(b"zz\r\n")
        with link.makefile("rb") as reader:
            received += reader.read()
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "schema",
    [
        {"type": [[]]},
        {"type": [{}, "string"], "minLength": 3},
        {"allOf": [{"type": [[]]}, {"type": ["string", []]}]},
        {"const": 10**400, "type": "integer"},
        {"type": "object", "required": [[], "a"], "dependentRequired": {"a": [[], "b"]}},
    ],
)
def test_a_schema_of_odd_members_is_answered(schema: dict[str, Any]) -> None:
    filler.fill(schema, "How warm is it?")


def test_used_replies_and_removed_scripts_leave_nothing_behind() -> None:
    space = Settings(book=parse([])).spaces("a")
    for number in range(50):
        (script,) = space.queue([{"reply": {"text": "a"}, "times": 1}])
        space.state.take(script)
        (own,) = space.add([{"name": f"own {number}", "reply": {"text": "a"}}])
        assert space.state.meet(own) == space.state.take(own) == 1
        space.remove(own.name)
    assert [len(one) for one in (space.state._used, space.state._counts, space.state._scoped)] <= [1, 1, 0]


def test_keys_without_end_are_counted_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fake_server.scripts.match.MOST_SCOPES", 10)
    state = ScriptState()
    (script,) = parse([{"name": "a", "per": "key", "when": {"call": 2}, "reply": {"text": "a"}}])
    for number in range(100):
        state.meet(script, str(number))
    assert (len(state._scoped), state.dropped) == (10, 90)
    assert state.meet(script, "99") == 2  # the oldest are forgotten, not all of them


def test_no_cache_keeps_a_long_word() -> None:
    tokens.count("a" * 100_000)
    vectors.make_vector("m" * 100_000, "b" * 100_000)
    names.is_secret_name("c" * 100_000)
    before = (
        tokens._split_piece_cached.cache_info().currsize,
        vectors._draw_places_cached.cache_info().currsize,
    )
    tokens.count("d" * 100_000)
    vectors.make_vector("n" * 100_000, "e" * 100_000)
    assert (
        tokens._split_piece_cached.cache_info().currsize,
        vectors._draw_places_cached.cache_info().currsize,
    ) == before
    assert "".join(tokens.split("a" * 100)) == "a" * 100


def test_half_a_surrogate_pair_in_a_complaint_is_escaped(tmp_path: Path) -> None:
    file = tmp_path / "scripts.yaml"
    file.write_text('fixtures:\n- match: {userMessage: a}\n  response: {content: b}\n  "\\uD800": []\n')
    told = CliRunner().invoke(main, ["validate", str(file)])
    assert told.exit_code == 1
    assert "a script has nothing like \\ud800" in told.output


def test_a_template_nested_without_end_is_told(tmp_path: Path) -> None:
    file = tmp_path / "scripts.yaml"
    file.write_text(f"- {{name: a, reply: {{template: true, text: '{{{{ {'[' * 2000} }}}}'}}}}\n")
    told = CliRunner().invoke(main, ["validate", str(file)])
    assert told.exit_code == 1
    assert "it is nested too deep" in told.output
