"""The names of the checkout, `fake_server` and `contract_tests`, as the wheel has them: below one package.

A project that installs the kit may have a `fake_server.py` or a `contract_tests/` of its own, and
`python -m pytest` puts its folder first on the path, so the wheel installs one top-level name only.
Standard library only: this runs in the build environment.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Set

KIT = "openai_contract_kit"
"""The package that the wheel installs."""
PACKAGES = ("fake_server", "contract_tests")
"""The packages of the checkout that go below it."""

_NAMES = "|".join(PACKAGES)
_IMPORT_FROM = re.compile(rf"from\s+(?=(?:{_NAMES})\b)")
_USE = re.compile(rf"(?<![\w-])(?:from|import|pytest|-m|-p|--pyargs)[\s'\",]+(?:{_NAMES})\b")
"""How code, a command or a docstring uses a package by its name in the checkout."""


class NotInstallable(Exception):
    """A shipped file would use a name that is not installed; the message is its place and what to do."""


def rewrite(source: str, file: str, modules: Set[str]) -> str:
    """A shipped module's source with the installed names in its import statements; lines stay lines.

    `modules` are the dotted names of all shipped modules. Raises NotInstallable where the source uses one of
    them in another way: `import fake_server.x`, a string for importlib, an example in a docstring.
    """
    lines = source.splitlines(keepends=True)
    tree = ast.parse(source, file)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and _is_ours(node.module or ""):
            line, start = lines[node.lineno - 1], node.col_offset
            lines[node.lineno - 1] = line[:start] + _IMPORT_FROM.sub(rf"\g<0>{KIT}.", line[start:], count=1)
    problems = [*_problems(tree, modules), *_uses("".join(lines))]
    if problems:
        number, problem = min(problems, key=lambda problem: problem[0])
        raise NotInstallable(f"{file}:{number}: {problem}")
    return "".join(lines)


def check_page(text: str, file: str) -> str:
    """A shipped page, as it is. Raises NotInstallable where it shows a name that is not installed."""
    for number, problem in _uses(text):
        raise NotInstallable(f"{file}:{number}: {problem}")
    return text


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in PACKAGES


def _problems(tree: ast.AST, modules: Set[str]) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if _is_ours(alias.name):
                    yield node.lineno, f"write `from … import …` instead of `import {alias.name}`"
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno, "imports are absolute here"
        elif isinstance(node, ast.Constant) and _is_module(node.value, modules):
            yield node.lineno, f"derive {str(node.value)!r} from __name__: installed, it is below {KIT}"


def _is_module(value: object, modules: Set[str]) -> bool:
    """Whether a constant is a dotted module name; `fake_server` alone is also the name of a fixture."""
    return isinstance(value, str) and "." in value and value in modules


def _uses(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if use := _USE.search(line):
            yield number, f"`{use[0]}` fails where the kit is installed: the name begins with {KIT}."
