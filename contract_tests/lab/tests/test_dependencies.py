"""No version with a known fault in what the kit uses of it can be installed beside it, nor is one pinned."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from contract_tests.lab.tools import audit, sdks
from contract_tests.lab.tools.checkout import CONSTRAINTS, ROOT
from contract_tests.lab.tools.environments import NotInstalled, python_environment

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS = {"the kit": PROJECT["project"]["dependencies"], **PROJECT["project"]["optional-dependencies"]}
SAFE = {
    "jinja2": ("3.1.6", "GHSA-cpwx-vrp4-4pq7: `|attr` leads out of the sandbox"),
    "starlette": ("0.49.1", "GHSA-7f5h-v6xp-fcq8: a Range header costs quadratic time"),
    "h11": ("0.16.0", "GHSA-vqfr-h8mv-ghfj: lenient chunk ends"),
    "pydantic": ("2.4.0", "GHSA-mr82-8j83-vxmv: a long email address stalls"),
    "fastapi": ("0.109.1", "GHSA-2jv5-9r88-3w3p: a form's Content-Type stalls"),
    "pyyaml": ("5.4", "GHSA-8q59-q68h-6hv4: objects are made from YAML"),
    "idna": ("3.7", "GHSA-jjg7-2v4v-x38h: a long name stalls"),
    "certifi": ("2024.7.4", "GHSA-248v-346w-9cwc: a distrusted authority"),
    "urllib3": ("2.5.0", "GHSA-pq67-6m6q-mj2v: redirects are followed though disabled"),
    "requests": ("2.32.4", "GHSA-9hjg-9r4m-mvj7: a password of .netrc goes to another host"),
    "aiohttp": ("3.12.14", "GHSA-9548-qrrj-x5pj: trailers smuggle a request"),
    "pygments": ("2.15.0", "GHSA-mrwq-x4v8-fh7p: a lexer stalls"),
    "pytest": ("9.0.3", "GHSA-6w46-j5rx-g56g: its temporary folder has a known name"),
}
"""The first version without a known fault, and which."""
USERS = ("pytest",)
"""What users bring in a version of their own; the kit's environment has it without the fault."""
security = pytest.mark.security("dependencies")


def release(version: str) -> tuple[int, ...]:
    """A version as a tuple that compares."""
    numbers = [int(number) for number in re.findall(r"\d+", version.partition("+")[0])]
    return tuple([*numbers, 0, 0, 0][:4])


def bounds() -> dict[str, str]:
    """Each direct dependency with its lower bound."""
    found = {}
    for requirement in (one for group in GROUPS.values() for one in group):
        name, _, version = requirement.partition(",")[0].partition(">=")
        if version:
            found[re.sub(r"\[.*\]", "", name).lower()] = version
    return found


def pins() -> list[tuple[str, str, str]]:
    """The generation of the SDK, the name and the version of every pin."""
    sections = sdks.load_pins().items()
    return [(sdk, *pin.lower().split("==")) for sdk, listed in sections for pin in listed]  # type: ignore[misc]


@security
@pytest.mark.parametrize("name", [name for name in SAFE if name in bounds() and name not in USERS])
def test_no_version_with_a_known_fault_satisfies_the_lower_bound(name: str) -> None:
    assert release(bounds()[name]) >= release(SAFE[name][0]), SAFE[name][1]


@security
@pytest.mark.parametrize("name", SAFE)
def test_no_version_with_a_known_fault_is_pinned(name: str) -> None:
    pinned = [(sdk, version) for sdk, pin, version in pins() if pin == name]
    assert all(release(version) >= release(SAFE[name][0]) for _, version in pinned), (pinned, SAFE[name][1])


@security
@pytest.mark.parametrize("name", ["jinja2", "starlette", "h11"])
def test_what_the_fake_stands_on_is_bounded(name: str) -> None:
    assert name in bounds()


@security
def test_every_requirement_has_a_lower_bound_that_the_pins_satisfy() -> None:
    own = {name.replace("_", "-"): version for sdk, name, version in pins() if sdk == list(sdks.load_pins())[-1]}
    for name, version in bounds().items():
        assert release(own[name]) >= release(version), name
    for group in GROUPS.values():
        assert all(">=" in one or one.startswith("openai-contract-kit[") for one in group), group


@security
def test_the_build_backend_is_the_pinned_one() -> None:
    (backend,) = PROJECT["build-system"]["requires"]
    assert backend in CONSTRAINTS.read_text().splitlines()
    assert "==" in backend


FOUND: list[dict[str, Any]] = [
    {"name": "jinja2", "version": "3.1.5", "vulns": [{"id": "GHSA-cpwx", "fix_versions": ["3.1.6"]}]},
    {"name": "click", "version": "8.2", "vulns": []},
]


@security
@pytest.mark.parametrize(
    ("printed", "code", "said"),
    [
        (json.dumps({"dependencies": FOUND}), 1, "jinja2 3.1.5: GHSA-cpwx, mended in 3.1.6"),
        (json.dumps({"dependencies": FOUND[1:]}), 0, "no advisory"),
        (json.dumps({"dependencies": [{"name": "click", "skip_reason": "not found"}]}), 0, "out of reach here"),
        ("ConnectionError", 0, "out of reach here"),
        ("", 0, "out of reach here"),
    ],
)
def test_an_audit_says_what_it_found_or_that_it_could_not_look(
    printed: str, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "python_environment", lambda *_: Path("python"))
    monkeypatch.setattr(audit, "load_pins", lambda: {"3": ("click==8.2",)})
    monkeypatch.setattr(
        subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], code, stdout=printed, stderr="")
    )
    assert audit.main() == code
    (line,) = capsys.readouterr().out.splitlines()
    assert said in line


@security
def test_an_audit_without_a_registry_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> Path:
        raise NotInstalled("pip cannot install pip-audit:\nno network")

    monkeypatch.setattr(audit, "python_environment", refuse)
    assert audit.main() == 0
    assert capsys.readouterr().out == "audit     nothing was looked up: pip cannot install pip-audit: no network\n"


@security
@pytest.mark.slow
def test_the_kit_works_with_the_lowest_versions_that_it_allows() -> None:
    lowest = [
        one.partition(",")[0].replace(">=", "==")
        for group in ("the kit", "contract", "websocket")
        for one in GROUPS[group]
    ]
    try:
        python = python_environment("lowest", lowest)
    except NotInstalled as error:
        pytest.skip(str(error))
    done = subprocess.run(
        [python, "-m", "contract_tests", "offline"], cwd=ROOT, capture_output=True, text=True, timeout=250, check=False
    )
    assert "PASS  no findings" in done.stdout, done.stderr
