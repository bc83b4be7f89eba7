"""Where a connection that yields no HTTP reply went wrong: the name, the port, TLS, plain HTTP, the first byte."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

from fake_server.relay.upstream import Target, parse_target
from fake_server.wire.exchange import Ending, Exchange

PROBE_SECONDS = 2.0
"""How long a look at the other protocol may take."""


def is_without_reply(exchange: Exchange) -> bool:
    """Whether no byte of an HTTP reply came: no connection, an end at once, or silence up to a bound."""
    return exchange.status is None and exchange.ending not in (Ending.MALFORMED, Ending.OVERSIZED)


async def find_stage_hint(root: str, exchange: Exchange) -> str:
    """What to do about an exchange without an HTTP reply, by what else speaks at `root`; '' if nothing is known."""
    target, problem = parse_target(root), exchange.problem
    if exchange.ending is Ending.UNREACHABLE:
        if "certificate" in problem:
            return "--ca-file FILE trusts another authority"
        if "resolved" in problem:
            return "check the host's name"
        if "refused" in problem:
            return "start the server, or check the port"
    if target.encrypted:
        if await _speaks_http(target):
            return f"it speaks plain HTTP there: use http://{target.authority}"
        return "the port accepts connections, but TLS does not begin" if await _accepts(target) else ""
    if await _speaks_tls(target):
        return f"it speaks TLS there: use https://{target.authority}"
    return "raise --first-byte-timeout if it is only slow" if exchange.ending is Ending.TIMED_OUT else ""


async def _accepts(target: Target) -> bool:
    return await _first_bytes(target, None, b"") is not None


async def _speaks_http(target: Target) -> bool:
    request = f"GET / HTTP/1.1\r\nHost: {target.authority}\r\nConnection: close\r\n\r\n".encode()
    return (await _first_bytes(target, None, request) or b"").startswith(b"HTTP/")


async def _speaks_tls(target: Target) -> bool:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent over it
    return await _first_bytes(target, context, b"") is not None


async def _first_bytes(target: Target, context: ssl.SSLContext | None, request: bytes) -> bytes | None:
    """What comes back first, b'' where nothing was asked; None if no connection could be made."""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(PROBE_SECONDS):
            reader, writer = await asyncio.open_connection(target.host, target.port, ssl=context)
        try:
            writer.write(request)
            async with asyncio.timeout(PROBE_SECONDS):
                return await reader.read(16) if request else b""
        except (OSError, TimeoutError):
            return b""
        finally:
            writer.transport.abort()
    return None
