"""JSONPaths (RFC 9535) of authors and clients, followed within the budget of a request.

A short path can visit more nodes than there are atoms (`$..*..*..*`), in its filters too, and its `match` and `search`
could backtrack for years. So every node that is visited and every filter that is tried is a step, and patterns are
matched in linear time. Import this module late: the library takes a while to import, and few faults and scripts have
paths.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from iregexp_check import check
from jsonpath import JSONPath, JSONPathEnvironment, JSONPathMatch
from jsonpath.exceptions import JSONPathError
from jsonpath.filter import BaseExpression, RelativeFilterQuery, RootFilterQuery
from jsonpath.function_extensions import Match, Search
from jsonpath.parse import Parser
from jsonpath.selectors import FilterContext

from fake_server.wire import patterns
from fake_server.wire.budget import TooMuch, spend

MOST_NODES = 100_000
"""Nodes that a path may find."""
LONGEST_PATTERN = 1000
_OF = "what its JSONPath visits"


class Node(JSONPathMatch):
    """A node whose children are counted when they are visited.

    `value` is what the path found, `parts` are the keys and indexes that lead to it from the root.
    """

    __slots__ = ()

    def new_child(self, obj: object, key: int | str) -> JSONPathMatch:
        spend(1, _OF)
        return _node(obj, (*self.parts, key), self.root)

    def add_child(self, *children: JSONPathMatch) -> None:
        """Keep none: nobody asks a node for them, and they would hold all that was visited."""


def _node(value: object, parts: tuple[int | str, ...], root: Any) -> Node:
    return Node(filter_context={}, obj=value, parent=None, parts=parts, path="", root=root)


class BoundedPath(JSONPath):
    """A path whose steps are counted."""

    __slots__ = ()

    def finditer(self, data: Any, *, filter_context: Any = None) -> Iterable[JSONPathMatch]:
        """Find the nodes. Raises TooMuch, JSONPathError for what is nested too deep for `..`."""
        nodes: Iterable[JSONPathMatch] = [_node(data, (), data)]
        for segment in self.segments:
            nodes = segment.resolve(nodes)
        return _bounded(nodes)


def _bounded(nodes: Iterable[JSONPathMatch]) -> Iterable[JSONPathMatch]:
    for number, node in enumerate(nodes):
        if number == MOST_NODES:
            raise TooMuch(f"its JSONPath finds more than {MOST_NODES:,} values")
        yield node


class _Relative(RelativeFilterQuery):
    __slots__ = ()

    def evaluate(self, context: FilterContext) -> object:
        spend(1, _OF)
        return super().evaluate(context)


class _Root(RootFilterQuery):
    __slots__ = ()

    def evaluate(self, context: FilterContext) -> object:
        spend(1, _OF)
        return super().evaluate(context)


class _Parser(Parser):
    """Makes queries in filters bounded ones."""

    def parse_relative_query(self, stream: Any) -> BaseExpression:
        parsed: Any = super().parse_relative_query(stream)
        return _Relative(_bound(parsed.path))

    def parse_absolute_query(self, stream: Any) -> BaseExpression:
        parsed: Any = super().parse_absolute_query(stream)
        return _Root(_bound(parsed.path))


def _bound(path: Any) -> BoundedPath:
    return BoundedPath(env=path.env, segments=path.segments)


class _Match(Match):
    def __call__(self, value: object, pattern: object) -> bool:
        return _matches(r"\A(?:{})\z", value, pattern)


class _Search(Search):
    def __call__(self, value: object, pattern: object) -> bool:
        return _matches("{}", value, pattern)


def _matches(form: str, value: object, pattern: object) -> bool:
    """Whether an I-Regexp (RFC 9485) matches; False for what is no text or no I-Regexp."""
    if not isinstance(value, str) or not isinstance(pattern, str):
        return False
    if len(pattern) > LONGEST_PATTERN:
        raise TooMuch(f"a pattern of its JSONPath is longer than {LONGEST_PATTERN:,} characters")
    spend(5 + len(value) // 100, _OF)
    return _is_iregexp(pattern) and patterns.search(form.format(_rust(pattern)), value)


@lru_cache(1000)
def _is_iregexp(pattern: str) -> bool:
    """What the library checks, with quantities of several digits, which RFC 9485 has and the library refuses."""
    return bool(check(_ESCAPE_OR_QUANTITY.sub(lambda found: found[1] or re.sub("[0-9]+", "1", found[0]), pattern)))


_ESCAPE_OR_QUANTITY = re.compile(r"(\\.)|\{[0-9,]+\}", re.DOTALL)


@lru_cache(1000)
def _rust(pattern: str) -> str:
    """The pattern in Rust's syntax, where a dot matches `\\r` and some characters join the classes around them."""
    parts: list[str] = []
    escaped = inside = False
    for character in pattern:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == "." and not inside:
            character = r"[^\n\r]"
        elif character in "[]":
            inside = character == "["
        elif character in "&~-" and inside and (character != "-" or parts[-1] in ("[", "^", "-")):
            character = "\\" + character
        parts.append(character)
    return "".join(parts)


class _Environment(JSONPathEnvironment):
    parser_class = _Parser

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions |= {"match": _Match(), "search": _Search()}

    def getitem(self, obj: Any, key: Any) -> Any:
        """What is at a key, an index or a slice: of a string nothing, though the library would slice it."""
        return () if isinstance(obj, str) else super().getitem(obj, key)


_ENVIRONMENT = _Environment(strict=True, filter_caching=False)


@lru_cache(1000)
def compile_path(text: str) -> BoundedPath:
    """Compile a JSONPath that begins with `$`. Raises JSONPathError."""
    if not text:
        raise JSONPathError("it is empty")
    return _bound(_ENVIRONMENT.compile(text))
