"""What each command prints fits the columns: it wraps at words, below the start of the text.

Three kinds of line may be wider: one with an address or another word that cannot break, code and bytes in the fences
of an issue text, and its heading.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from contract_tests.lab.tools.command import run_contract
from contract_tests.report.terminal import wrap_line
from contract_tests.shrinking.visible import wrap_markdown
from contract_tests.tests.shared import ROOT

FIXTURES = ROOT / "fixtures"
BROKEN, CONFORMING = FIXTURES / "broken", FIXTURES / "conforming"
FINISHES = BROKEN / "chat.stream.finishes.yaml"
SAMPLES = ROOT / "contract_tests/tests/samples"
COMMANDS: dict[str, tuple[str | Path, ...]] = {
    "diff of two": ("diff", CONFORMING / "poem-stream.yaml", FINISHES),
    "diff of folders": ("diff", BROKEN, CONFORMING),
    "diff of bugs": ("diff", FIXTURES / "bugs", CONFORMING, "--all"),
    "shrink": ("shrink", FINISHES, "--out", "made.yaml"),
    "shrink, to a file": ("shrink", BROKEN / "tools.arguments.yaml", "--out", "made.yaml", "--issue", "issue.md"),
    "explain": ("explain", "tools.arguments"),
    "explain a stream": ("explain", "chat.stream.finishes"),
    "rules": ("rules",),
    "replay": ("replay", CONFORMING, "--judge-only"),
    "import": ("import", SAMPLES / "mitm.har", SAMPLES / "curl-stream.txt", "--out", "imported"),
    "import of a bad file": ("import", SAMPLES / "mitm.har", ROOT / "README.md", "--out", "imported"),
}


def wide_lines(text: str, columns: int) -> list[str]:
    """The lines that are wider, less those that cannot break and those in fences or of a heading."""
    lines, fence = [], ""
    for line in text.splitlines():
        if line.startswith("```"):
            fence = "" if fence else line
        elif not fence and not line.startswith("# ") and len(line) > columns:
            lines.append(line)
    return [line for line in lines if len(max(line.split(), key=len)) < columns // 2 and len(line.split()) > 2]


WRITTEN = ("made.yaml", "issue.md", "imported")
"""What a command writes, in a folder of its own."""
AT_120 = ("diff of two", "diff of folders", "explain", "rules", "import of a bad file")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "columns"), [*((name, 80) for name in COMMANDS), *((name, 120) for name in AT_120)])
def test_a_command_fits_the_columns(name: str, columns: int, tmp_path: Path) -> None:
    argv = [str(tmp_path / word) if word in WRITTEN else str(word) for word in COMMANDS[name]]
    said = run_contract(*argv, COLUMNS=str(columns)).stdout
    assert said
    assert wide_lines(said, columns) == []


@pytest.mark.parametrize("command", [("diff", str(BROKEN), str(CONFORMING)), ("bugs",), ("run", "--list"), ("rules",)])
def test_a_row_is_one_line_where_a_program_reads_it(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    said = run_contract(*command).stdout
    assert max(map(len, said.splitlines())) > 90
    if command[-1] == "--list":
        ids = [line.split()[0] for line in said.splitlines()]
        assert len(ids) == len(set(ids))
        assert said == run_contract(*command, COLUMNS="80", FORCE_COLOR="1").stdout


def on_terminal(columns: int, *argv: str) -> str:
    """What a command prints on a terminal of that many columns."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environ = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    program = "from contract_tests.cli import main; import sys; sys.argv[0] = 'contract'; main()"
    with subprocess.Popen(
        [sys.executable, "-c", program, *argv],
        stdin=follower, stdout=follower, stderr=follower, cwd=ROOT, env={**environ, "NO_COLOR": "1", "TERM": "dumb"},
    ):  # fmt: skip
        os.close(follower)
        said = b""
        try:
            while part := os.read(leader, 65536):
                said += part
        except OSError:  # the other side is closed
            pass
    os.close(leader)
    return said.decode().replace("\r\n", "\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("argv", "words", "columns"),
    [
        (("bugs",), "`contract bugs ID`", 80),
        (("run", "--list"), "of answers", 80),
        (("judge", "LICENSE"), "(exit code 2)", 80),
        (("judge", "LICENSE"), "(exit code 2)", 120),
    ],
)
def test_a_list_and_an_error_fit_a_terminal(argv: tuple[str, ...], words: str, columns: int) -> None:
    said = on_terminal(columns, *argv)
    assert words in " ".join(said.split())
    assert wide_lines(said, columns) == []


PROSE = "The reply to `POST /v1/chat/completions` does not follow the API: `choice 0 never gets a finish_reason`."


@pytest.mark.parametrize("width", [40, 60])
def test_the_paragraphs_of_an_issue_wrap_and_nothing_else(width: int) -> None:
    code = json.dumps({"a": "b " * 60})
    text = f"# {PROSE}\n\n{PROSE}\n\n- at: {PROSE}\n\n````yaml\n```\n{code}\n````\n\nA line - {'with ' * 9}- dashes.\n"
    rows = wrap_markdown(text, width).split("\n")
    assert f"# {PROSE}" in rows
    assert code in rows
    assert all(len(row) <= width for row in rows if row not in (f"# {PROSE}", code) and not row.startswith("A line -"))
    assert [row for row in rows if row.startswith("  ")]
    assert " ".join(" ".join(rows).split()) == " ".join(text.split())


def test_a_pointer_keeps_its_column() -> None:
    line = f"{' ' * 52}^ choice 0 never gets a finish_reason"
    rows = wrap_line(line, 80)
    assert rows[0] == f"{' ' * 52}^"
    assert all(len(row) <= 80 for row in rows)
    assert wrap_line(line, 120) == [line]
