"""`fake-server`, and `python -m openai_contract_kit.fake_server`."""

from __future__ import annotations

import gc


def start() -> None:
    """Run the command."""
    # What is imported stays, and requests leave much behind in the journal for a while: young garbage need
    # not be looked for so often.
    gc.set_threshold(20_000, 50, 50)
    from fake_server.cli import main

    main(prog_name="fake-server")


if __name__ == "__main__":
    start()
