"""The relay forwards bytes as they are, keeps connections, labels exchanges and ends as it should."""

from __future__ import annotations

import asyncio

import pytest

from fake_server.relay.relay import Relay
from fake_server.tests.hostile import CHUNKED, STREAM_HEAD, chunk, fixed, send, target
from fake_server.tests.wire_client import OK, Echo, ask, post, run
from fake_server.wire.exchange import Ending, Framing

ODD_REPLY = (
    b"HTTP/1.1 299 Rather Odd\r\nx-LOWER-upper: 1\r\nSet-Cookie: a\r\nset-cookie: b\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n3;ext=1\r\nab\xff\r\n1\r\n\x00\r\n0\r\nX-Trailer: t\r\n\r\n"
)


def test_the_client_gets_the_very_bytes_of_the_target() -> None:
    async def main() -> None:
        async with target(fixed(ODD_REPLY)) as url, Relay(url) as relay:
            answer = await ask(relay.port, post())
            [exchange] = relay.exchanges
        assert answer.data == ODD_REPLY
        assert (exchange.status, exchange.reason, exchange.framing) == (299, "Rather Odd", Framing.CHUNKED)
        assert [write.data for write in exchange.writes] == [b"ab\xff", b"\x00"]
        assert exchange.trailers == (("X-Trailer", "t"),)

    run(main())


def test_only_host_path_label_and_extras_of_a_request_change() -> None:
    async def main() -> None:
        echo = Echo()
        async with (
            target(echo) as url,
            Relay(
                url + "/base/v1/",
                extra_headers=[("X-Extra", "1"), ("Authorization", "mine")],
                extra_query=[("api-version", "2 3")],
            ) as relay,
        ):
            lines = "x-ODD:  spaced ", "Authorization: theirs", "X-Contract-Case: poem", "Cookie: a"
            await ask(relay.port, post(b"[1]", relay.path + "/chat/completions?q=%20", *lines))
            [exchange] = relay.exchanges
        host = url.removeprefix("http://").encode()
        assert echo.heads == [
            b"POST /base/v1/chat/completions?q=%20&api-version=2+3 HTTP/1.1\r\nHost: " + host + b"\r\n"
            b"Content-Type: application/json\r\nContent-Length: 3\r\nx-ODD:  spaced \r\nCookie: a\r\n"
            b"Connection: close\r\nX-Extra: 1\r\nAuthorization: mine\r\n\r\n[1]"
        ]
        assert exchange.label == "poem"
        assert exchange.request.target == "/chat/completions?q=%20"
        assert exchange.request.body == b"[1]"
        assert ("Authorization", "theirs") in (exchange.request.headers or ())
        assert "X-Contract-Case" not in dict(exchange.request.headers or ())

    run(main())


def test_connections_are_kept_both_ways_and_pipelined_requests_wait_their_turn() -> None:
    async def main() -> None:
        echo = Echo()
        async with target(echo) as url, Relay(url) as relay:
            many = [post(b"%d" % n, "/x", f"x-contract-case: {n}", close=n == 4) for n in range(5)]
            answer = await ask(relay.port, b"".join(many[:4]) + many[4])
            labels = [exchange.label for exchange in relay.exchanges]
            bodies = [exchange.request.body for exchange in relay.exchanges]
        assert answer.data == OK * 5
        assert echo.connections == 1
        assert labels == ["0", "1", "2", "3", "4"]
        assert bodies == [b"0", b"1", b"2", b"3", b"4"]

    run(main())


def test_a_target_that_closed_a_kept_connection_gets_a_new_one() -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n{}")
        await send(writer, OK)
        await asyncio.sleep(0.05)

    async def main() -> None:
        async with target(once) as url, Relay(url) as relay:
            reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            for _ in range(3):
                writer.write(post(close=False))
                assert await reader.readexactly(len(OK)) == OK
                await asyncio.sleep(0.2)
            writer.close()
            assert [exchange.ending for exchange in relay.exchanges] == [Ending.CLEAN] * 3

    run(main())


def test_bytes_pass_before_the_next_ones_are_sent() -> None:
    gate = asyncio.Event()

    async def lockstep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n{}")
        await send(writer, STREAM_HEAD, CHUNKED)
        for number in range(5):
            gate.clear()
            await send(writer, chunk(b"data: %d\n\n" % number))
            await gate.wait()
        await send(writer, chunk(b""))

    async def main() -> None:
        async with target(lockstep) as url, Relay(url) as relay:
            reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            writer.write(post())
            await reader.readuntil(b"\r\n\r\n")
            for number in range(5):
                assert await reader.readexactly(14) == chunk(b"data: %d\n\n" % number)
                gate.set()
            await reader.read()
            writer.close()
            assert len(relay.exchanges[0].writes) == 5

    run(main())


def test_a_large_body_passes_a_slow_reader_in_both_directions() -> None:
    body = bytes(range(256)) * 12_000
    reply = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    async def main() -> None:
        async with target(fixed(reply)) as url, Relay(url) as relay:
            reader, writer = await asyncio.open_connection("127.0.0.1", relay.port, limit=1024)
            writer.write(post(body))
            received = b""
            while piece := await reader.read(100_000):
                received += piece
                await asyncio.sleep(0.001)
            writer.close()
            [exchange] = relay.exchanges
        assert received == reply
        assert exchange.payload == exchange.request.body == body
        assert exchange.ending is Ending.CLEAN

    run(main())


def test_proxy_variables_play_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)

    async def main() -> None:
        async with target(Echo()) as url, Relay(url) as relay:
            await ask(relay.port, post())
            assert relay.exchanges[0].status == 200

    run(main())


def test_callback_is_called_before_the_reply_is_complete_for_the_client() -> None:
    async def main() -> None:
        seen: list[str] = []
        async with target(Echo()) as url, Relay(url, on_exchange=lambda one: seen.append(one.label)) as relay:
            reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            for number in range(20):
                writer.write(post(b"{}", "/", f"x-contract-case: {number}", close=False))
                await reader.readexactly(len(OK))
                assert seen[-1] == str(number)
            writer.close()

    run(main())


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("localhost:8080", "http://"),
        ("ftp://x", "http://"),
        ("http://", "HOST"),
        ("http://user:secret@x/v1", "without a user name"),
        ("http://x:99999", "port"),
        ("http://x/a b", "percent-encoded"),
    ],
)
def test_a_target_that_is_no_base_url_is_refused_in_words(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        Relay(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("header", [("X Y", "1"), ("X", "1\r\nY: 2"), ("X", "\N{EURO SIGN}")])
def test_an_extra_header_that_is_none_is_refused(header: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="extra header"):
        Relay("http://x", extra_headers=[header])
