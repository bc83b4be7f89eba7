"""How fast recordings are cleaned of secrets: `python -m contract_tests.lab.speed.redacting`.

A megabyte in a message is cleaned and checked as when it is saved, turn by turn with compressing the same bytes by
zlib, so that both see the same machine; the ratio of their processor times is what counts.
"""

from __future__ import annotations

import base64
import json
import random
import statistics
import sys
import time
import zlib
from collections.abc import Callable
from functools import partial

from fake_server.relay.redact import known_values, redact, scan
from fake_server.wire.exchange import Exchange, Request, Write

SIZE, ROUNDS = 1_000_000, 5
AIM = 40
"""Times as long as zlib takes, whatever the bytes: about a second a megabyte."""
KEY = (("Authorization", "Bearer sk-proj-R7kq93LmZx0TtVb2NcYw8Ha5"),)


def bodies() -> dict[str, bytes]:
    """What may be in a message, as a data URL, and a text as long."""
    generator = random.Random(1)
    noise = generator.randbytes(SIZE)
    blobs = {
        "a picture": b"\x89PNG\r\n\x1a\n" + noise,
        "a sound": b"RIFF\x24\x08\x00\x00WAVEfmt " + bytes(generator.choices((0, 1, 2, 254, 255), k=SIZE)),
        "no known format": noise,
        "seven bits": bytes(byte & 127 for byte in noise),
    }
    texts = {name: f"data:image/png;base64,{base64.b64encode(blob).decode()}" for name, blob in blobs.items()}
    texts["a text"] = " ".join(
        generator.choices(["the", "words", "of", "a", "long", "text,", "with", "commas"], k=SIZE // 6)
    )
    return {
        name: json.dumps({"messages": [{"role": "user", "content": text}]}).encode() for name, text in texts.items()
    }


def clean(exchange: Exchange) -> None:
    """What saving a recording does to its secrets."""
    known = known_values(exchange)
    scan(redact(exchange, known).exchange, known)


def seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> None:
    for name, body in bodies().items():
        exchange = Exchange(Request("POST", "/v1/chat/completions", KEY, body), 200, (), (Write(b"{}"),))
        turns = [(seconds(partial(clean, exchange)), seconds(partial(zlib.compress, body))) for _ in range(ROUNDS)]
        ratio = statistics.median(cleaning / compressing for cleaning, compressing in turns)
        each = statistics.median(cleaning for cleaning, _ in turns) / len(body) * 1e6
        sys.stdout.write(f"redacting {name:16} {ratio:5.1f} times zlib (aim {AIM}), {each:.2f} s a MB\n")


if __name__ == "__main__":
    main()
