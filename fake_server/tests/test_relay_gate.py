"""Who gets through a relay, a recorder and a replay: who knows the token where they add a key, and no foreign page."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fake_server.access import Gate
from fake_server.relay.recorder import Recorder
from fake_server.relay.relay import Relay
from fake_server.replay.playback import Playback
from fake_server.tests.hostile import target
from fake_server.tests.wire_client import Answer, Echo, ask, run
from fake_server.wire.exchange import Exchange, Request

security = pytest.mark.security("pages of other origins")

KEY = "sk-proj-R7kq93LmZx0TtVb2NcYw8Ha5"
ADDING: tuple[dict[str, Any], ...] = (
    {"extra_headers": [("Authorization", f"Bearer {KEY}")]},
    {"extra_headers": [("x-goog-api-key", KEY)]},
    {"extra_query": [("key", KEY)]},
    {"query": f"?key={KEY}"},
    {"guarded": True},
)
"""What makes a relay ask for its token; `query` is that of the target."""
PAGES = (
    "Origin: https://evil.example",
    "Origin: null",
    "Origin: http://localhost:3000",
    "Origin: http://127.0.0.1",
    "Origin: ",
    "Sec-Fetch-Site: cross-site",
    "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: no-cors",
    "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe",
    "Referer: https://evil.example/",
    "Origin: https://a.example\r\nOrigin: https://evil.example",
)
FOREIGN_HOSTS = ("evil.example", "localhost.evil.example:80", "relay.invalid", "localhost@evil.example", "a, localhost")


@asynccontextmanager
async def relaying(**options: Any) -> AsyncIterator[tuple[Relay, Echo]]:
    echo, query = Echo(), options.pop("query", "")
    async with target(echo) as url, Relay(f"{url}/base{query}", **options) as relay:
        yield relay, echo


def asks(target: str, *lines: str, method: str = "POST", host: str = "localhost", body: bytes = b"{}") -> bytes:
    """A request as bytes, of a client that leaves after it."""
    fields = [f"Host: {host}", *lines, f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join([f"{method} {target} HTTP/1.1", *fields, "", ""]).encode("latin-1") + body


def is_refused(answer: Answer, *statuses: int) -> bool:
    """Whether an answer is an error in OpenAI's form, which no page may read, and says nothing of the key."""
    error = json.loads(answer.body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert b"access-control" not in answer.head.lower()
    assert KEY.encode() not in answer.data
    return int(answer.head.split(b" ")[1]) in statuses


@security
@pytest.mark.parametrize("adding", ADDING, ids=lambda adding: next(iter(adding)))
def test_without_its_token_a_relay_that_adds_a_key_forwards_nothing(adding: dict[str, Any]) -> None:
    async def main() -> None:
        async with relaying(**adding) as (relay, echo):
            token = relay.path[1:]
            for path in (
                *("/v1/models", "/", "//", f"/{token[:-1]}/v1", f"/{token}x/v1", f"/{token.swapcase()}/v1"),
                *(f"//{token}/v1", f"/v1/{token}", f"/v1?token={token}", f"/%2F{token}/v1", f"/./{token}/v1"),
                *(f"/{token[0]}%{ord(token[1]):02x}{token[2:]}/v1", f"/{token};x/v1", f"/{token}%2Fv1", "*"),
                *(f"http://localhost:{relay.port}/v1/models", f"http://localhost:{relay.port}/{token}/v1"),
            ):
                sent = asks(path, f"Authorization: Bearer {token}", f"X-Token: {token}", f"Referer: http://a/{token}/")
                answer = await ask(relay.port, sent)
                assert is_refused(answer, 404), path
                assert token.encode() not in answer.data
            for host in FOREIGN_HOSTS:
                assert is_refused(await ask(relay.port, asks(f"{relay.path}/v1", host=host)), 421, 400), host
            assert (echo.connections, relay.exchanges) == (0, [])

    run(main())


@pytest.mark.parametrize("adding", ADDING, ids=lambda adding: next(iter(adding)))
@pytest.mark.parametrize("path", ["/v1/models?q=1", "/v1/chat/completions", "/", "?q=1", ""])
def test_with_its_token_neither_the_target_nor_the_exchange_sees_it(adding: dict[str, Any], path: str) -> None:
    async def main() -> None:
        async with relaying(**adding) as (relay, echo):
            assert len(relay.path) > 30
            assert relay.base_url == f"http://127.0.0.1:{relay.port}{relay.path}"
            await ask(relay.port, asks(relay.path + path, "Origin: https://app.example"))
            [head], [exchange] = echo.heads, relay.exchanges
            whole = path if path.startswith("/") else f"/{path}"
            assert exchange.request.target == whole
            assert head.split(b" ")[1].decode().partition("key=")[0].rstrip("?&") == f"/base{whole}".rstrip("?&")
            assert relay.path[1:] not in repr((head, exchange))

    run(main())


def test_tokens_are_drawn_anew() -> None:
    assert len({Gate(with_token=True).path for _ in range(20)}) == 20
    assert Gate().path == ""


@security
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_relay_without_a_token_forwards_nothing_for_a_foreign_page(page: str, method: str) -> None:
    async def main() -> None:
        async with relaying(allow_origins=["https://app.example"]) as (relay, echo):
            assert is_refused(await ask(relay.port, asks("/v1/models", page, method=method)), 403)
            assert (echo.connections, relay.exchanges) == (0, [])

    run(main())


@security
@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_relay_without_a_token_answers_to_its_own_names(host: str) -> None:
    async def main() -> None:
        async with relaying(allow_origins=["*"]) as (relay, echo):
            own = f"Origin: http://{host}"
            assert is_refused(
                await ask(relay.port, asks("/v1/models", own, "X-Forwarded-Host: localhost", host=host)), 421, 400
            )
            absolute = asks(f"http://{host.replace(', ', ',')}/v1/models")
            assert is_refused(await ask(relay.port, absolute), 421, 400)
            assert echo.connections == 0

    run(main())


@pytest.mark.parametrize(
    ("origins", "page"),
    [
        ([], ""),
        ([], "Sec-Fetch-Site: none"),
        ([], "Origin: http://localhost"),
        (["https://app.example"], "Origin: https://app.example\r\nSec-Fetch-Site: cross-site"),
        (["HTTP://localhost:3000", "null"], "Origin: http://LOCALHOST:3000"),
        (["null"], "Origin: null"),
        (["*"], "Origin: https://app.example"),
        (["*"], "Sec-Fetch-Site: cross-site"),
    ],
)
def test_programs_and_pages_that_are_named_get_through(origins: Sequence[str], page: str) -> None:
    async def main() -> None:
        async with relaying(allow_origins=origins) as (relay, echo):
            lines = [page] if page else []
            await ask(relay.port, asks("/v1/models", *lines, method="OPTIONS"))
            assert len(echo.heads) == 1

    run(main())


@pytest.mark.parametrize("origin", ["localhost:3000", "", "https://", "http://a/", "http://a b", "**"])
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="is no origin"):
        Relay("http://127.0.0.1:1", allow_origins=[origin])


