"""Whether `main()` fails the same way on a candidate: the seed program in a process, on playback."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from dataclasses import dataclass, replace

from contract_tests.rules.engine.view import View
from contract_tests.run.guard import is_trap
from contract_tests.shrinking.oracle import NothingNew
from contract_tests.target.main_program import CLIENT
from fake_server.replay.playback import Playback
from fake_server.wire.exchange import Exchange

TIMEOUT = 4.0
"""Seconds for one run of main(); a reply that never ends takes them all."""
_KEY = "no-key-needed"
_OWN_FAULTS = (1, 2, 10)
_VARYING = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Outcome:
    """How main() ended: its exit code, its line on stderr, and whether it printed any text."""

    code: int
    line: str
    printed: bool

    @property
    def kind(self) -> tuple[int, str]:
        """What stays the same from run to run: the code, and the line without its numbers."""
        return self.code, _VARYING.sub("0", self.line)


class MainFails:
    """Holds for exchanges on which main() fails as on the first one, and that break no rule it keeps.

    The rules are asked first: they cost a thousandth of a run. Raises ValueError where main() has no reason
    to fail: another endpoint, or a reply that it can read.
    """

    def __init__(self, exchange: Exchange) -> None:
        if View(exchange).endpoint != "chat":
            asked = f"{exchange.request.method} {exchange.request.path}"
            raise ValueError(f"main() asks POST /v1/chat/completions; this is an answer to {asked}")
        self.outcome = run_main(exchange)
        if self.outcome.code == 0:
            raise ValueError("main() does not fail on it: it prints the answer and ends with exit code 0")
        if self.outcome.code in _OWN_FAULTS:
            raise ValueError(f"main() failed by itself, not for the reply: {self.outcome.line}")
        self._nothing_new = NothingNew(exchange)

    def __call__(self, exchange: Exchange) -> bool:
        return self._nothing_new(exchange) and run_main(exchange).kind == self.outcome.kind


def run_main(exchange: Exchange, seconds: float = TIMEOUT) -> Outcome:
    """What main() makes of the reply of an exchange, served to it as recorded but without the pauses."""
    return asyncio.run(_run(exchange, seconds))


async def _run(exchange: Exchange, seconds: float) -> Outcome:
    asked = exchange.request.json()
    streamed = isinstance(asked, dict) and asked.get("stream") is True
    request = replace(exchange.request, target="/v1/chat/completions")
    async with Playback([exchange.but(request=request)], speed=0, match="order") as served:
        arguments = ["--base-url", served.base_url, "--timeout", f"{seconds:g}"]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", str(CLIENT), *arguments, *(() if streamed else ("--no-stream",))),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
        )
        try:
            async with asyncio.timeout(seconds + 5.0):
                printed, told = await process.communicate()
        except TimeoutError:
            return Outcome(8, "client.py did not end by itself", False)
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()
    line = " ".join(told.decode("utf-8", "replace").split()).removeprefix("client.py: ")
    return Outcome(process.returncode or 0, line, bool(printed.strip()))


def _environment() -> dict[str, str]:
    """This environment without what could lead main() elsewhere."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not is_trap(name) and not name.upper().startswith(("PYTHON", "COV_"))
    }
    return {**kept, "OPENAI_API_KEY": _KEY, "PYTHONIOENCODING": "utf-8:backslashreplace"}
