"""Standard output in a CI job: the runner reads the log for commands, and what a target sends must be none.

GitHub's runner takes a line that begins with `::` after blanks, and `##[…]` anywhere in a line, for an order: set an
output, mask a text, stop all commands. Azure Pipelines takes `##vso[…]`, TeamCity `##teamcity[…]`. A space in them
makes them text.
https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any

RUNNERS = ("GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")
"""Variables that these runners set."""
_ORDER = re.compile(r"##(?=[A-Za-z]*\[)")
_ACROSS = re.compile(r"##[A-Za-z]*\[")
_LONGEST = 16
"""Characters of an order's mark, `##teamcity[` the longest."""


class JobLog:
    """A text stream whose lines give a runner no orders; `write_commands` is for those of the kit."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._start = self._end = ""  # of the line that is being written: its first two characters, and its last ones

    def write(self, text: str) -> int:
        """Write the text, with a space in what would be an order."""
        self._stream.write("".join(map(self._tame, re.split(r"(?<=[\n\r])", text))))
        return len(text)

    def write_commands(self, text: str) -> None:
        """Write whole lines as they are."""
        self._stream.write(text)
        self._start = self._end = ""

    def _tame(self, part: str) -> str:
        """A part of one line, and its end if that is there."""
        across = _ACROSS.search(self._end + part)
        if across and across.start() < len(self._end) < across.end():
            part = f" {part}"
        part = _ORDER.sub("# #", part)
        line = self._start + part if self._start else part.lstrip()
        if line.startswith("::"):
            second = 0 if self._start else len(part) - len(line) + 1
            part = f"{part[:second]} {part[second:]}"
        if part.endswith(("\n", "\r")):
            self._start = self._end = ""
        else:
            self._start = (self._start + part if self._start else part.lstrip())[:2]
            self._end = (self._end + part)[-_LONGEST:]
        return part

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard() -> None:
    """In a job of one of the RUNNERS, make standard output and standard error JobLogs."""
    if any(os.environ.get(name) for name in RUNNERS):
        sys.stdout, sys.stderr = JobLog(sys.stdout), JobLog(sys.stderr)


def print_commands(text: str) -> None:
    """Print lines that a runner is to read as commands."""
    getattr(sys.stdout, "write_commands", sys.stdout.write)(text)
