"""Parse YAML into plain values, and remember their lines for messages.

Only the types of JSON are read, by the rules of YAML 1.2: `no` is a text and a date is a text. A duplicate
key, an unknown tag, an alias bomb and endless nesting are reported as problems.
"""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from fake_server.wire import files
from fake_server.wire.bounded_yaml import Bounded, Limits, TooMuch

MAX_BYTES = 1024 * 1024
LIMITS = Limits(values=200_000, characters=4 * MAX_BYTES, depth=100)
SUFFIXES = (".yaml", ".yml", ".json")

Where = tuple[str | int, ...]
"""Keys and indexes from the document's root."""


class ScriptError(ValueError):
    """Scripts that cannot be used; the message has a line for each problem: `file:line: what, what to do`."""


@dataclass(frozen=True)
class Document:
    """The value of one file, with the line of each value in it; `keys` has the lines of the keys themselves.

    `blocks` are the texts written below a `|`, line by line. `text` is the whole file.
    """

    value: Any
    lines: Mapping[Where, int]
    keys: Mapping[Where, int] = field(default_factory=dict)
    blocks: frozenset[Where] = frozenset()
    text: str = ""

    def line(self, where: Where, row: int = 0) -> int:
        """The line of a value, or of the nearest that contains it; in a block, the line of this row of it."""
        if row and where in self.blocks:
            return self.lines[where] + row
        for length in range(len(where), -1, -1):
            if where[:length] in self.lines:
                return self.lines[where[:length]]
        return 1

    def key_line(self, where: Where) -> int:
        """The line of a value's key."""
        return self.keys.get(where) or self.line(where)


def find(paths: Iterable[Path]) -> list[Path]:
    """The script files at these paths: files as given, those in directories sorted. Raises ScriptError."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            try:
                inside = sorted(files.find_files(path, SUFFIXES))
            except OSError as error:
                raise ScriptError(f"{error.filename}: cannot be read: {error.strerror}") from error
            if not inside:
                raise ScriptError(f"{path}: no *.yaml or *.json file in this directory: add one")
            found += [file for file in inside if file not in found]
        elif not path.exists():
            raise ScriptError(f"{path}: no such file or directory: check the path given for scripts")
        elif path not in found:
            found.append(path)
    return found


def read(path: Path) -> Document:
    """Parse one file. Raises ScriptError."""
    try:
        data = files.read_bytes(path, MAX_BYTES)
        text = data.decode("utf-8")
    except OSError as error:
        if error.errno == errno.EFBIG:
            what = f"larger than {MAX_BYTES // 1024} KiB: split the scripts into several files"
            raise ScriptError(f"{path}: {what}") from error
        raise ScriptError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ScriptError(f"{path}:{line}: not UTF-8: save the file as UTF-8") from error
    return read_text(text, path)


def read_text(text: str, path: Path) -> Document:
    """Parse a text as the file at `path` would be. Raises ScriptError."""
    if len(text) > MAX_BYTES:
        raise ScriptError(f"{path}: larger than {MAX_BYTES // 1024} KiB: split the scripts into several texts")
    try:
        node = yaml.compose(text, Loader=_Loader)
        reading = _Reading(path)
        value = None if node is None else reading.value(node, ())
        return Document(value, reading.lines, reading.keys, frozenset(reading.blocks), text)
    except TooMuch as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ScriptError(f"{path}:{line}: {error.problem}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problem = _not_json(text) if path.suffix == ".json" else None
        problem = problem or f"{line}: not YAML: {error.problem or error.context}"
        raise ScriptError(f"{path}:{problem}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ScriptError(f"{path}:{line}: not YAML: {error.reason}") from error


def _not_json(text: str) -> str | None:
    """The line where a text is not JSON, and why; None if it is JSON."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"{error.lineno}: not JSON: {error.msg}"
    return None


class _Loader(Bounded, yaml.SafeLoader):
    """Resolves plain scalars by the YAML 1.2 core schema."""

    limits = LIMITS
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  PyYAML's own spelling


for _tag, _form, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_form})$"), _first)


_SCALARS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "null": lambda text: None,
    "bool": lambda text: text.lower() == "true",
    "int": int,
    "float": float,
}


@dataclass
class _Reading:
    """Builds the value of one document, and notes the lines."""

    path: Path
    lines: dict[Where, int] = field(default_factory=dict)
    keys: dict[Where, int] = field(default_factory=dict)
    blocks: set[Where] = field(default_factory=set)

    def value(self, node: yaml.Node, where: Where) -> Any:
        line = node.start_mark.line + 1
        self.lines[where] = line
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, where)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*where, index)) for index, item in enumerate(node.value)]
        if getattr(node, "style", None) == "|":
            self.blocks.add(where)
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._problem(line, "a key must be a string, but is a list or mapping: put quotes around it")
            key = str(key_node.value)
            if key in found:
                first = self.keys[(*where, key)]
                raise self._problem(line, f"the key {key!r} is here and at line {first}: keep one")
            self.keys[(*where, key)] = line
            found[key] = self.value(value_node, (*where, key))
        return found

    def _scalar(self, node: yaml.Node) -> Any:
        tag, text = str(node.tag).removeprefix("tag:yaml.org,2002:"), str(node.value)
        try:
            return _SCALARS[tag](text)
        except (KeyError, ValueError):
            wrong = f"{text[:40]!r} with the tag {tag[:40]!r} cannot be read: put quotes around it"
            raise self._problem(node.start_mark.line + 1, wrong) from None

    def _problem(self, line: int, what: str) -> ScriptError:
        return ScriptError(f"{self.path}:{line}: {what}")
