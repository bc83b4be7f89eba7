"""Ways to run client.main() under each generation of the SDK."""

from __future__ import annotations

import atexit
import functools
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from contract_tests import client
from contract_tests.lab.tools import sdks
from contract_tests.lab.tools.environments import NotInstalled
from contract_tests.lab.tools.processes import LineProcess, inherited_variables

GENERATIONS = ("0.28.1", "1", "2", "3")
EACH_GENERATION = (*(pytest.param(older, marks=pytest.mark.slow) for older in GENERATIONS[:-1]), GENERATIONS[-1])
"""For a fixture: the older ones are asked by the slow proofs."""
SCRIPT = str(Path(client.__file__))
DRIVER = str(Path(__file__).with_name("sdk_driver.py"))
SECONDS = 100.0
"""How long a driver may take to start, or to run main() once: less than a test may."""
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
    """What a client inherits in a hostile place: proxies that lead nowhere, and settings of others."""
    return {**inherited_variables(), **HOSTILE, "PYTHONIOENCODING": "utf-8", **more}


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
        self.process = LineProcess([self.python, DRIVER], env=environment())
        self.process.read(SECONDS)  # it is ready

    def __call__(self, *argv: str, **environ: str) -> Result:
        self.process.write(json.dumps({"argv": argv, "environ": environ}))
        return Result(**json.loads(self.process.read(SECONDS)))

    def script(self, *argv: str, **environ: str) -> subprocess.Popen[bytes]:
        command = [self.python, SCRIPT, *argv]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(**environ))


@functools.cache
def driver_or_reason(generation: str) -> Driver | str:
    try:
        driver = Driver(sdks.python_for(generation))
    except NotInstalled as error:
        return str(error)
    atexit.register(driver.process.stop)
    return driver


def driver_for(generation: str) -> Driver:
    """One process per generation for the whole test run; skips the test where pip cannot build it."""
    driver = driver_or_reason(generation)
    if isinstance(driver, str):
        pytest.skip(f"openai {generation}: {driver}")
    return driver
