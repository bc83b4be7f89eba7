"""Environments are built once for their pins, one at a time, and say why where they cannot be built."""

from __future__ import annotations

import shutil
import sys
import tarfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from contract_tests.lab.tools import environments, processes
from contract_tests.lab.tools.environments import (
    NotInstalled,
    locked_node_environment,
    node_environment,
    python_environment,
    run_installer,
)

needs_node = pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="it needs node")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path)
    return tmp_path


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What was installed, in order."""
    installed: list[tuple[str, ...]] = []

    def create(home: Path, arguments: Sequence[str], *_: object) -> None:
        home.mkdir(exist_ok=True)
        time.sleep(0.1)
        installed.append(tuple(arguments))

    monkeypatch.setattr(environments, "create", create)
    return installed


def test_an_environment_is_built_once_and_again_when_its_pins_change(
    built: list[tuple[str, ...]], tmp_path: Path
) -> None:
    pins = tmp_path / "pins.txt"
    pins.write_text("a==1\n")
    for _ in range(2):
        assert python_environment("tool", ["a"], pins) == tmp_path / "tool" / "bin" / "python"
    assert built == [("--constraint", str(pins), "a")]
    pins.write_text("a==2\n")
    python_environment("tool", ["a"], pins)
    python_environment("tool", ["a", "b"], pins)
    assert len(built) == 3
    environments.remove("tool")
    python_environment("tool", ["a", "b"], pins)
    assert len(built) == 4


def test_two_runs_do_not_build_the_same_one_at_once(built: list[tuple[str, ...]]) -> None:
    threads = [threading.Thread(target=python_environment, args=("tool", ["a"])) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert built == [("a",)]


def test_a_failed_build_is_tried_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuses(home: Path, arguments: Sequence[str], *_: object) -> None:
        raise NotInstalled("no package index in reach")

    monkeypatch.setattr(environments, "create", refuses)
    for _ in range(2):
        with pytest.raises(NotInstalled, match="no package index in reach"):
            python_environment("vcrpy", ("vcrpy==9.4.2",))


def failing(monkeypatch: pytest.MonkeyPatch, complaint: str) -> list[dict[str, str]]:
    """Have every command of an installer fail; the environments that they were given."""
    environs: list[dict[str, str]] = []

    def fail(command: Sequence[str], *, env: dict[str, str], seconds: float) -> CompletedProcess[str]:
        environs.append(env)
        return CompletedProcess(command, 1, "", complaint)

    monkeypatch.setattr(processes, "run", fail)
    return environs


def test_a_failure_of_pip_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, "WARNING: hm\nERROR: No matching distribution\nhint\n")
    with pytest.raises(NotInstalled) as caught:
        run_installer(sys.executable, "-m", "pip", "install", "--quiet", "a==1")
    name = Path(sys.executable).name
    assert str(caught.value) == (
        f"{name} -m pip install failed: ERROR: No matching distribution; is a package index in reach?"
    )


def test_npm_says_why_and_gives_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    environs = failing(monkeypatch, "npm error self-signed certificate\nnpm error A complete log of it: x\n")
    for expected in ("1", "7"):
        with pytest.raises(NotInstalled, match="failed: npm error self-signed certificate; "):
            run_installer("npm", "install")
        assert environs[-1]["npm_config_fetch_retries"] == expected
        monkeypatch.setenv("npm_config_fetch_retries", "7")


def test_an_install_sees_the_settings_of_the_user_and_no_python_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_SOMETHING", "kept")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    seen = run_installer(sys.executable, "-c", "import os; print(dict(os.environ))")
    assert "'PIP_SOMETHING': 'kept'" in seen
    assert "/elsewhere" not in seen


def test_an_install_has_a_limit() -> None:
    with pytest.raises(NotInstalled, match=r"sleep 60: it did not end within 0\.3 s"):
        run_installer("sleep", "60", seconds=0.3)


def test_what_pip_froze_is_exact(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    printed = "b==2\nA==1\n"
    monkeypatch.setattr(environments, "_python_with_pip", lambda: Path(sys.executable))
    monkeypatch.setattr(environments, "run_installer", lambda *command, seconds: printed)
    assert environments.freeze(tmp_path) == ["A==1", "b==2"]
    printed = "a @ file:///a\n"
    with pytest.raises(NotInstalled, match="is no exact version"):
        environments.freeze(tmp_path)


def test_node_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotInstalled, match="node and npm on PATH"):
        node_environment("tool", ["a@1"])


@needs_node
def test_npm_installs_what_is_pinned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commands: list[tuple[str, ...]] = []
    install = run_installer

    def note(*command: str, seconds: float = 1.0) -> str:
        if command[0] == "npm":
            commands.append(command)
            return ""
        return install(*command)

    monkeypatch.setattr(environments, "run_installer", note)
    for _ in range(2):
        assert node_environment("tool", ["a@1", "b@2"]) == tmp_path / "tool"
    source = tmp_path / "source"
    source.mkdir()
    for name in ("package.json", "package-lock.json"):
        (source / name).write_text("{}")
    for _ in range(2):
        locked_node_environment("locked", source)
    assert [command[1] for command in commands] == ["install", "ci"]
    assert commands[0][-2:] == ("a@1", "b@2")
    assert all("--ignore-scripts" in command for command in commands)
    assert (tmp_path / "locked" / "package-lock.json").is_file()


def test_an_archive_is_unpacked_in_its_folder_alone(tmp_path: Path) -> None:
    archive, folder = tmp_path / "source.tar.gz", tmp_path / "inside"
    link = tarfile.TarInfo("package/link")
    link.type, link.linkname = tarfile.SYMTYPE, "../.."
    with tarfile.open(archive, "w:gz") as packed:
        packed.addfile(link)
        for name in ("package/tests/test_it.py", "../beside", str(tmp_path / "absolute"), "package/link/through"):
            packed.addfile(tarfile.TarInfo(name))
    environments.unpack(archive, folder)
    assert (folder / "package" / "tests" / "test_it.py").is_file()
    assert not (folder / "package" / "link").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inside", "source.tar.gz"]
