"""The edge over a real socket: paths, headers, refusals, and never a reply that is not OpenAI's."""

from __future__ import annotations

import http.client
import json
import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from fake_server.server import answer as answer_module
from fake_server.server.routes import chat
from fake_server.server.settings import Settings
from fake_server.tests.edge_client import ASK, ask, serving
from fake_server.wire.exchange import Write


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(Settings(plain=True)) as port:
        yield port


@pytest.mark.parametrize("prefix", ["", "/v1"])
def test_every_path_stands_with_and_without_v1(port: int, prefix: str) -> None:
    assert ask(port, path=f"{prefix}/chat/completions", body=ASK).json["object"] == "chat.completion"
    assert ask(port, "GET", f"{prefix}/models").json["object"] == "list"
    assert ask(port, "GET", f"{prefix}/models/gpt-4o").json["id"] == "gpt-4o"
    assert ask(port, "GET", f"{prefix}/health").json["status"] == "ok"


def test_headers_of_a_dict(port: int) -> None:
    headers = ask(port, body=ASK).headers
    assert headers["content-type"] == "application/json"
    assert headers["x-request-id"].startswith("req_")
    assert int(headers["openai-processing-ms"]) >= 1
    assert headers["openai-version"] == "2020-10-01"
    assert int(headers["x-ratelimit-remaining-tokens"]) < int(headers["x-ratelimit-limit-tokens"])
    assert "server" not in headers


def test_request_ids_differ(port: int) -> None:
    ids = {ask(port, "GET", "/v1/models").headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream", None])
def test_the_stream_member_decides_never_accept(port: int, accept: str | None) -> None:
    headers = {"Accept": accept} if accept else {}
    streamed = ask(port, body={**ASK, "stream": True}, headers=headers)
    assert streamed.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert streamed.headers["transfer-encoding"] == "chunked"
    assert streamed.body.rstrip().endswith(b"data: [DONE]")
    whole = ask(port, body={**ASK, "stream": False}, headers=headers)
    assert whole.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/x"),
        ("GET", "/v1/"),
        ("GET", "/v1"),
        ("GET", "/v1/models/"),
        ("GET", "/v1//models"),
        ("GET", "/v1/a%3Fb"),
    ],
)
def test_unknown_paths(port: int, method: str, path: str) -> None:
    reply = ask(port, method, path)
    assert reply.status == 404
    assert reply.error["message"] == f"Invalid URL ({method} {path})"
    assert reply.headers["x-request-id"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/embeddings", "POST"),
        ("PUT", "/chat/completions", "GET, HEAD, POST"),
        ("POST", "/v1/models", "GET, HEAD"),
        ("PUT", "/v1/models/gpt-4o", "DELETE, GET, HEAD"),
    ],
)
def test_wrong_methods(port: int, method: str, path: str, allow: str) -> None:
    reply = ask(port, method, path)
    assert reply.status == 405
    assert reply.headers["allow"] == allow
    assert method in reply.error["message"]


def test_head_and_options(port: int) -> None:
    head = ask(port, "HEAD", "/v1/models")
    assert (head.status, head.body) == (200, b"")
    options = ask(port, "OPTIONS", "/v1/chat/completions")
    assert (options.status, options.headers["allow"]) == (204, "GET, HEAD, POST, OPTIONS")


def test_browsers_may_ask(port: int) -> None:
    origin = {"Origin": "http://app.invalid"}
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    reply = ask(port, "OPTIONS", headers={**origin, **preflight})
    assert reply.status == 200
    assert reply.headers["access-control-allow-origin"] == "*"
    assert reply.headers["access-control-allow-headers"] == "authorization"
    for path in ("/v1/models", "/v1/nope"):
        assert ask(port, "GET", path, headers=origin).headers["access-control-allow-origin"] == "*"
    refused = ask(port, "OPTIONS", headers={**origin, "Access-Control-Request-Method": "X"})
    assert refused.status == 400
    assert refused.headers["content-type"] == "application/json"
    assert json.loads(refused.body)["error"]["message"] == "Disallowed CORS method."


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "byte 1"),
        (b"", "byte 0"),
        (b"[]", "a JSON object is expected"),
        (b"null", "a JSON object is expected"),
        (b'{"seed": NaN}', "NaN"),
        (b'{"seed": -Infinity}', "Infinity"),
        (b'{"seed": 1e999}', "too large"),
        (b'{"seed": ' + b"9" * 5000 + b"}", "digits"),
        (b'{"user": "\\ud800"}', "surrogate"),
        (b'{"\\uDFFF": 1}', "surrogate"),
        (b'{"user": "\xff"}', "UTF-8"),
        (b'{"user": ' + b"[" * 250 + b"]" * 250 + b"}", "251 levels"),
        (b"[" * 100_000, "levels deep"),
    ],
)
def test_bodies_that_are_no_usable_json(port: int, body: bytes, says: str) -> None:
    reply = ask(port, body=body)
    assert reply.status == 400
    assert reply.error["type"] == "invalid_request_error"
    assert says in reply.error["message"]


def test_a_surrogate_pair_is_fine_and_text_comes_back(port: int) -> None:
    spoken = "Ünïcödé 🌳 \u2028 漢字"
    raw = json.dumps({**ASK, "messages": [{"role": "user", "content": f'Repeat: "{spoken}"'}]}).encode()
    assert b"\\ud83c" in raw
    reply = ask(port, body=raw)
    assert spoken in reply.json["choices"][0]["message"]["content"]
    refused = ask(port, body={**ASK, "größe": 1})
    assert refused.error["message"] == "Unrecognized request argument supplied: größe"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
        ({"Content-Type": "application/problem+json"}, 200),
        ({"Content-Type": "text/plain"}, 400),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 400),
        ({"Content-Encoding": "gzip"}, 415),
    ],
)
def test_content_types(port: int, headers: dict[str, str], status: int) -> None:
    reply = ask(port, body=json.dumps(ASK).encode(), headers=headers)
    assert reply.status == status
    if status != 200:
        assert reply.error["code"].startswith("unsupported_content")


