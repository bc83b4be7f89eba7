"""JSONPaths (RFC 9535) of authors and clients, followed within the budget of a request.

A short path can visit more nodes than there are atoms (`$..*..*..*`), in its filters too, and its `match` and `search`
can backtrack for years. So every node that is visited and every filter that is tried is a step, and a search has a
time limit. Import this module late: the library takes a while to import, and few faults and scripts have paths.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import regex  # type: ignore[import-untyped]
from iregexp_check import check
from jsonpath_rfc9535 import JSONPathEnvironment, JSONPathNode, JSONPathQuery
from jsonpath_rfc9535.filter_expressions import FilterContext, FilterQuery, RelativeFilterQuery, RootFilterQuery
from jsonpath_rfc9535.function_extensions import Match, Search
from jsonpath_rfc9535.function_extensions._pattern import map_re
from jsonpath_rfc9535.parse import Parser

from fake_server.wire.budget import TooMuch, spend

MOST_NODES = 100_000
"""Nodes that a path may find."""
SEARCH_SECONDS = 0.5
LONGEST_PATTERN = 1000
_OF = "what its JSONPath visits"


class _Node(JSONPathNode):
    """A node whose children are counted when they are visited."""

    __slots__ = ()

    def new_child(self, value: object, key: int | str, parent: JSONPathNode | None) -> JSONPathNode:
        spend(1, _OF)
        return _Node(value=value, location=(*self.location, key), parent=parent, root=self.root)


class BoundedQuery(JSONPathQuery):
    """A path whose steps are counted."""

    __slots__ = ()

    def finditer(self, value: Any) -> Iterable[JSONPathNode]:
        nodes: Iterable[JSONPathNode] = [_Node(value=value, location=(), parent=None, root=value)]
        for segment in self.segments:
            nodes = segment.resolve(nodes)
        return _bounded(nodes)


def _bounded(nodes: Iterable[JSONPathNode]) -> Iterable[JSONPathNode]:
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

    def parse_relative_query(self, stream: Any) -> Any:
        return _bound(_Relative, super().parse_relative_query(stream))

    def parse_root_query(self, stream: Any) -> Any:
        return _bound(_Root, super().parse_root_query(stream))


def _bound(kind: type[FilterQuery], parsed: Any) -> FilterQuery:
    query = parsed.query
    return kind(parsed.token, BoundedQuery(env=query.env, segments=query.segments))


class _Match(Match):
    def __call__(self, string: str, pattern: object) -> bool:
        return _searches(regex.fullmatch, string, pattern, 0)


class _Search(Search):
    def __call__(self, string: str, pattern: object) -> bool:
        return _searches(regex.search, string, pattern, regex.VERSION1)


def _searches(method: Any, string: object, pattern: object, flags: int) -> bool:
    """What the library's functions do, in bounded time; False for what is no text or no I-Regexp (RFC 9485)."""
    if not isinstance(string, str) or not isinstance(pattern, str):
        return False
    if len(pattern) > LONGEST_PATTERN:
        raise TooMuch(f"a pattern of its JSONPath is longer than {LONGEST_PATTERN:,} characters")
    spend(5 + len(string) // 100, _OF)
    try:
        return check(pattern) and bool(method(map_re(pattern), string, flags, timeout=SEARCH_SECONDS))
    except TimeoutError:
        raise TooMuch(f"a pattern of its JSONPath would search for more than {SEARCH_SECONDS:g} seconds") from None
    except regex.error:
        return False


class _Environment(JSONPathEnvironment):
    parser_class = _Parser

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions |= {"match": _Match(), "search": _Search()}


_ENVIRONMENT = _Environment()


@lru_cache(1000)
def compile_path(text: str) -> BoundedQuery:
    """Compile a JSONPath that begins with `$`. Raises JSONPathError, RecursionError."""
    return BoundedQuery(env=_ENVIRONMENT, segments=_ENVIRONMENT.compile(text).segments)
