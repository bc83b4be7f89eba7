"""The wheel: one name, few packages, the fake without the suite. Needs a package index."""

from __future__ import annotations

import json
import urllib.request
import zipfile
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from contract_tests.lab.packaging import wheels
from contract_tests.lab.tests import wheel_project
from contract_tests.lab.tests.wheel_project import fake_of, index, project, python, serving

__all__ = ["index", "project", "python", "serving"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.usefixtures("index")]

MOST_PACKAGES = 25
MOST_MEGABYTES = 40


def test_one_name_is_installed() -> None:
    with zipfile.ZipFile(wheels.build_wheel()) as wheel:
        names = wheel.namelist()
    roots = {name.partition("/")[0] for name in names}
    assert {root.partition("-")[0] for root in roots} == {"openai_contract_kit"}
    assert len(roots) == 2
    parts = {part for name in names for part in name.split("/")}
    assert not parts & {"tests", "lab", "README.md", "__pycache__"}
    assert {
        f"openai_contract_kit/{name}"
        for name in (
            "py.typed",
            "contract_tests/client.py",
            "contract_tests/report/html/base.html",
            "contract_tests/report/html/page.css",
            "contract_tests/report/html/page.js",
            "contract_tests/report/schema.json",
            "fake_server/bugs/catalogue/usage.yaml",
            "fake_server/scripts/SCRIPTS.md",
            "fixtures/conforming/dated-dict.yaml",
            "fixtures/broken.tar.gz",
            "fixtures/bugs.tar.gz",
        )
    } <= set(names)


def test_the_sdist_builds_the_same_wheel(tmp_path: Path) -> None:
    def content(wheel: Path) -> dict[str, int]:
        with zipfile.ZipFile(wheel) as archive:
            return {info.filename: info.CRC for info in archive.infolist()}

    wheel = wheels.build_from(wheels.build_sdist(tmp_path), tmp_path)
    assert content(wheel) == content(wheels.build_wheel())


def test_the_bare_install_is_small(python: str) -> None:
    packages = wheels.weigh(wheels.install("", python=python))
    names = {package.name for package in packages}
    assert "openai-contract-kit" in names
    assert not names & {"openai", "uvloop", "httpx", "rich"}
    assert len(packages) <= MOST_PACKAGES, names
    assert wheels.megabytes(packages) <= MOST_MEGABYTES, packages


def test_the_bare_install_serves_the_fake(serving: str) -> None:
    for path, text in {
        "/v1/models": "gpt-4o",
        "/docs": "swagger",
        "/openapi.json": "3.1",
        "/metrics": "# HELP",
    }.items():
        with urllib.request.urlopen(f"{serving}{path}") as response:
            assert text in response.read().decode(), path
    with urllib.request.urlopen(f"{serving}/__fake__/assets/swagger-ui.css") as response:
        assert response.status == 200


@pytest.mark.parametrize(("extra", "status"), [("", 426), ("websocket", 101)])
def test_an_extra_brings_web_sockets(project: Path, extra: str, status: int) -> None:
    fields = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    with fake_of(extra, project) as port, closing(HTTPConnection("127.0.0.1", port, timeout=30)) as client:
        client.request("GET", "/v1/responses", headers={**fields, "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="})
        answered = client.getresponse()
        assert answered.status == status
        if status == 426:
            assert "pip install 'openai-contract-kit[websocket]'" in json.load(answered)["error"]["message"]


def test_the_bare_install_says_what_the_suite_needs(project: Path) -> None:
    python = wheels.install("")
    for command in (["contract"], ["contract", "run", "http://127.0.0.1:1"]):
        done = wheel_project.run(project, python, *command)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
        assert "pip install 'openai-contract-kit[contract]'" in done.stderr
    for name in ("mocked", "ReplayTransport"):
        done = wheel_project.run(project, python, "python", "-c", f"from openai_contract_kit import {name}")
        assert done.stderr.endswith(
            f"ModuleNotFoundError: {name} needs the extra replay: pip install 'openai-contract-kit[replay]'\n"
        )


@pytest.mark.parametrize("extras", ["", "contract,replay"])
@pytest.mark.parametrize("command", ["contract", "fake-server"])
def test_versions(project: Path, command: str, extras: str) -> None:
    done = wheel_project.run(project, wheels.install(extras), command, "--version")
    assert done.stdout == f"{command}, version 0.2.0\n"
