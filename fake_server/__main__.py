"""`fake-server`, and `python -m openai_contract_kit.fake_server`."""

from __future__ import annotations

import gc
import signal

from fake_server import ending, job_log


def start() -> None:
    """Run the command."""
    ending.begin("fake-server: interrupted", 130, (signal.SIGINT,))
    job_log.guard()
    # What is imported stays, and requests leave much behind in the journal for a while: young garbage need
    # not be looked for so often.
    gc.set_threshold(20_000, 50, 50)
    from fake_server.cli import main

    ending.raise_interrupts((signal.SIGINT,))
    try:
        main(prog_name="fake-server")
    except SystemExit as done:
        ending.finish(done.code if isinstance(done.code, int) else 0, (signal.SIGINT,))
        raise
    except KeyboardInterrupt:  # while it said how it ended
        ending.end_at_once()


if __name__ == "__main__":
    start()
