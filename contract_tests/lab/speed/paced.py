"""Many open streams, each at its pace: how far the events are from when they are due."""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import time
from dataclasses import dataclass

STREAMS, RATE, EVENTS = 5000, 1.0, 4


@dataclass(frozen=True)
class Pace:
    """Errors of the gaps between events in milliseconds, and the number of streams that ended whole."""

    whole: int
    median: float
    p99: float
    worst: float


async def measure(port: int, streams: int = STREAMS) -> Pace:
    """Open the streams, read each to its end, and compare the gaps between events with the pace asked for."""
    raise_limit(streams * 2 + 200)
    waiting = asyncio.Semaphore(400)  # connections being opened at once
    errors: list[float] = []
    whole = sum(await asyncio.gather(*(_stream(port, errors, waiting) for _ in range(streams))))
    errors.sort()
    if not errors:
        return Pace(whole, 0.0, 0.0, 0.0)
    return Pace(whole, statistics.median(errors), errors[int(len(errors) * 0.99)], errors[-1])


async def _stream(port: int, errors: list[float], waiting: asyncio.Semaphore) -> bool:
    messages = [{"role": "user", "content": "hello"}]
    body = json.dumps({"model": "m", "stream": True, "messages": messages}).encode()
    async with waiting:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        fields = f"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(f"POST /v1/chat/completions HTTP/1.1\r\n{fields}".encode() + body)
        await reader.readuntil(b"\r\n\r\n")
        before, rest = 0.0, b""
        while not rest.endswith(b"0\r\n\r\n"):
            piece = await asyncio.wait_for(reader.read(65536), 60)
            now = time.perf_counter()
            if not piece:
                return False
            if before and b"[DONE]" not in piece:
                errors.append(abs(now - before - 1 / RATE) * 1000)
            before, rest = now, piece[-16:]
        return True
    finally:
        writer.close()


def raise_limit(files: int) -> None:
    """Raise the limit of open files of this process and its children, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = files if hard == resource.RLIM_INFINITY else min(files, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
