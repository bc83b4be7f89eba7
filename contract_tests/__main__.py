"""`contract`, and `python -m openai_contract_kit.contract_tests`."""

from __future__ import annotations

import sys

from contract_tests.interruption import interrupted
from fake_server import ending, job_log


def start() -> None:
    """Run the command; exit with 2 and one line where the suite's requirements are not installed."""
    line, code = interrupted()
    ending.begin(f"contract: {line} (exit code {code})", code)
    job_log.guard()
    try:
        _start()
    except SystemExit as done:
        ending.finish(done.code if isinstance(done.code, int) else bool(done.code))
        raise
    except KeyboardInterrupt:  # while it said how it ended
        ending.end_at_once()


def _start() -> None:
    from contract_tests.requirements import missing

    if line := missing():
        if sys.argv[1:] == ["--version"]:
            from importlib.metadata import version

            print(f"contract, version {version('openai-contract-kit')}")
            sys.exit(0)
        print(f"contract: {line}", file=sys.stderr)
        sys.exit(2)
    from contract_tests.cli import main

    main()


if __name__ == "__main__":
    start()
