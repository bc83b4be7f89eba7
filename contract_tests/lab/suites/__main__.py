"""`python -m contract_tests.lab.suites langchain`, `… node` and `… uses`, against the fake; skips by name."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from contract_tests.lab.suites import uses
from contract_tests.lab.tools.children import ENVIRONMENTS, NotInstalled, python_with
from contract_tests.lab.tools.sdks import SdkUnavailable, run
from fake_server import FakeServer

LANGCHAIN = (
    "langchain-openai==1.7.3",
    "langchain-tests==1.1.9",
    "langchain-core==1.7.2",
    "openai==3.54.0",
    "pytest==9.2.0",
    "pytest-asyncio==1.5.0",
)
OPENAI_NODE, ZOD = "7.57.0", "4.6.7"
SECONDS = 300
_HERE = Path(__file__).resolve().parent
_LOOPS = ("mode=auto", "default_test_loop_scope=session", "default_fixture_loop_scope=session")
_NOT_PASSED = re.compile(r"^(SKIPPED|XFAIL|FAILED|ERROR)\b.*", re.MULTILINE)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
def main() -> None:
    """Run other people's suites and clients against the fake.

    Each ends 0 where all passed, 1 where one failed, 3 where it cannot be installed.
    """


@main.command("langchain")
@click.option("--seed", "seeds", multiple=True, type=int, default=(1, 2, 3), help="Seeds, one run each.")
def langchain_command(seeds: Sequence[int]) -> None:
    """LangChain's standard suites for chat completions and embeddings."""
    try:
        python = python_with("langchain", LANGCHAIN)
    except NotInstalled as error:
        _not_here("LangChain's suites", error)
    failed = False
    for number, seed in enumerate([None, *seeds]):
        done = langchain(python, seed)
        click.echo(f"{'plain' if seed is None else f'seed {seed}':10} {done.stdout.strip().splitlines()[-1]}")
        failed |= done.returncode != 0
        if done.returncode != 0 or not number:
            for line in _NOT_PASSED.finditer(done.stdout):
                click.echo(f"           {line[0].replace(str(python.parents[1]), '')}")
    sys.exit(int(failed))


@main.command("node")
@click.option("--seed", default=1, help="Seed of the fake.")
def node_command(seed: int) -> None:
    """The official SDK for Node: chat, streams, tools, structured output, embeddings, errors, retries."""
    try:
        command = node_client()
    except NotInstalled as error:
        _not_here(f"openai {OPENAI_NODE} for Node", error)
    with FakeServer([], seed=seed) as fake:
        environ = {**_kept(), "FAKE_URL": fake.root}
        done = subprocess.run(command, env=environ, timeout=SECONDS, cwd=Path(command[1]).parent)  # noqa: S603
    click.echo(
        f"openai-node {OPENAI_NODE}: {'every check passed' if not done.returncode else 'a check FAILED'}"
    )
    sys.exit(done.returncode)


@main.command("uses")
def uses_command() -> None:
    """What TESTING.md shows of LangChain and pydantic-ai."""
    try:
        python = python_with("uses", uses.requirements())
    except NotInstalled as error:
        _not_here("LangChain or pydantic-ai", error)
    with tempfile.TemporaryDirectory() as name:
        uses.write(uses.text(), Path(name))
        done = uses.run(["-v", "--no-header", "--tb=short", *uses.THEIRS], Path(name), python)
    click.echo(done.stdout + done.stderr)
    sys.exit(done.returncode)


def node_client() -> list[str]:
    """The command that runs the checks of openai_node.mjs, installed where absent. Raises NotInstalled."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        raise NotInstalled("it needs node and npm on PATH")
    home = ENVIRONMENTS / "openai-node"
    stamp, packages = home / ".ready", (f"openai@{OPENAI_NODE}", f"zod@{ZOD}")
    if not (stamp.is_file() and stamp.read_text() == " ".join(packages)):
        home.mkdir(parents=True, exist_ok=True)
        try:
            run(npm, "install", "--prefix", str(home), "--no-audit", "--no-fund", *packages)
        except SdkUnavailable as error:
            raise NotInstalled(str(error)) from error
        stamp.write_text(" ".join(packages))
    shutil.copy(_HERE / "openai_node.mjs", home / "checks.mjs")
    return [node, str(home / "checks.mjs")]


def _not_here(what: str, error: NotInstalled) -> NoReturn:
    click.echo(f"{what} cannot be had here: {error}", err=True)
    sys.exit(3)


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
    mine = {"HOME": str(folder), "OPENAI_API_KEY": "sk-fake", "FAKE_PORT": fake.root.rpartition(":")[2]}
    return {**_kept(), **mine, "LANGSMITH_TRACING": "false"}


def _kept() -> dict[str, str]:
    """What a child may know of our environment."""
    kept = ("PATH", "LANG", "LC_ALL", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"NO_PROXY": "127.0.0.1"}


if __name__ == "__main__":
    main()
