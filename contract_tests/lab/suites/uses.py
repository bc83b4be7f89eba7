"""The files and commands that TESTING.md and MIGRATING.md show, taken from the pages to be run."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from contract_tests.lab.pages.testing_page import PAGE
from contract_tests.lab.tools import processes
from contract_tests.lab.tools.checkout import CONSTRAINTS, ROOT
from contract_tests.lab.tools.environments import python_environment

FRAMEWORKS = (
    "langchain-openai==1.7.3",
    "langchain-core==1.7.2",
    "pydantic-ai-slim[openai]==2.62.0",
    "openai-agents==0.24.0",
    "vcrpy==9.4.2",
)
MIGRATING = PAGE.with_name("MIGRATING.md")
THEIRS = ("test_langchain.py", "test_pydantic_ai.py", "test_agents.py")
"""The files of TESTING.md that need these frameworks."""
WITH_VCR = "test_with_vcr.py"
"""The file of MIGRATING.md that needs VCR.py."""
SECONDS = 120
_FILE = re.compile(r"^(?:\w[\w ]*, )?`([\w./-]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Command:
    """A line after `$` and what the page says it prints; `…` stands for any text, also of several lines."""

    line: str
    printed: str

    def prints(self, text: str) -> bool:
        """Whether `text` is what the page shows."""
        pattern = re.escape(self.printed.strip()).replace("…", ".*")
        return re.fullmatch(pattern, text.strip(), re.DOTALL) is not None


def text(page: Path = PAGE) -> str:
    """The page."""
    return page.read_text(encoding="utf-8")


def files(page: str) -> dict[str, str]:
    """Each file of the page by its path."""
    return dict(_FILE.findall(page))


def commands(page: str) -> Iterator[Command]:
    """Each command of the page, in order."""
    for block in _CONSOLE.findall(page):
        for command in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, printed = command.partition("\n")
            yield Command(line, printed)


def write(page: str, folder: Path) -> None:
    """Write the files of the page into a folder."""
    for name, content in files(page).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def frameworks_python() -> Path:
    """The interpreter that has the frameworks and what the kit requires. Raises NotInstalled."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needs = [*project["dependencies"], *project["optional-dependencies"]["pytest"]]
    return python_environment("uses", [*FRAMEWORKS, *needs], CONSTRAINTS)


def run(command: Sequence[str], folder: Path, python: Path | None = None) -> CompletedProcess[str]:
    """Run a command in the folder; with `python`, its pytest with the plugin and these arguments.

    Raises ProcessFailed where it does not end within SECONDS.
    """
    environ = processes.child_environment(folder, PYTHONDONTWRITEBYTECODE="1")
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ.get('PATH', os.defpath)}"
    if python is not None:
        environ["PYTHONPATH"] = str(ROOT)
        command = [str(python), "-m", "pytest", "-p", "fake_server.plugin", *command]
    return processes.run(command, env=environ, seconds=SECONDS, cwd=folder)
