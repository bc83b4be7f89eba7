"""The image: built without a registry, it answers, is not root, and ends when it is told to."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from contract_tests.lab.tools import container, processes
from contract_tests.lab.tools.checkout import ROOT
from contract_tests.lab.tools.environments import NotInstalled
from contract_tests.tolerance.baseline import NewBaseline, as_yaml
from fake_server import FakeServer

FOLDER = ROOT / "fake_server" / "container"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
IMAGE = "localhost/openai-contract-kit"


# -- what needs no image


@pytest.mark.parametrize(
    ("words", "called"),
    [
        ("", "fake-server --host 0.0.0.0 --scripts A --scripts B"),
        ("fake-server", "fake-server --host 0.0.0.0 --scripts A --scripts B"),
        ("--strict --seed 1", "fake-server --host 0.0.0.0 --strict --seed 1 --scripts A --scripts B"),
        ("fake-server --scripts other", "fake-server --host 0.0.0.0 --scripts other"),
        ("fake-server --scripts=other", "fake-server --host 0.0.0.0 --scripts=other"),
        ("fake-server --replay x", "fake-server --replay x"),
        ("fake-server validate x", "fake-server validate x"),
        ("fake-server schema", "fake-server schema"),
        ("contract run http://x", "contract run http://x"),
    ],
)
def test_words_become_commands(tmp_path: Path, words: str, called: str) -> None:
    fixtures = tmp_path / "my fixtures"
    fixtures.mkdir()
    scripts = [fixtures / "a b.yaml", fixtures / "b.yml"]
    for script in scripts:
        script.write_text("- name: a\n")
    (fixtures / "c.yaml").write_text("openai-contract-fixture: 1\n")
    as_written = as_yaml(NewBaseline((), ()), (), fixtures / "written.yaml")
    assert as_written.startswith("#")
    (fixtures / "written.yaml").write_text(as_written)
    for number, begin in enumerate(
        ("", "# a comment\n\n  # another\n---\n", "\ufeff", "\ufeff# a comment\n", '"', "'")
    ):
        end = begin if begin in ('"', "'") else ""
        (fixtures / f"known{number}.yaml").write_text(f"{begin}openai-contract-baseline{end}: 1\n", encoding="utf-8")
    scripts[0].write_text("# openai-contract-baseline: no\n- name: a\n")
    for name in ("fake-server", "contract"):
        stub = tmp_path / name
        stub.write_text(f'#!/bin/sh\nprintf "%s\\n" {name} "$@"\n')
        stub.chmod(0o755)
    environ = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "FIXTURES": str(fixtures)}
    command = ["sh", str(FOLDER / "entrypoint.sh"), *words.split()]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=60)
    paths = {"A": str(scripts[0]), "B": str(scripts[1])}
    assert done.stdout.splitlines() == [paths.get(word, word) for word in called.split()]


def test_the_app_of_compose_passes_on_its_scripts() -> None:
    app = COMPOSE["services"]["app"]
    environ = {**processes.child_environment(), **app["environment"]}
    assert environ["OPENAI_BASE_URL"] == "http://fake:1337/v1"
    with FakeServer(FOLDER / "scripts", strict=True) as fake:
        environ["OPENAI_BASE_URL"] = fake.base_url
        command = [sys.executable, str(FOLDER / "app" / Path(app["command"][-1]).name)]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "It is 12 degrees in Oslo.\n"


def test_the_build_gets_what_the_wheel_is_made_of_and_nothing_else() -> None:
    sent = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert all((ROOT / name).exists() for name in sent)
    assert not {".git", ".venv", ".cache", ".env"} & set(sent)
    assert "FROM python" not in DOCKERFILE  # the base is an argument
    assert "ARG BASE=python:3.13-slim" in DOCKERFILE


# -- the image


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Iterator[container.Buildah]:
    if why := container.missing():
        pytest.skip(why)
    store = tmp_path_factory.mktemp("store")
    made = container.Buildah(store)
    try:
        made.make_base()
    except NotInstalled as error:
        pytest.skip(str(error))
    try:
        yield made
    finally:
        shutil.rmtree(store, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.timeout(3600)  # debootstrap and pip, once
@pytest.mark.security("signals and processes")
def test_the_image_answers_as_nobody_and_ends_on_sigterm(buildah: container.Buildah, tmp_path: Path) -> None:
    config = buildah.build(IMAGE)
    assert (config["User"], config["WorkingDir"], config["Cmd"]) == ("10001:10001", "/fixtures", ["fake-server"])
    assert list(config["ExposedPorts"]) == ["1337/tcp"]
    name = buildah("from", IMAGE)
    for command in ("contract --version", "fake-server --version"):
        done = buildah("run", "--isolation", "chroot", name, "--", *config["Entrypoint"], *command.split())
        assert "version" in done
    (tmp_path / "a.yaml").write_text("- name: a\n  reply: {text: from the mount}\n")
    tmp_path.chmod(0o755)
    port = str(processes.free_port())
    words = ["sh", "-c", 'echo "pid $$"; exec "$@"', "sh", *config["Entrypoint"], *config["Cmd"], "--port", port]
    running = buildah.start(name, words, "--volume", f"{tmp_path}:/fixtures:ro")
    try:
        assert running.stdout is not None
        lines = iter(running.stdout.readline, "")
        pid = next(int(line.split()[1]) for line in lines if line.startswith("pid "))
        assert next(line for line in lines if f"http://0.0.0.0:{port}/v1" in line).rstrip().endswith("1 script")
        status = Path(f"/proc/{pid}/status").read_text()
        assert re.search(r"^Uid:\s+10001\s+10001\s+10001\s+10001$", status, re.MULTILINE)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{port}/health", timeout=30) as reply:
            assert reply.status == 200
        check = [word.replace("1337", port) for word in config["Healthcheck"]["Test"][1:]]
        buildah("run", "--isolation", "chroot", name, "--", *check)
        began = time.monotonic()
        os.kill(pid, signal.SIGTERM)
        running.wait(30)
        print(f"ended {time.monotonic() - began:.2f} s after SIGTERM")
    finally:
        processes.stop(running)
        if running.stdout is not None:
            running.stdout.close()
