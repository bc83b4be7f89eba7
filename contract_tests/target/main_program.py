"""main(), the seed program client.py, in a process of its own: it owns stdout and reads the environment."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from contract_tests.target.environment import child_environment
from contract_tests.target.relay_connection import PLACEHOLDER_KEY

CLIENT = Path(__file__).parent.parent / "client.py"

_OWN_FAULTS = (1, 2, 10)  # exit codes of client.py that say nothing about the target


@dataclass(frozen=True)
class MainOutcome:
    """How main() ended: its exit code, its stderr as one line, and whether it printed any text."""

    code: int
    stderr: str
    printed: bool

    @property
    def line(self) -> str:
        """Its message, without the name of the program."""
        return self.stderr.removeprefix("client.py: ")

    @property
    def is_own_fault(self) -> bool:
        """Whether main() failed by itself, whatever the target answered."""
        return self.code in _OWN_FAULTS


async def run_main_program(base_url: str, *options: str, seconds: float, slack: float) -> MainOutcome:
    """Run main() against a base URL with `seconds` as its own timeout.

    Raises TimeoutError where it has not ended `slack` seconds after that. The process is killed in any case.
    """
    # asyncio's own subprocess outlives the loop if its caller is cancelled twice; a thread reaps this one.
    process = subprocess.Popen(  # noqa: ASYNC220, S603 - it returns at once, and runs our own program
        [sys.executable, "-P", str(CLIENT), "--timeout", f"{seconds:g}", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={
            **child_environment(),
            "OPENAI_API_KEY": PLACEHOLDER_KEY,
            "OPENAI_BASE_URL": base_url,  # holds a relay's token, and other users see the arguments of a process
            "PYTHONIOENCODING": "utf-8:backslashreplace",
        },
    )
    try:
        async with asyncio.timeout(seconds + slack):
            stdout, stderr = await asyncio.to_thread(process.communicate)
    finally:
        process.kill()
    line = " ".join(stderr.decode("utf-8", "replace").split())
    return MainOutcome(process.returncode or 0, line, bool(stdout.strip()))