def test_too_large_is_413_declared_or_not() -> None:
    with serving(Settings(max_body=1000)) as port:
        declared = ask(port, body=b" " * 1001)
        assert (declared.status, declared.headers["connection"]) == (413, "close")
        assert "1000 bytes" in declared.error["message"]
        chunked = ask(port, body=iter([b" " * 600] * 2))
        assert chunked.status == 413
        assert ask(port, body=json.dumps(ASK).encode().ljust(1000)).status == 200


def test_a_body_that_never_ends_is_408() -> None:
    with (
        serving(Settings(body_timeout=0.1)) as port,
        socket.create_connection(("127.0.0.1", port), 60) as link,
    ):
        link.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{")
        assert link.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_a_key_is_asked_for() -> None:
    key = "sk-secret-of-the-server"
    with serving(Settings(api_key=key)) as port:
        missing = ask(port, "GET", "/v1/models")
        assert missing.status == 401
        assert "didn't provide" in missing.error["message"]
        assert missing.headers["www-authenticate"].startswith("Bearer")
        for wrong in ("sk-wrong-but-long-enough-to-show", "short", "ключ", key[:-1]):
            reply = ask(port, body=ASK, headers={"Authorization": b"Bearer " + wrong.encode()})  # type: ignore[dict-item]
            assert (reply.status, reply.error["code"]) == (401, "invalid_api_key")
            assert wrong not in reply.body.decode()
        assert ask(port, "GET", "/v1/models", headers={"Authorization": f"Basic {key}"}).status == 401
        assert ask(port, "GET", "/v1/models", headers={"Authorization": f"bearer {key}"}).status == 200
        assert ask(port, "GET", "/health").status == 200
    with serving(Settings(api_key="ключ")) as port:
        assert ask(port, body=ASK, headers={"Authorization": "Bearer ключ".encode()}).status == 200  # type: ignore[dict-item]


def test_fine_tuned_models_can_be_deleted(port: int) -> None:
    tuned = "ft:gpt-4.1-mini-2025-04-14:team::BkaILRSh"
    deleted = ask(port, "DELETE", f"/v1/models/{tuned}")
    assert (deleted.status, deleted.json) == (200, {"id": tuned, "object": "model", "deleted": True})
    assert ask(port, "DELETE", "/v1/models/babbage:ft-team:name-2023-06-01-23-15-52").json["deleted"] is True
    for name in ("ft:123", "gpt-4o"):
        gone = ask(port, "DELETE", f"/v1/models/{name}")
        assert (gone.status, gone.json["error"]["message"]) == (404, f"The model '{name}' does not exist")
    with serving(Settings(models=("mine/large",))) as other:
        assert ask(other, "DELETE", f"/v1/models/{tuned}").status == 404


def test_models_default_and_configured(port: int) -> None:
    names = [model["id"] for model in ask(port, "GET", "/v1/models").json["data"]]
    assert {"gpt-3.5-turbo", "gpt-4o-mini", "gpt-4o", "gpt-4.1", "o4-mini", "gpt-5"} <= set(names)
    assert ask(port, "GET", "/v1/models/org/any%2Fname").json["id"] == "org/any/name"
    assert ask(port, body={**ASK, "model": "anything"}).json["model"] == "anything"
    with serving(Settings(models=("mine/large",))) as other:
        assert [one["id"] for one in ask(other, "GET", "/v1/models").json["data"]] == ["mine/large"]
        assert ask(other, "GET", "/v1/models/mine/large").status == 200
        assert ask(other, body={**ASK, "model": "mine/large"}).status == 200
        refused = ask(other, body=ASK)
        assert (refused.status, refused.error["code"]) == (404, "model_not_found")


def test_no_such_model_is_never_known(port: int) -> None:
    for stream in (True, False):
        reply = ask(port, body={**ASK, "model": "no-such-model-7", "stream": stream})
        assert (reply.status, reply.error["code"]) == (404, "model_not_found")
    error = ask(port, "GET", "/v1/models/no-such-model-7").error
    assert error["message"] == "The model 'no-such-model-7' does not exist"
    assert (error["param"], error["code"]) == ("model", "model_not_found")


def test_a_crash_is_500_in_openais_form_and_its_traceback_stays_in_the_log(
    port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(chat, "answer", crash)
    with caplog.at_level(logging.ERROR, "fake_server"):
        reply = ask(port, body=ASK)
    assert reply.status == 500
    assert reply.error["type"] == "server_error"
    assert b"secret detail" not in reply.body
    assert "secret detail" in caplog.text
    assert reply.headers["x-request-id"].startswith("req_")
    monkeypatch.setattr(chat, "answer", answer_module.answer)
    assert ask(port, body=ASK).status == 200


def test_a_crash_in_mid_stream_cuts_the_connection(
    port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*_: Any) -> Iterator[Write]:
        yield Write(b"data: {}\n\n")
        yield Write(b"data: {}\n\n", 0.001)  # what is due together is not sent before it is whole
        raise RuntimeError("secret detail")

    monkeypatch.setattr(chat, "pace", crash)
    with pytest.raises(http.client.IncompleteRead) as cut:
        ask(port, body={**ASK, "stream": True})
    assert cut.value.partial == b"data: {}\n\n"
    assert "secret detail" in caplog.text
