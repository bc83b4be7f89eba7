"""The table of TESTING.md: what the pytest plugin provides."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator

from contract_tests.lab.tools.checkout import ROOT
from fake_server import plugin

PAGE = ROOT / "fake_server" / "testing" / "TESTING.md"
_TABLE = re.compile(r"<!-- plugin -->\n.*?<!-- end -->\n", re.DOTALL)


def provided() -> Iterator[tuple[str, str]]:
    """Each fixture, marker and option, as a user writes it, with its meaning."""
    for definition in ast.parse(inspect.getsource(plugin)).body:
        if isinstance(definition, ast.FunctionDef) and _is_fixture(definition):
            yield definition.name, _first_line(ast.get_docstring(definition) or "")
    for marker, meaning in plugin.MARKERS.items():
        yield f"@pytest.mark.{marker}", meaning
    yield f"pytest {plugin.UNUSED[0]}", plugin.UNUSED[1]


def _is_fixture(definition: ast.FunctionDef) -> bool:
    decorated = any("pytest.fixture" in ast.unparse(decorator) for decorator in definition.decorator_list)
    return decorated and not definition.name.startswith("_")


def _first_line(text: str) -> str:
    line = text.partition("\n")[0].rstrip(".")
    return line[:1].lower() + line[1:]


def page(text: str) -> str:
    """The page with an up-to-date table."""
    rows = "".join(f"| `{name}` | {meaning} |\n" for name, meaning in provided())
    table = f"<!-- plugin -->\n\n| what | meaning |\n|---|---|\n{rows}\n<!-- end -->\n"
    return _TABLE.sub(lambda found: table, text)
