"""Folders of strangers: whatever lies in one, a command ends with a documented code, and nothing outside is touched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from contract_tests.lab.fuzz.fake_process import FakeProcess
from contract_tests.lab.fuzz.part import Part
from contract_tests.lab.fuzz.recordings import HEADS, SAMPLES
from contract_tests.lab.hostile_files import NO_FILES, SECRET, outside
from contract_tests.lab.tools.command import run_contract
from fake_server.wire import files

NAMES = (
    *("one.yaml", "two.yml", "three.jsonl", "four.json", "five.toml", "in/six.yaml", ".hidden.yaml", "ü\u202e.yaml"),
    *("a b.yaml", "-rf.yaml", "{x}.yaml", "%s.yaml", "new\nline.yaml", "\udcff.yaml", "x" * 90 + ".yaml"),
    *("poem-stream.yaml", "poem.body", "[bold].yaml", "\x1b[31m.yaml", "known.yaml", ".one.yaml.part"),
)
BOMBS = (
    b"b0: &b0 [x, x]\n" + b"".join(b"b%d: &b%d [*b%d, *b%d]\n" % (n, n, n - 1, n - 1) for n in range(1, 40)),
    b"openai-contract-fixture: 1\nnotes: " + b"[" * 20_000,
    b"version: 1\ninteractions:\n" + b"- " * 20_000,
    b"openai-contract-baseline: 1\ntolerate:\n- &a {rule: chat.id, reason: x}\n" + b"- *a\n" * 20_000,
    b"openai-contract-profile: 1\nabout: &a " + b"x" * 100_000 + b"\ntolerate: [" + b"*a, " * 500 + b"]\n",
    b'{"format": "openai-contract-report/1", "cases": ' + b"[" * 20_000,
    b"a" + b".a" * 5000 + b" = 1\n",
    b"a = " + b"[" * 20_000,
    b"openai-contract-fixture: 1\nrecorded: 1" + b":01" * 20_000,
    b"\x1f\x8b" + b"\0" * 100,
    b"\xff\xfe" * 1000,
    b"\xef\xbb\xbf{}",
    b"",
)
COMMANDS = (
    ("judge", "{it}"),
    ("judge", "{it}", "--json", "{it}/report.json"),
    ("replay", "{it}", "--judge-only"),
    ("import", "{file}", "--out", "{it}"),
    ("shrink", "{file}", "--out", "{it}/one.yaml", "--issue", "{it}/two.yml", "--seconds", "0.2"),
    ("diff", "{it}", "{it}"),
    ("diff", "{file}", "{file}"),
    ("run", "http://127.0.0.1:9/v1", "--baseline", "{file}"),
    ("run", "http://127.0.0.1:9/v1", "--profile", "{file}"),
    ("run", "http://127.0.0.1:9/v1", "--config", "{file}"),
    ("judge", "{it}", "--baseline", "{file}"),
)
CODES = (0, 1, 2, 3)


def _bytes(data: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(data)

    return write


@st.composite
def _contents(draw: st.DrawFn) -> Callable[[Path], None]:
    """What makes one entry: something that is no file, a bomb, or a whole or torn file of the kit or another tool."""
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return NO_FILES[draw(st.sampled_from(sorted(NO_FILES)))]
    if kind == 1:
        return _bytes(draw(st.sampled_from(BOMBS)))
    data = draw(st.sampled_from([*HEADS[:40], *SAMPLES])).read_bytes()
    return _bytes(data if kind == 2 else data[: draw(st.integers(0, len(data)))])


FOLDERS = st.tuples(
    st.dictionaries(st.sampled_from(NAMES), _contents(), min_size=1, max_size=5), st.sampled_from(COMMANDS)
)


def check_folder(fake: FakeProcess, value: tuple[dict[str, Callable[[Path], None]], tuple[str, ...]]) -> None:
    """Assert that a command on such a folder ends as documented, prints no secret and leaves what lies outside."""
    made, command = value
    home = fake.folder / "stranger"
    shutil.rmtree(home, ignore_errors=True)
    it = home / "folder"
    (it / "in").mkdir(parents=True)
    for name, make in made.items():
        make(it / name)
    for body in HEADS[0].parent.glob(f"{HEADS[0].stem}-*.body"):
        (it / body.name).symlink_to(body)
    outside(it)
    before = _outside(home)
    first = str(it / next(iter(made)))
    patience, files.PATIENCE = files.PATIENCE, 0.01
    try:
        done = run_contract(*(word.format(it=it, file=first) for word in command))
    finally:
        files.PATIENCE = patience
    said = done.stdout + done.stderr
    assert done.returncode in CODES, said
    assert "Traceback" not in said, said
    assert SECRET not in said, said
    assert not any(char in said for char in ("\x1b", "\u202e")), said
    assert _outside(home) == before
    assert not [path for path in it.rglob("*.part") if path.name not in made], "an unfinished file stays"
    for path in it.iterdir():
        theirs = path.is_symlink() or path.name.startswith("outside-")
        if path.is_file() and not theirs and path.stat().st_size < 10**7:
            assert SECRET.encode() not in path.read_bytes(), path


def _outside(home: Path) -> dict[str, Any]:
    return {name: (home / name).read_bytes() for name in os.listdir(home) if (home / name).is_file()}


PARTS = (
    Part(
        "hostile-folders",
        "a command on a stranger's folder ends as documented, and touches nothing outside it",
        FOLDERS,
        check_folder,
    ),
)
