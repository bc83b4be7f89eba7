"""Where a connection goes wrong before any reply: the name, the port, TLS, and the other one of TLS and plain HTTP."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from pathlib import Path

import pytest

from contract_tests.run.run import Options, Unreachable, run
from contract_tests.tests.small_target import Asked, completed, sensible
from fake_server.tests.hostile import target
from fake_server.tests.listening import Handler
from fake_server.tests.test_relay_tls import make_certificate
from fake_server.wire.bounds import Bounds

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")


def trouble(url: str) -> str:
    with pytest.raises(Unreachable) as caught:
        asyncio.run(run(Options(url, bounds=Bounds(connect=1, first_byte=0.5), select=("chat.short",))))
    return str(caught.value)


def test_the_name_and_the_port_are_told_apart() -> None:
    assert "the name no-such-host.invalid cannot be resolved" in trouble("http://no-such-host.invalid/v1")
    assert "port 1 refused the connection; start the server, or check the port" in trouble("http://127.0.0.1:1/v1")


async def _served(handler: Handler, scheme: str, folder: Path | None = None) -> str:
    """What is said of this URL, where a server listens, in TLS if there is a folder for its certificate."""
    context = None
    if folder is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*make_certificate(folder))
    async with target(handler, context) as url:
        return await asyncio.to_thread(trouble, url.replace("http:", f"{scheme}:") + "/v1")


async def _plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers whatever ends in a blank line; a TLS greeting it reads for ever, as many servers do."""
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(sensible(Asked("GET", head.split(b" ")[1].decode(), {}, b"")))


async def _strict(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Refuses at the first byte what is not HTTP."""
    begin = await reader.read(4)
    status = b"200 OK" if begin == b"GET " else b"400 Bad Request"
    writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


async def _closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)


@pytest.mark.parametrize("handler", [_plain, _strict])
def test_plain_http_where_tls_was_asked(handler: Handler) -> None:
    assert "it speaks plain HTTP there: use http://127.0.0.1:" in completed(_served(handler, "https"))


@needs_openssl
@pytest.mark.parametrize("handler", [_plain, _closes])
def test_tls_where_plain_http_was_asked(handler: Handler, tmp_path: Path) -> None:
    assert "it speaks TLS there: use https://127.0.0.1:" in completed(_served(handler, "http", tmp_path))


@needs_openssl
def test_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    said = completed(_served(_plain, "https", tmp_path))
    assert "the certificate of 127.0.0.1" in said
    assert "--ca-file FILE" in said


def test_neither_tls_nor_http() -> None:
    assert "TLS does not begin" in completed(_served(_closes, "https"))
