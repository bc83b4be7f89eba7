"""`python -m contract_tests.suites`: LangChain's standard suites against the fake, skips by name."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from contract_tests.fidelity.children import NotInstalled, python_with
from fake_server import FakeServer

LANGCHAIN = (
    "langchain-openai==1.7.3",
    "langchain-tests==1.1.9",
    "langchain-core==1.7.2",
    "openai==3.54.0",
    "pytest==9.2.0",
    "pytest-asyncio==1.5.0",
)
SECONDS = 300
_HERE = Path(__file__).resolve().parent
_LOOPS = ("mode=auto", "default_test_loop_scope=session", "default_fixture_loop_scope=session")
_NOT_PASSED = re.compile(r"^(SKIPPED|XFAIL|FAILED|ERROR)\b.*", re.MULTILINE)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option(
    "--seed", "seeds", multiple=True, type=int, default=(1, 2, 3), help="Seeds of the fake, one run each."
)
def main(seeds: Sequence[int]) -> None:
    """Run LangChain's standard suites (chat completions, embeddings) against the fake.

    Ends 0 where all passed, 1 where one failed, 3 where the suites cannot be installed.
    """
    try:
        python = python_with("langchain", LANGCHAIN)
    except NotInstalled as error:
        click.echo(f"LangChain's suites cannot be had here: {error}", err=True)
        sys.exit(3)
    failed = False
    for number, seed in enumerate([None, *seeds]):
        done = langchain(python, seed)
        click.echo(f"{'plain' if seed is None else f'seed {seed}':10} {done.stdout.strip().splitlines()[-1]}")
        failed |= done.returncode != 0
        if done.returncode != 0 or not number:
            for line in _NOT_PASSED.finditer(done.stdout):
                click.echo(f"           {line[0].replace(str(python.parents[1]), '')}")
    sys.exit(int(failed))


def langchain(python: Path, seed: int | None) -> subprocess.CompletedProcess[str]:
    """One run of the suites in the environment of `python`; seed None is the plain fake."""
    with tempfile.TemporaryDirectory() as name, FakeServer([], seed=seed, plain=seed is None) as fake:
        folder = Path(name)
        shutil.copy(_HERE / "langchain_cases.py", folder / "test_langchain.py")
        shutil.copy(_HERE / "langchain_conftest.py", folder / "conftest.py")
        command = [
            str(python),
            "-m",
            "pytest",
            "-q",
            "-rsxfE",
            "--no-fold-skipped",
            "--tb=line",
            "-p",
            "no:cacheprovider",
        ]
        command += [word for one in _LOOPS for word in ("-o", f"asyncio_{one}")]
        return subprocess.run(  # noqa: S603 the command is this module's own
            [*command, "test_langchain.py"],
            cwd=folder,
            env=_environ(fake, folder),
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )


def _environ(fake: FakeServer, folder: Path) -> dict[str, str]:
    kept = ("PATH", "LANG", "LC_ALL", "TMPDIR")
    passed_on = {name: os.environ[name] for name in kept if name in os.environ}
    mine = {"HOME": str(folder), "OPENAI_API_KEY": "sk-fake", "FAKE_PORT": fake.root.rpartition(":")[2]}
    return {**passed_on, **mine, "NO_PROXY": "127.0.0.1", "LANGSMITH_TRACING": "false"}


if __name__ == "__main__":
    main()
