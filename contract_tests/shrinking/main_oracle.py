"""The same question about main(): does the seed program still fail the same way on the candidate?"""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

from contract_tests.rules.judged import Judged
from contract_tests.shrinking.oracle import NothingNew
from contract_tests.target.main_program import MainOutcome, run_main_program
from fake_server.replay.playback import Playback
from fake_server.wire.exchange import Exchange

TIMEOUT = 10.0
"""Seconds for one run of main(), which has an SDK to load; a reply that never ends uses all of them."""
_VARYING = re.compile(r"\d+(?:\.\d+)?")


class MainFails:
    """Holds for exchanges on which main() fails as on the original, and that break no rule it keeps.

    The rules are checked first: they cost a thousandth of a run. Raises ValueError if main() does not fail
    because of the reply: another endpoint, a reply that it can read, or a failure of main() itself.
    """

    def __init__(self, original: Judged) -> None:
        if original.view.endpoint != "chat":
            request = original.exchange.request
            raise ValueError(
                f"main() sends POST /v1/chat/completions; this is a reply to {request.method} {request.path}"
            )
        self.outcome = run_main(original.exchange)
        if self.outcome.code == 0:
            raise ValueError("main() does not fail on it: it prints the answer and exits with code 0")
        if self.outcome.is_own_fault:
            raise ValueError(f"main() itself failed, not because of the reply: {self.outcome.line}")
        self._nothing_new = NothingNew(original)

    def __call__(self, exchange: Exchange) -> bool:
        return self._nothing_new(exchange) and kind_of(run_main(exchange)) == kind_of(self.outcome)


def kind_of(outcome: MainOutcome) -> tuple[int, str]:
    """What stays the same from run to run: the exit code, and the line without its numbers."""
    return outcome.code, _VARYING.sub("0", outcome.line)


def run_main(exchange: Exchange, seconds: float = TIMEOUT) -> MainOutcome:
    """How main() takes the reply of an exchange, played to it as recorded but without the pauses."""
    return asyncio.run(_run(exchange, seconds))


async def _run(exchange: Exchange, seconds: float) -> MainOutcome:
    body = exchange.request.json()
    streamed = isinstance(body, dict) and body.get("stream") is True
    request = replace(exchange.request, target="/v1/chat/completions")
    options = () if streamed else ("--no-stream",)
    async with Playback([exchange.but(request=request)], speed=0, match="order") as served:
        try:
            return await run_main_program(served.base_url, *options, seconds=seconds, slack=5.0)
        except TimeoutError:
            return MainOutcome(8, "client.py did not end by itself", False)
