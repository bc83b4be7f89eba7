"""A zoo of hostile targets: raw servers on loopback, each one small coroutine with one bad habit.

A handler gets the reader and the writer of one connection; most read the request first. Times are
scaled down so that tests with small bounds are quick. `target(handler)` serves one of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import ssl
import struct
import zlib
from collections.abc import AsyncIterator
from itertools import count

from fake_server.tests.listening import Handler, listening

ZOO: dict[str, Handler] = {}
TICK = 0.05  # what stands for a second here

JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


def animal(handler: Handler) -> Handler:
    ZOO[getattr(handler, "__name__", "")] = handler
    return handler


@contextlib.asynccontextmanager
async def target(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve `handler` on a free port of 127.0.0.1; yields the base URL. All its tasks end with it."""
    async with listening(handler, tls=tls) as port:
        yield f"http://127.0.0.1:{port}"


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """One request with its Content-Length body; returns the body."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return await reader.readexactly(int(line.partition(b":")[2]))
    return b""


async def send(writer: asyncio.StreamWriter, *pieces: bytes) -> None:
    for piece in pieces:
        writer.write(piece)
        await writer.drain()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def fixed(reply: bytes) -> Handler:
    """A server that reads the request, sends `reply` as it stands and closes."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await send(writer, reply)

    return handler


async def repeat(writer: asyncio.StreamWriter, piece: bytes, pause: float = 0.0) -> None:
    while True:
        await send(writer, piece)
        await asyncio.sleep(pause)


@animal
async def endless_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, STREAM_HEAD, CHUNKED)
    await repeat(writer, chunk(b'data: {"choices":[]}\n\n'))


@animal
async def one_byte_per_second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, STREAM_HEAD, CHUNKED)
    await repeat(writer, chunk(b"d"), TICK)


@animal
async def one_head_byte_per_second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, JSON_HEAD, b"X-Slow: ")
    await repeat(writer, b"d", TICK)


@animal
async def gigabyte_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, JSON_HEAD, b"Content-Length: 1000000000\r\n\r\n")
    await repeat(writer, b"x" * 65536)


@animal
async def gigabyte_chunk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, JSON_HEAD, CHUNKED, b"3b9aca00\r\n")
    await repeat(writer, b"x" * 65536)


@animal
async def endless_to_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, JSON_HEAD, b"\r\n")
    await repeat(writer, b" " * 65536)


@animal
async def huge_event(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, STREAM_HEAD, CHUNKED, chunk(b"data: "))
    for _ in range(1600):
        await send(writer, chunk(b"x" * 65536))
    await send(writer, chunk(b"\n\n"), chunk(b""))


@animal
async def countless_tiny_chunks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, STREAM_HEAD, CHUNKED)
    await repeat(writer, chunk(b"\n") * 1000)


@animal
async def reset_in_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, JSON_HEAD, b"X-Cut: in the mid")
    reset(writer)


@animal
async def reset_in_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, STREAM_HEAD, CHUNKED, chunk(b"data: {}\n\n"))
    await asyncio.sleep(0.01)
    reset(writer)


def reset(writer: asyncio.StreamWriter) -> None:
    """RST in place of FIN."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@animal
async def no_headers_ever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await reader.read()


@animal
async def never_reads(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.sleep(3600)


@animal
async def silent_after_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, STREAM_HEAD, CHUNKED)
    await reader.read()


@animal
async def silent_in_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, JSON_HEAD, b'Content-Length: 100\r\n\r\n{"id":')
    await reader.read()


@animal
async def closes_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@animal
async def closes_after_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)


@animal
async def answers_unasked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await send(writer, JSON_HEAD, b"Content-Length: 2\r\n\r\n{}")
    await reader.read()


@animal
async def endless_header_lines(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, JSON_HEAD)
    await repeat(writer, b"X-More: and more\r\n" * 100)


@animal
async def huge_header_line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, JSON_HEAD, b"X-Long: ")
    await repeat(writer, b"x" * 4096)


@animal
async def endless_informational(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await repeat(writer, b"HTTP/1.1 102 Processing\r\n\r\n" * 100)


@animal
async def endless_chunk_extension(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, STREAM_HEAD, CHUNKED, b"5;x=")
    await repeat(writer, b"y" * 4096)


@animal
async def endless_trailers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, STREAM_HEAD, CHUNKED, b"0\r\n")
    await repeat(writer, b"X-More: and more\r\n" * 100)


@animal
async def redirect_loop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /v1/chat/completions\r\nContent-Length: 0\r\n\r\n"
    while True:
        await read_request(reader)
        await send(writer, head)


@animal
async def redirect_with_endless_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /v1/elsewhere\r\n", CHUNKED)
    await repeat(writer, chunk(b"x" * 4096))


@animal
async def endless_comments(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await send(writer, STREAM_HEAD, CHUNKED)
    await repeat(writer, chunk(b": ping\n\n" * 100))


@animal
async def endless_calls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Tool calls without end, each with an index of its own."""
    await read_request(reader)
    await send(writer, STREAM_HEAD, CHUNKED)
    for number in count():
        call = b'{"index":%d,"id":"c%d","type":"function","function":{"name":"f","arguments":""}}' % (number, number)
        await send(writer, chunk(b'data: {"choices":[{"index":0,"delta":{"tool_calls":[%s]}}]}\n\n' % call))


