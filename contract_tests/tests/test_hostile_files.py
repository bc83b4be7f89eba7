"""Every command that is given a file or folder of a stranger ends with a documented code and one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract_tests.lab.hostile_files import NO_FILES, SECRET, outside
from contract_tests.lab.tools.command import run_contract
from contract_tests.rules import RULES
from contract_tests.tests.shared import ROOT
from contract_tests.tolerance.baseline import NewBaseline, as_yaml
from contract_tests.tolerance.entry import ToleranceEntry
from fake_server.wire import files

POEM = ROOT / "fixtures" / "conforming" / "poem-stream.yaml"
URL = "http://127.0.0.1:9/v1"
COMMANDS: dict[str, tuple[str, ...]] = {
    "judge": ("judge", "{file}"),
    "replay": ("replay", "{file}", "--judge-only"),
    "import": ("import", "{file}", "--out", "{out}"),
    "import --data": ("import", str(POEM), "--out", "{out}", "--data", "@{file}"),
    "shrink": ("shrink", "{file}", "--out", "{out}/one.yaml"),
    "diff": ("diff", "{file}", str(POEM)),
    "diff of reports": ("diff", "{file}", "{file}"),
    "offline --fixture": ("offline", "--fixture", "{file}"),
    "run --baseline": ("run", URL, "--baseline", "{file}"),
    "run --profile": ("run", URL, "--profile", "{file}"),
    "run --config": ("run", URL, "--config", "{file}"),
    "report": ("report", "{file}", "--junit", "{out}/r.xml"),
    "matrix": ("matrix", "{file}"),
    "judge --baseline": ("judge", str(POEM), "--baseline", "{file}"),
}
SUFFIX = {"run --profile": ".yaml", "run --config": ".toml", "diff of reports": ".json"}
NOT_YAML = ("import --data", "diff of reports", "report", "matrix", "run --config")
BOMB = "b0: &b0 [x, x, x]\n" + "".join(f"b{n}: &b{n} [{f'*b{n - 1}, ' * 9}]\n" for n in range(1, 9))
hostile = pytest.mark.security("hostile files")
whole = pytest.mark.security("nothing is lost")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PATIENCE", 0.01)


def ends_well(command: str, path: Path, folder: Path) -> str:
    """Run a command on a path; returns the line that it ends with."""
    (folder / "out").mkdir(exist_ok=True)
    done = run_contract(*(word.format(file=path, out=folder / "out") for word in COMMANDS[command]))
    said = done.stdout + done.stderr
    assert done.returncode in (1, 2), said
    assert "Traceback" not in said
    assert "the kit itself" not in said
    assert SECRET not in said
    assert outside(folder).read_text() == f"{SECRET}\n"
    return said.splitlines()[-1]


@hostile
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", [kind for kind in NO_FILES if kind != "link outside"])
def test_a_file_that_is_none_is_refused(command: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"one{SUFFIX.get(command, '.yaml')}"
    NO_FILES[kind](path)
    assert path.name in ends_well(command, path, tmp_path)


@hostile
@pytest.mark.parametrize("command", ["judge", "replay", "diff", "offline --fixture"])
@pytest.mark.parametrize("kind", NO_FILES)
def test_a_folder_with_what_is_no_file_is_read_without_it(command: str, kind: str, tmp_path: Path) -> None:
    NO_FILES[kind](tmp_path / "one.yaml")
    NO_FILES[kind](tmp_path / "two.jsonl")
    assert ends_well(command, tmp_path, tmp_path)


@hostile
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("what", ["bomb", "deep", "deep blocks", "long", "bytes", "empty", "null", "json", "numbers"])
def test_what_a_file_holds_cannot_stall_a_command(command: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / f"one{SUFFIX.get(command, '.yaml')}"
    held = {
        "bomb": BOMB.encode(),
        "deep": b"interactions: " + b"[" * 200_000,
        "deep blocks": b"version: 1\ninteractions:\n" + b"- " * 100_000,
        "long": b"a = " + b"[" * 500_000,
        "bytes": b"openai-contract-fixture: 1\n\xff\xfe\x00",
        "empty": b"",
        "null": b"\0" * 5000,
        "json": b'{"format": "openai-contract-report/1", "cases": [{"id"',
        "numbers": b"interactions: [1" + b":01" * 100_000 + b"]",
    }
    path.write_bytes(held[what])
    if (what, command) != ("empty", "run --config"):  # no options are options
        assert ends_well(command, path, tmp_path)


@whole
@pytest.mark.parametrize("size", [0.0, 0.3, 0.6, 0.9, 0.99])
def test_a_torn_baseline_is_never_accepted(size: float, tmp_path: Path) -> None:
    rules = sorted(RULES)[:4]
    entries = tuple(ToleranceEntry(rule, "known on 2026-11-29", label="chat.poem") for rule in rules)
    text = as_yaml(NewBaseline(entries, ()))
    path = tmp_path / "known.yaml"
    for cut in range(int((len(text) - 8) * size), int((len(text) - 8) * size) + 7):
        path.write_text(text[:cut])
        done = run_contract("judge", str(POEM), "--baseline", str(path))
        assert done.returncode == 2, text[:cut]
        assert f"{path}" in done.stderr
    path.write_text(text)
    assert run_contract("judge", str(POEM), "--baseline", str(path)).returncode == 0


@whole
@pytest.mark.parametrize("size", [0, 0.2, 0.5, 0.8, 0.99])
def test_a_torn_report_is_named_with_its_line(size: float, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    assert run_contract("judge", str(POEM), "--json", str(path)).returncode == 0
    torn = tmp_path / "torn.json"
    torn.write_bytes(path.read_bytes()[: int(path.stat().st_size * size)])
    done = run_contract("diff", str(path), str(torn))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    if size:
        assert f"{torn}:" in done.stderr
        assert "cut off or damaged" in done.stderr


@whole
@pytest.mark.parametrize("command", ["judge", "replay", "shrink", "offline --fixture", "diff"])
def test_a_torn_fixture_is_named_with_its_place(command: str, tmp_path: Path) -> None:
    text = POEM.read_bytes()
    for cut in (40, 200, 600, len(text) // 2):
        path = tmp_path / "one.yaml"
        path.write_bytes(text[:cut])
        assert f"{path}:" in ends_well(command, path, tmp_path)


@whole
@pytest.mark.parametrize("option", ["--json", "--junit"])
def test_a_report_that_cannot_be_written_is_said_after_the_verdict(option: str, tmp_path: Path) -> None:
    from fake_server import FakeServer

    other = {"--json": "--junit", "--junit": "--json"}[option]
    with FakeServer(seed=1) as fake:
        argv = ("run", fake.base_url, "--select", "models", option, "/dev/full", other, str(tmp_path / "other"))
        done = run_contract(*argv)
    assert done.returncode == 2
    assert "PASS  no findings" in done.stdout
    assert done.stderr.startswith("contract: /dev/full: cannot be written: No space left on device")
    assert (tmp_path / "other").stat().st_size


@hostile
@pytest.mark.parametrize("value", ["!!int ''", "!!bool perhaps", "!!timestamp x", "!!float ''"])
@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in NOT_YAML])
def test_a_text_that_is_no_value_of_its_tag_is_refused(command: str, value: str, tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    head = "version: 1\ninteractions" if command == "import" else "openai-contract-fixture: 1\ntitle"
    path.write_text(f"{head}: {value}\n")
    assert f"{path}:" in ends_well(command, path, tmp_path)
