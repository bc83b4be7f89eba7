"""Ways to run client.main() under each generation of the SDK."""

from __future__ import annotations

import atexit
import functools
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from contract_tests import client
from contract_tests.lab.tools import sdks

GENERATIONS = ("0.28.1", "1", "2", "3")
SCRIPT = str(Path(client.__file__))
DRIVER = str(Path(__file__).with_name("sdk_driver.py"))
KEY = "sk-secret-0123456789abcdef"
HOSTILE = {
    "HTTP_PROXY": "http://127.0.0.1:1",
    "http_proxy": "http://127.0.0.1:1",
    "HTTPS_PROXY": "nonsense://",
    "ALL_PROXY": "socks5://127.0.0.1:1",
    "NO_PROXY": "",
    "OPENAI_API_BASE": "http://leak.invalid/v1",
    "OPENAI_API_TYPE": "azure",
    "OPENAI_API_VERSION": "1",
    "OPENAI_API_KEY_PATH": "/nowhere/key",
}


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "PYTHON"))}
    return {**kept, **HOSTILE, "PYTHONIOENCODING": "utf-8", **more}


@dataclass
class Result:
    code: int
    out: str
    err: str
    seconds: float


class Driver:
    """A process of one SDK generation that runs main() on demand."""

    def __init__(self, python: Path) -> None:
        self.python = str(python)
        self.process = subprocess.Popen(
            [self.python, DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
        )

    def __call__(self, *argv: str, **environ: str) -> Result:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"argv": argv, "environ": environ}) + "\n")
        self.process.stdin.flush()
        while (line := self.process.stdout.readline()) == "ready\n":
            pass
        return Result(**json.loads(line))

    def script(self, *argv: str, **environ: str) -> subprocess.Popen[bytes]:
        command = [self.python, SCRIPT, *argv]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(**environ)
        )


@functools.cache
def driver_or_reason(generation: str) -> Driver | str:
    try:
        driver = Driver(sdks.python_for(generation))
    except sdks.SdkUnavailable as why:
        return str(why)
    atexit.register(driver.process.communicate)
    return driver


def driver_for(generation: str) -> Driver:
    """One process per generation for the whole test run; skips the test where pip cannot build it."""
    driver = driver_or_reason(generation)
    if isinstance(driver, str):
        pytest.skip(f"openai {generation}: {driver}")
    return driver