BOMB = gzip.compress(b"\0" * 1_000_000, 9) * 100


@animal
async def gzip_bomb(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """About 100 kB on the wire, 100 MB unpacked."""
    await read_request(reader)
    await send(writer, JSON_HEAD, b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB), BOMB)


def sized(body: bytes, head: bytes = JSON_HEAD) -> bytes:
    return head + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body


def coded(body: bytes, coding: bytes) -> bytes:
    return sized(body, JSON_HEAD + b"Content-Encoding: %s\r\n" % coding)


FIXED = {
    "deflate_bomb": coded(zlib.compress(b" " * 100_000_000, 9), b"deflate"),
    "gzip_members_by_the_thousand": coded(gzip.compress(b"") * 5000, b"gzip"),
    "coded_a_thousand_times": coded(b"{}", b"gzip" + b", gzip" * 999),
    "choices_of_nothing": sized(b'{"choices": [' + b"{}," * 40_000 + b"{}]}"),
    "a_number_of_100_kB": sized(b'{"created": ' + b"9" * 100_000 + b"}"),
    "members_by_the_thousand": sized(b"{%s}" % b",".join(b'"m%d":0' % number for number in range(10_000))),
    "error_of_tags": sized(b"<style>" * 20_000, b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n"),
    "invalid_utf8": sized(b'{"id": "\xff\xfe\xc3("}'),
    "deep_nesting": sized(b"[" * 50_000 + b"]" * 50_000),
    "duplicate_keys": sized(b'{"id": 1, "id": 2}'),
    "not_a_number": sized(b'{"logprob": NaN, "other": -Infinity}'),
    "length_too_long": JSON_HEAD + b"Content-Length: 10\r\n\r\n{}",
    "length_too_short": JSON_HEAD + b"Content-Length: 2\r\n\r\n{}, and more",
    "two_lengths": JSON_HEAD + b"Content-Length: 2\r\nContent-Length: 20\r\n\r\n{}",
    "length_no_number": JSON_HEAD + b"Content-Length: +2\r\n\r\n{}",
    "chunk_size_garbage": JSON_HEAD + CHUNKED + chunk(b"{}") + b"zz\r\n",
    "chunk_size_negative": JSON_HEAD + CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n",
    "chunk_size_enormous": JSON_HEAD + CHUNKED + b"f" * 17 + b"\r\n{}",
    "chunk_without_line_end": JSON_HEAD + CHUNKED + b"2\r\n{}0\r\n\r\n",
    "no_last_chunk": JSON_HEAD + CHUNKED + chunk(b"{}"),
    "nul_in_header": b"HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\nContent-Length: 2\r\n\r\n{}",
    "lone_cr_line_ends": b"HTTP/1.1 200 OK\rContent-Length: 2\r\r{}",
    "header_without_colon": b"HTTP/1.1 200 OK\r\nContent-Length 2\r\n\r\n{}",
    "not_http": b"SSH-2.0-OpenSSH_9.6\r\n",
    "tls_alert": b"\x15\x03\x01\x00\x02\x02\x16",
    "http2_preface": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "bare_body": b'{"id": 1}\n',
    "status_no_number": b"HTTP/1.1 OK\r\n\r\n",
    "body_after_204": b"HTTP/1.1 204 No Content\r\n\r\n{}",
}
for _name, _reply in FIXED.items():
    ZOO[_name] = fixed(_reply)
