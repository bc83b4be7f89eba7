"""What TESTING.md shows, as files and commands that can be run; they stand on the page alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from contract_tests.lab.pages.testing_page import PAGE
from contract_tests.lab.tools.checkout import ROOT
from contract_tests.lab.tools.sdks import CONSTRAINTS

FRAMEWORKS = ("langchain-openai==1.7.3", "langchain-core==1.7.2", "pydantic-ai-slim[openai]==2.62.0")
THEIRS = ("test_langchain.py", "test_pydantic_ai.py")
"""The files that need them."""
SECONDS = 120
_FILE = re.compile(r"^`([\w./-]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Command:
    """A line behind `$` and what the page says it prints, where `…` is anything within or over lines."""

    line: str
    printed: str

    def prints(self, text: str) -> bool:
        """Whether `text` is what the page says."""
        pattern = re.escape(self.printed.strip()).replace("…", ".*")
        return re.fullmatch(pattern, text.strip(), re.DOTALL) is not None


def text() -> str:
    """The page."""
    return PAGE.read_text(encoding="utf-8")


def files(page: str) -> dict[str, str]:
    """Each file of the page by its path."""
    return dict(_FILE.findall(page))


def commands(page: str) -> Iterator[Command]:
    """Each command of the page, in order."""
    for block in _CONSOLE.findall(page):
        for one in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, printed = one.partition("\n")
            yield Command(line, printed)


def write(page: str, folder: Path) -> None:
    """Lay the files of the page into a folder."""
    for name, content in files(page).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def requirements() -> list[str]:
    """What the environment of the frameworks holds: they, and what the kit needs beside them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [*FRAMEWORKS, *project["dependencies"], "--constraint", str(CONSTRAINTS)]


def run(command: Sequence[str], folder: Path, python: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A command in the folder; with `python` it is pytest of that interpreter, given the plugin."""
    environ = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    environ |= {"HOME": str(folder), "NO_PROXY": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"}
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    if python is not None:
        environ["PYTHONPATH"] = str(ROOT)
        command = [str(python), "-m", "pytest", "-p", "fake_server.plugin", *command]
    return subprocess.run(  # noqa: S603 the commands are those of the page
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=SECONDS, check=False
    )
