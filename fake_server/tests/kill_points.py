"""Ends work at each of its calls that touch a file: run as a script, in a process of its own that forks.

`python kill_points.py SCENARIO FOLDER`: for each action and n = 1, 2, … a fork does the scenario's work in
FOLDER/action-n, and is struck after its n-th such call: killed, interrupted, or by a full disk. It goes on
until a fork ends without being struck. Prints `action n steps`, with the steps that were acknowledged, for each.
"""

from __future__ import annotations

import errno
import itertools
import os
import signal
import sys
from collections.abc import Callable
from io import BufferedWriter
from pathlib import Path
from types import ModuleType
from typing import Any

from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange, Request, Write
from fake_server.wire.files import write_whole
from fake_server.wire.fixture import Fixture

CALLS = frozenset(
    {"open", "fdopen", "fchmod", "write", "flush", "fsync", "close", "replace", "unlink", "scandir", "mkdir", "flock"}
)
SMALL, LARGE, LARGER = b'{"size": "small"}', b"1 large " * 20_000, b"2 larger " * 20_000
ACTIONS = ("kill", "interrupt", "full")


def exchange_of(body: bytes) -> Exchange:
    return Exchange(Request("POST", "/v1/chat/completions", (), LARGE[:100_000]), 200, (), (Write(body),))


def save(body: bytes) -> Callable[[Path], None]:
    return lambda folder: fixture.save(Fixture(exchange_of(body)), folder / "a.yaml")


def write(data: bytes) -> Callable[[Path], None]:
    return lambda folder: write_whole(folder / "report.json", data)


def void(_: object) -> None:
    """Nothing."""


Steps = tuple[Callable[[Path], None], ...]
SCENARIOS: dict[str, tuple[Steps, Steps]] = {
    "a new recording": ((), (save(LARGE),)),
    "a recording over another": ((save(LARGE),), (save(LARGER),)),
    "a small one over a large one": ((save(LARGE),), (save(SMALL),)),
    "a large one over a small one": ((save(SMALL),), (save(LARGER),)),
    "the same once more": ((save(LARGE),), (save(LARGE),)),
    "several in a row": ((), (save(SMALL), save(LARGE), save(LARGER))),
    "a report": ((), (write(LARGE),)),
    "a report over another": ((write(LARGE),), (write(LARGER),)),
    "reports in a row": ((write(SMALL),), (write(LARGE), write(LARGER))),
}


def strike(at: int, action: str) -> None:
    """Strike this process at its `at`-th call from now on."""
    seen = 0

    def profile(_: Any, event: str, function: Any) -> None:
        nonlocal seen
        owner = getattr(function, "__self__", None)
        if event == "c_return" and function.__name__ in CALLS and isinstance(owner, BufferedWriter | ModuleType):
            seen += 1
            if seen == at:
                if action == "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                sys.setprofile(None)
                raise KeyboardInterrupt if action == "interrupt" else OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    sys.setprofile(profile)


def main(scenario: str, root: Path, action: str) -> None:
    os.fsync = void  # type: ignore[assignment]  # only a machine that stops needs it, not a process
    before, work = SCENARIOS[scenario]
    for at in itertools.count(1):
        folder = root / f"{action}-{at}"
        folder.mkdir()
        for step in before:
            step(folder)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            struck = True
            try:
                strike(at, action)
                for step in work:
                    step(folder)
                    os.write(writing, b".")
                struck = False
            except BaseException:  # what was raised above, or what came of it
                sys.setprofile(None)
            os._exit(struck)
        os.close(writing)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with os.fdopen(reading, "rb") as acknowledged:
            print(action, at, len(acknowledged.read()), flush=True)
        if not code:
            return


if __name__ == "__main__":
    for each in ACTIONS:
        main(sys.argv[1], Path(sys.argv[2]), each)
