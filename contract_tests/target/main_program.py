"""main() against the target: the seed program in a process of its own, through a relay of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from contract_tests.target.ask import Ask
from contract_tests.target.errors import NotReached
from contract_tests.target.session import PLACEHOLDER_KEY, SLACK

CLIENT = Path(__file__).parent.parent / "client.py"
PROMPT = "write a poem about a tree"
POEM_TOKENS = 4096
"""What the seed's request may cost: it sets no limit, so the most its model answers."""

_OWN_FAULTS = (1, 2, 10)  # exit codes of client.py that say nothing about the target


async def main_program(ask: Ask, role: str, *options: str) -> None:
    """Run main() on the target and note in `ask.troubles[role]` why it had no answer, '' where it had one.

    A process of its own, because main() owns stdout and the environment. Raises NotReached for a 429 or a
    cap, RuntimeError where main() itself failed.
    """
    session = ask.session
    session.count()
    bounds = session.options.bounds
    async with session.new_relay() as relay:
        url = relay.base_url + session.prefix
        # The bounds of the relay speak first: they say more exactly what was missing.
        seconds = bounds.connect + bounds.exchange + 2.0
        arguments = ["--base-url", url, "--model", ask.model, "--prompt", PROMPT, *options]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", str(CLIENT), *arguments, "--timeout", f"{seconds:g}"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
        )
        try:
            async with asyncio.timeout(seconds + SLACK):
                _, stderr = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()  # to the end of its pipe, which wait() leaves open
        await relay.wait_until_idle()
    for exchange in relay.exchanges:
        ask.keep(exchange.but(label=ask.brief.id), role)
    line = " ".join(stderr.decode("utf-8", "replace").split())[-400:]
    if process.returncode in _OWN_FAULTS:
        raise RuntimeError(f"main() failed by itself, exit code {process.returncode}: {line}")
    if relay.exchanges and relay.exchanges[-1].status == 429:
        raise NotReached(f"main() was answered 429: {line}")
    ask.troubles[role] = f"exit code {process.returncode}: {line}" if process.returncode else ""


def _environment() -> dict[str, str]:
    """This environment without what could lead main() elsewhere; the relay puts the real key in."""
    hostile = ("OPENAI_", "PYTHON", "COV_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(hostile) and not name.upper().endswith("_PROXY")
    }
    path = os.environ.get("PYTHONPATH")
    return {
        **kept,
        **({"PYTHONPATH": path} if path else {}),
        "OPENAI_API_KEY": PLACEHOLDER_KEY,
        "PYTHONIOENCODING": "utf-8:backslashreplace",
    }