def test_a_refusal_is_logged_once_and_few_are(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with relaying() as (relay, _):
            for number in range(30):
                for _ in range(2):
                    await ask(relay.port, asks("/v1", f"Origin: https://{number}.example"))
            await ask(relay.port, asks("/v1", "Origin: https://a\x9b31m.example"))

    run(main())
    assert len(caplog.messages) == 10
    assert "add --allow-origin https://0.example." in caplog.messages[0]
    assert caplog.text.isprintable() or "\x9b" not in caplog.text


@security
@pytest.mark.parametrize("adding", ADDING[:4], ids=lambda adding: next(iter(adding)))
def test_a_recorder_that_adds_a_key_writes_no_token(adding: dict[str, Any], tmp_path: Path) -> None:
    async def main() -> None:
        echo, options = Echo(), dict(adding)
        query = options.pop("query", "")
        async with target(echo) as url, Recorder(f"{url}/v1{query}", tmp_path, **options) as recorder:
            port, _, path = recorder.base_url.removeprefix("http://127.0.0.1:").partition("/")
            assert is_refused(await ask(int(port), asks("/v1/models")), 404)
            await ask(int(port), asks(f"/{path}/models", "Origin: https://app.example"))
            await recorder.wait_until_idle()
            token = path.partition("/")[0]
            assert len(echo.heads) == 1
            tokens.append(token)

    tokens: list[str] = []
    run(main())
    files = [file.read_bytes() for file in tmp_path.iterdir()]
    assert files
    assert not [file for file in files if tokens[0].encode() in file or KEY.encode() in file]


@security
@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_replay_answers_to_its_own_names_and_to_any_page(host: str) -> None:
    request = Request("GET", "/v1/models", (), b"")

    async def main() -> None:
        exchange = Exchange(request, 200, (("content-length", "0"),), ())
        async with Playback([exchange], match="any", allow_hosts=["fake"]) as playback:
            refused = await ask(playback.port, asks("/v1/models", method="GET", host=host, body=b""))
            assert is_refused(refused, 421, 400)
            assert len(playback.unplayed) == 1
            page = asks("/v1/models", "Origin: https://app.example", method="GET", host="fake:80", body=b"")
            assert (await ask(playback.port, page)).head.startswith(b"HTTP/1.1 200 ")

    run(main())


@security
@pytest.mark.parametrize("listener", ["relay", "playback", "recorder"])
def test_only_this_machine_reaches_them(listener: str, tmp_path: Path) -> None:
    async def main() -> None:
        exchange = Exchange(Request("GET", "/", (), b""), 200, (), ())
        all_of_them = {
            "relay": Relay("http://127.0.0.1:1"),
            "playback": Playback([exchange]),
            "recorder": Recorder("http://127.0.0.1:1", tmp_path),
        }
        made: Any = all_of_them[listener]
        async with made:
            server = getattr(made, "_relay", made)._server
            assert [socket.getsockname()[0] for socket in server.sockets] == ["127.0.0.1"]

    run(main())
