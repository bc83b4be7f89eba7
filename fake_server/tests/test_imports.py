"""Imports run one way: the wire core stands alone, and the fake never imports the suite."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1]
CODE = [path for path in PACKAGE.rglob("*.py") if "tests" not in path.relative_to(PACKAGE).parts]
WIRE_MAY = sys.stdlib_module_names | {"yaml"}
EDGE = ("app", "edge", "server", "cli", "plugin", "routes")
BRAIN = (
    "scripts",
    "script_model",
    "match",
    "answer",
    "asked",
    "limits",
    "sensible",
    "render",
    "play",
    "reply",
)


def imported(path: Path) -> Iterator[str]:
    """Every module a file imports, wherever the statement stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports here are absolute"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_direction(path: Path) -> None:
    names = set(imported(path))
    roots = {name.partition(".")[0] for name in names}
    assert "contract_tests" not in roots
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    ours = {name for name in names if name.startswith("fake_server.")}
    if first == "wire":
        assert roots <= WIRE_MAY | {"fake_server"}
        assert all(name.startswith("fake_server.wire") for name in ours)
    if first in BRAIN:
        assert not {name for name in ours if name.split(".")[1] in EDGE}
        assert not roots & {"fastapi", "starlette", "uvicorn"}
    if first != "plugin":
        assert "openai" not in roots


def test_the_fake_starts_without_what_few_requests_need() -> None:
    late = "{'fastapi', 'jinja2', 'jsonpath_rfc9535', 'jsonschema', 'openai', 'prometheus_client', 'respx'}"
    modules = "sys, fake_server.cli, fake_server.server.uvicorn_server"
    code = f"import {modules}\nprint(sorted({late} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"


def test_the_wire_core_is_light() -> None:
    heavy = "{'fastapi', 'pydantic', 'openai'}"
    code = f"import sys, fake_server.wire.fixture; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"
