"""What every test of the kit needs of the machine it runs on."""

from __future__ import annotations

import signal
import threading


def pytest_configure() -> None:
    """Let Ctrl-C mean what it usually does.

    A shell without job control starts what runs in its background with SIGINT ignored; children inherit
    that, and the tests that interrupt a command would wait for it for ever.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
