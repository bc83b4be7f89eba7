"""Which libraries the rooms of the fake may import, and what its start leaves for later.

Which room imports which is tested for the whole tree in contract_tests/tests/test_directions.py.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1]
CODE = [path for path in PACKAGE.rglob("*.py") if "tests" not in path.relative_to(PACKAGE).parts]
WIRE_MAY = sys.stdlib_module_names | {"yaml", "fake_server"}
WEB = {"fastapi", "starlette", "uvicorn"}
SERVING = {"server", "testing", "cli"}
"""Rooms that know the web framework; all others answer requests without it."""


def imported_packages(path: Path) -> Iterator[str]:
    """The outermost package of everything a file imports, wherever the statement stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).partition(".")[0]


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_libraries(path: Path) -> None:
    packages = set(imported_packages(path))
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room == "wire":
        assert packages <= WIRE_MAY | ({"pydantic_core"} if path.name == "patterns.py" else set())
    if room not in SERVING:
        assert not packages & WEB
    if room != "plugin":
        assert "openai" not in packages


def test_the_fake_starts_without_what_few_requests_need() -> None:
    late = (
        "{'fastapi', 'jinja2', 'jsonpath', 'jsonschema', 'openai', 'prometheus_client', 'respx', "
        "'fake_server.api.responses_request', 'fake_server.api.sensible.words', 'fake_server.server.openapi.document'}"
    )
    modules = "sys, fake_server.cli, fake_server.server.uvicorn_server"
    code = f"import {modules}\nprint(sorted({late} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


def test_the_wire_core_is_light() -> None:
    heavy = "{'fastapi', 'pydantic', 'openai'}"
    code = f"import sys, fake_server.wire.fixture; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
