"""`contract`, and `python -m openai_contract_kit.contract_tests`."""

from __future__ import annotations

import sys
from importlib.metadata import version

from contract_tests.requirements import missing


def start() -> None:
    """Run the command; exit with 2 and one line where the suite's requirements are not installed."""
    if line := missing():
        if sys.argv[1:] == ["--version"]:
            print(f"contract, version {version('openai-contract-kit')}")
            sys.exit(0)
        print(f"contract: {line}", file=sys.stderr)
        sys.exit(2)
    from contract_tests.cli import main

    main()


if __name__ == "__main__":
    start()
