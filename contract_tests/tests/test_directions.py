"""Imports run one way through the whole tree: no circle, and no room that imports a room above it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("fake_server", "contract_tests")

FLOORS = """
fake_server.ending          fake_server.wire              fake_server.job_log
fake_server.connection      fake_server.command_line      fake_server.faults      fake_server.access
fake_server.api             fake_server.relay             fake_server.inspector
fake_server.scripts         fake_server.replay
fake_server.bugs
fake_server.server
fake_server.testing         fake_server.cli_recordings
fake_server.cli             fake_server.plugin            fake_server
fake_server.__main__

contract_tests.rules        contract_tests.client         contract_tests.requirements  contract_tests.interruption
contract_tests.target
contract_tests.cases
contract_tests.tolerance         contract_tests.own
contract_tests.recordings   contract_tests.run
contract_tests.report
contract_tests.shrinking    contract_tests.diffing        contract_tests.ready            contract_tests.corpus
contract_tests.sandwich
contract_tests.cli          contract_tests
contract_tests.__main__     contract_tests.conftest       contract_tests.test_contract
contract_tests.pytest_plugin

contract_tests.lab
fake_server.tests
contract_tests.tests
contract_tests.lab.tests
"""
"""Every room, the lowest floor first: a room imports those of the lines above its own, no others.

So the fake knows nothing of the suite, the product nothing of the lab, and nothing but tests imports tests.
"""

FLOOR_OF = {room: floor for floor, line in enumerate(FLOORS.splitlines()) for room in line.split()}

Graph = dict[str, set[str]]
"""The modules of the tree that each module imports."""


def imports_below(root: Path) -> Graph:
    """What the modules of both packages in a folder import, wherever the statement stands."""
    paths = {_module_at(path.relative_to(root)): path for name in PACKAGES for path in (root / name).rglob("*.py")}
    return {
        module: {name for name in _names_in(path) for name in _loaded_by(name, module, paths)}
        for module, path in paths.items()
    }


def _module_at(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _names_in(path: Path) -> Iterator[str]:
    """The names that a file imports, also in functions and under TYPE_CHECKING."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports of this tree are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _loaded_by(name: str, module: str, modules: Collection[str]) -> Iterator[str]:
    """The module that a name means, and the packages around it that are not around `module` as well.

    The outermost packages count only where they are meant themselves: loading them imports nothing.
    """
    name = name if name in modules else name.rpartition(".")[0]
    if name in modules and name != module:
        yield name
    while "." in (name := name.rpartition(".")[0]):
        if name in modules and not f"{module}.".startswith(f"{name}."):
            yield name


def circle_in(graph: Graph) -> list[str]:
    """The modules of an import circle, none where there is no circle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def upward_in(graph: Graph) -> list[str]:
    """Imports from one room of another that is not on a lower floor."""
    edges = ((module, name) for module, names in graph.items() for name in names)
    return sorted(
        f"{module} imports {name}"
        for module, name in edges
        if room_of(module) != room_of(name) and FLOOR_OF[room_of(module)] <= FLOOR_OF[room_of(name)]
    )


def room_of(module: str) -> str:
    """The innermost room that holds the module. Raises LookupError where it lies in none."""
    name = module
    while name not in FLOOR_OF:
        name = name.rpartition(".")[0]
        if name in PACKAGES:
            raise LookupError(f"{module} lies in no room of FLOORS")
    return name


@pytest.fixture(scope="module")
def tree() -> Graph:
    return imports_below(ROOT)


def test_no_module_imports_itself_by_way_of_others(tree: Graph) -> None:
    assert circle_in(tree) == []


def test_no_room_imports_a_room_above_it(tree: Graph) -> None:
    assert upward_in(tree) == []


def test_folders_side_by_side_import_each_other_one_way(tree: Graph) -> None:
    folders = {module for module in tree if any(other.startswith(f"{module}.") for other in tree)}
    between: Graph = {folder: set() for folder in folders}
    for module, names in tree.items():
        for name in names:
            parts, others = module.split("."), name.split(".")
            steps = enumerate(zip(parts, others, strict=False))
            fork = next((at for at, (here, there) in steps if here != there), 0)
            here, there = ".".join(parts[: fork + 1]), ".".join(others[: fork + 1])
            if here in folders and there in folders and "tests" not in parts:
                between[here].add(there)
    assert circle_in({folder: names - {folder} for folder, names in between.items()}) == []


# -- these tests can fail


def _tree(root: Path, files: dict[str, str]) -> Graph:
    """The imports of a small fake_server of these files."""
    for name, text in files.items():
        path = root / "fake_server" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return imports_below(root)


LATE = "def late():\n    from fake_server.wire import a\n"
TYPED = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import fake_server.wire.a\n"


@pytest.mark.parametrize("back", [LATE, TYPED, "from fake_server.wire.a import name\n"])
def test_a_planted_circle_is_found(tmp_path: Path, back: str) -> None:
    graph = _tree(tmp_path, {"wire/a.py": "from fake_server.wire import b\n", "wire/b.py": back})
    assert set(circle_in(graph)) == {"fake_server.wire.a", "fake_server.wire.b"}
    assert circle_in(_tree(tmp_path, {"wire/b.py": "import json\n"})) == []


def test_a_planted_circle_through_a_package_is_found(tmp_path: Path) -> None:
    init, late = "from fake_server.wire import a\n", "from fake_server.api import b\n"
    graph = _tree(tmp_path, {"api/__init__.py": init, "api/b.py": "", "wire/a.py": late})
    assert set(circle_in(graph)) == {"fake_server.api", "fake_server.wire.a"}


@pytest.mark.parametrize("room", ["api", "tests"])
def test_a_planted_import_of_a_room_above_is_found(tmp_path: Path, room: str) -> None:
    graph = _tree(tmp_path, {"wire/a.py": f"from fake_server.{room} import b\n", f"{room}/b.py": ""})
    assert upward_in(graph) == [f"fake_server.wire.a imports fake_server.{room}.b"]


def test_a_file_in_no_room_is_found(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match=r"fake_server\.elsewhere\.a lies in no room"):
        upward_in(_tree(tmp_path, {"elsewhere/a.py": "from fake_server.wire import b\n", "wire/b.py": ""}))
