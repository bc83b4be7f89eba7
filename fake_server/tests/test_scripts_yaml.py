"""Script files: YAML 1.2's plain values, and files that are too big, too deep or not what they seem."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from fake_server.scripts import yaml_lines
from fake_server.scripts.yaml_lines import ScriptError, find, read


def value(folder: Path, text: str) -> object:
    path = folder / "s.yaml"
    path.write_text(text, encoding="utf-8")
    return read(path).value


def complaint(folder: Path, data: bytes) -> str:
    path = folder / "s.yaml"
    path.write_bytes(data)
    with pytest.raises(ScriptError) as caught:
        read(path)
    return str(caught.value).replace(f"{folder}/", "")


def test_plain_values_follow_yaml_1_2(tmp_path: Path) -> None:
    texts = "no, yes, on, 2026-01-01, 12:30, 010, 1_000, 0x10, .inf"
    others = "true, False, null, ~, 5, -3, 2.5, 1e3, '5', <<"
    assert value(tmp_path, f"[{texts}, {others}]") == [
        "no", "yes", "on", "2026-01-01", "12:30", "010", "1_000", "0x10", ".inf",
        True, False, None, None, 5, -3, 2.5, 1000.0, "5", "<<",
    ]  # fmt: skip


def test_anchors_may_be_used(tmp_path: Path) -> None:
    assert value(tmp_path, "[&a {x: 1}, *a]") == [{"x": 1}, {"x": 1}]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a: 1\na: 2\n", "s.yaml:2: the key 'a' is here and at line 1: keep one"),
        (
            b"a: !!python/name:os.system x\n",
            "s.yaml:1: 'x' with the tag 'python/name:os.system' cannot be read",
        ),
        (b"? [1]\n: 2\n", "s.yaml:1: a key must be a string, but is a list or mapping: put quotes around it"),
        (b"a: \xff\n", "s.yaml:1: not UTF-8: save the file as UTF-8"),
        (b"a: 'x\n", "s.yaml:2: not YAML: found unexpected end of stream"),
        (b"a: \x01\n", "s.yaml:1: not YAML: special characters are not allowed"),
        (b"&a [*a]", "s.yaml:1: nested more than 100 levels deep"),
        (b"[" * 5000, "s.yaml:1: nested more than 100 levels deep"),
        (b"a: 1\n--- \nb: 2\n", "s.yaml:2: not YAML: but found another document"),
        (b"# " + b"x" * yaml_lines.MAX_BYTES, "s.yaml: larger than 1024 KiB: split the scripts"),
    ],
)
def test_complaints(tmp_path: Path, data: bytes, said: str) -> None:
    assert complaint(tmp_path, data).startswith(said)


@pytest.mark.security("hostile files")
def test_a_bomb_of_aliases_is_refused_soon(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    start = time.process_time()
    assert "more than 200,000 values" in complaint(tmp_path, "\n".join(lines).encode())
    assert time.process_time() - start < 10


def test_lines_are_those_of_the_values(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("- a:\n    b: [1,\n        2]\n", encoding="utf-8")
    document = read(path)
    assert document.line((0, "a", "b", 1)) == 3
    assert document.key_line((0, "a", "b")) == 2
    assert document.line((0, "a", "nothing", "there")) == 2


def test_find(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="no such file or directory"):
        find([tmp_path / "none.yaml"])
    with pytest.raises(ScriptError, match=r"no \*\.yaml or \*\.json file in this directory"):
        find([tmp_path])
    (tmp_path / "in").mkdir()
    for name in ("b.yaml", "a.yml", "in/c.yaml", "note.txt"):
        (tmp_path / name).write_text("[]", encoding="utf-8")
    found = find([tmp_path, tmp_path / "b.yaml"])
    assert [path.name for path in found] == ["a.yml", "b.yaml", "c.yaml"]
