"""How much latency the relay adds.

A loopback server answers each byte of a request with one small HTTP chunk. Round trips are timed
directly and through the relay, alternating, so that both meet the same load on the machine.
"""

from __future__ import annotations

import asyncio
import statistics
import time

from fake_server.relay.relay import Relay

EVENT = b'data: {"choices":[{"delta":{"content":"word"}}]}\n\n'
CHUNK = b"%x\r\n%s\r\n" % (len(EVENT), EVENT)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send one chunk for each byte of the request body."""
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD)
        while await reader.read(1):
            writer.write(CHUNK)
    except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
        pass  # asyncio 3.11 prints a traceback where a handler ends as cancelled
    finally:
        writer.close()


async def _open(port: int, rounds: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection with a request whose body is sent a byte at a time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (rounds + 1))
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def _round_trip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
    """Seconds from sending a byte to receiving its chunk."""
    started = time.perf_counter()
    writer.write(b"x")
    await reader.readexactly(len(CHUNK))
    return time.perf_counter() - started


async def measure_added_latency(rounds: int) -> float:
    """Seconds that the relay adds to one write on loopback: half of the median it adds to a round trip."""
    direct, relayed = await measure_round_trips(rounds)
    return (statistics.median(relayed) - statistics.median(direct)) / 2


async def measure_round_trips(rounds: int) -> tuple[list[float], list[float]]:
    """Round trips in seconds, direct and through the relay, which each of them passes twice."""
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with Relay(f"http://127.0.0.1:{port}") as relay:
        connections = [await _open(port, rounds), await _open(relay.port, rounds)]
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds):
            for connection, durations in zip(connections, times, strict=True):
                durations.append(await _round_trip(*connection))
        for _, writer in connections:
            writer.close()
    server.close()
    await server.wait_closed()
    return times
