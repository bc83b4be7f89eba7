"""`python -m contract_tests.lab.suites`: LangChain's suites, openai-node, and the tests of TESTING.md."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from contract_tests.lab.suites import langchain, openai_resources, uses
from contract_tests.lab.tools import processes
from contract_tests.lab.tools.environments import NotInstalled, node_environment
from contract_tests.lab.tools.processes import ProcessFailed, child_environment
from fake_server import FakeServer

OPENAI_NODE, ZOD, WS = "7.57.0", "4.6.7", "8.23.0"
SECONDS = 300
_HERE = Path(__file__).resolve().parent
CHECKS = _HERE / "openai_node.mjs"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
def main() -> None:
    """Run other people's suites and clients against the fake.

    Exits with 0 where everything passed, 1 where something failed, 3 where it cannot be installed.
    """


@main.command("langchain")
@click.option("--seed", "seeds", multiple=True, type=int, default=(1, 2, 3), help="Seeds of the fake, one run each.")
def langchain_command(seeds: Sequence[int]) -> None:
    """LangChain's standard suites for chat completions, for responses and for embeddings."""
    failed = False
    with _exiting("LangChain's suites"):
        python = langchain.interpreter()
        for number, seed in enumerate([None, *seeds]):
            done = langchain.run(python, seed)
            name = "plain" if seed is None else f"seed {seed}"
            click.echo(f"{name:10} {processes.last_line(done.stdout)}")
            bad = langchain.failures(done.stdout) or done.returncode != 0
            failed |= bool(bad)
            if bad or not number:
                for remark in langchain.remarks(done.stdout):
                    click.echo(f"           {remark}")
    sys.exit(int(failed))


@main.command("resources")
@click.option("--seed", "seeds", multiple=True, type=int, default=(1,), help="Seeds of the fake, one run each.")
def resources_command(seeds: Sequence[int]) -> None:
    """openai-python's own tests of responses and conversations."""
    failed = False
    with _exiting("openai-python's tests"):
        python, source = openai_resources.interpreter()
        for number, seed in enumerate([None, *seeds]):
            outcome = openai_resources.run(python, source, seed)
            name = "plain" if seed is None else f"seed {seed}"
            click.echo(f"{name:10} {source.name}: {outcome.summary}")
            for reason, count in () if number else outcome.refused.items():
                click.echo(f"           {count} refused: {reason}")
            for line in outcome.unexplained:
                click.echo(f"           {line}")
            failed |= bool(outcome.unexplained)
    sys.exit(int(failed))


@main.command("node")
@click.option("--seed", default=1, help="Seed of the fake.")
def node_checks(seed: int) -> None:
    """The official SDK for Node: chat, streams, tools, structured output, embeddings, errors, retries."""
    with _exiting(f"openai {OPENAI_NODE} for Node"), FakeServer([], seed=seed) as fake:
        environ = child_environment(FAKE_URL=fake.root)
        done = processes.run(node_command("checks.mjs", CHECKS), env=environ, seconds=SECONDS)
    click.echo(done.stdout + done.stderr, nl=False)
    verdict = "a check FAILED" if done.returncode else "every check passed"
    click.echo(f"openai-node {OPENAI_NODE}: {verdict}")
    sys.exit(done.returncode)


@main.command("uses")
def uses_command() -> None:
    """The tests that TESTING.md shows for LangChain, pydantic-ai and the Agents SDK, and MIGRATING.md for VCR.py."""
    with _exiting("LangChain, pydantic-ai, the Agents SDK or VCR.py"), tempfile.TemporaryDirectory() as name:
        python = uses.frameworks_python()
        uses.write(uses.text(), Path(name))
        before = Path(name) / "before"
        uses.write(uses.text(uses.MIGRATING), before)
        words = ["-v", "--no-header", "--tb=short"]
        ran = [uses.run([*words, *tests], folder, python) for folder, tests in _theirs(Path(name), before)]
    click.echo("".join(done.stdout + done.stderr for done in ran))
    sys.exit(max(done.returncode for done in ran))


def _theirs(folder: Path, before: Path) -> Iterator[tuple[Path, Sequence[str]]]:
    """The folders of the two pages, each with the tests that need what others made."""
    yield before, [uses.WITH_VCR]
    yield folder, uses.THEIRS


def node_command(name: str, script: Path) -> list[str]:
    """The command that runs a script with openai-node, copied to `name` beside the package that it imports.

    Raises NotInstalled.
    """
    home = node_environment("openai-node", (f"openai@{OPENAI_NODE}", f"zod@{ZOD}", f"ws@{WS}"))
    shutil.copy(script, home / name)
    return ["node", str(home / name)]


@contextmanager
def _exiting(subject: str) -> Iterator[None]:
    """Exit with 3 where the subject cannot be installed, with 1 where it does not end in time."""
    try:
        with processes.ending_on_sigterm():
            yield
    except NotInstalled as error:
        click.echo(f"{subject} cannot be installed here: {error}", err=True)
        sys.exit(3)
    except ProcessFailed as error:
        click.echo(f"{subject}: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
