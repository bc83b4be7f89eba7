"""How long another client waits meanwhile: for the fake that is tried, and for an idle one on the same machine."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from contract_tests.lab.fuzz.client import ask
from contract_tests.lab.fuzz.fake_process import FakeProcess
from fake_server.wire.exchange import Request

MEANWHILE = 1.0
"""Seconds in which another client is answered."""
RATIO = 5.0
"""Times as long as for an idle fake at the same moment: below it, other programs are why."""
LONGEST = 60.0
_SMALL = b'{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Repeat after me: Hi"}]}'
_FIELDS = (("content-type", "application/json"), ("x-fake-space", "another"))


@dataclass(frozen=True)
class Wait:
    """Seconds that a small request took, and those of one sent to an idle fake at the same moment."""

    seconds: float
    idle: float

    @property
    def is_late(self) -> bool:
        """Whether it took too long, and not only because the machine is busy."""
        return self.seconds > MEANWHILE and self.seconds > RATIO * self.idle

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s ({self.idle:.2f} s idle)"


def measure(fake: FakeProcess) -> Wait:
    """Ask both. Raises AssertionError where the fake's reply is not one."""
    idle: list[float] = []
    other = threading.Thread(target=lambda: idle.append(_seconds(fake.idle)), daemon=True)
    other.start()
    seconds = _seconds(fake)
    other.join()
    assert idle, "the idle fake gave no reply"
    return Wait(seconds, idle[0])


def _seconds(fake: FakeProcess) -> float:
    began = time.monotonic()
    reply = ask(fake, Request("POST", "/v1/chat/completions", _FIELDS, _SMALL), LONGEST)
    assert reply.status == 200, reply.payload[:300]
    return time.monotonic() - began
