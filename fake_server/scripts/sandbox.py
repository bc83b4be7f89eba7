"""Jinja's sandbox with bounds: a template can neither run forever nor fill the memory.

Jinja's sandbox keeps templates from Python's internals and bounds `range`. Nested loops, recursive macros and
multiplied texts are counted here: rendering takes at most STEPS steps, and no value grows beyond MOST
characters. What is random (`lipsum`, `random`) is left out, so that equal requests get equal answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextvars import ContextVar
from functools import lru_cache, wraps
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

MOST = 1024 * 1024
"""Characters or members that one value may have, and characters that one template may give."""
STEPS = 100_000
"""Turns of loops and calls that one template may take."""
_BITS = 10_000
_WIDTH = re.compile(r"\d{5}|\*")
_left: ContextVar[int] = ContextVar("_left", default=STEPS)


class TooMuch(ValueError):
    """A template that would take too long or too much memory."""


def render(text: str, context: Mapping[str, Any]) -> str:
    """Render a template. Raises TooMuch, and what Jinja and the template's own operations raise."""
    token = _left.set(STEPS)
    try:
        pieces, size = [], 0
        for piece in _compiled(text).generate(context):
            pieces.append(piece)
            size += len(piece)
            if size > MOST:
                raise TooMuch(f"gives more than {MOST:,} characters")
        return "".join(pieces)
    finally:
        _left.reset(token)


def _step() -> None:
    left = _left.get()
    if left <= 0:
        raise TooMuch(f"takes more than {STEPS:,} steps")
    _left.set(left - 1)


def _counted(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        _step()
        yield item


def _check_size(value: Any) -> Any:
    if isinstance(value, Sized) and len(value) > MOST:
        raise TooMuch(f"makes a value of more than {MOST:,} members")
    return value


def _check_widths(values: Iterable[Any]) -> None:
    """Raises TooMuch for a too large width or count given to a filter or method."""
    if any(isinstance(value, int) and abs(value) > MOST for value in values):
        raise TooMuch(f"asks for more than {MOST:,} of something")


def _bounded(filter_: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(filter_)
    def bounded(*given: Any, **named: Any) -> Any:
        _step()
        _check_widths((*given[1:], *named.values()))
        return _check_size(filter_(*given, **named))

    return bounded


def _format(form: str, *given: Any, **named: Any) -> str:
    """Jinja's filter `format`, whose widths have few digits."""
    return _printf(form, named or given)


def _printf(form: str, given: Any) -> str:
    _check_digits(form)
    return str(_check_size(form % given))


def _check_digits(form: str) -> None:
    if _WIDTH.search(form):
        raise TooMuch("formats with a width of more than four digits")


def _joined(parts: Iterable[Any]) -> str:
    return str(_check_size("".join(map(str, parts))))


class Missing(jinja2.StrictUndefined):
    """A missing value: false in a condition, an error anywhere else."""

    __slots__ = ()
    __bool__ = jinja2.Undefined.__bool__  # type: ignore[assignment]


class _Measuring(NodeTransformer):
    """Puts a filter around what a loop runs over and in place of every `~`."""

    def visit_For(self, node: nodes.For) -> nodes.For:
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "_counted", [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:
        self.generic_visit(node)
        parts = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(parts, "_joined", [], [], None, None, lineno=node.lineno)


class Bounded(ImmutableSandboxedEnvironment):
    """The environment of scripts: an undefined name is an error, nothing is escaped."""

    intercepted_binops = frozenset(("+", "*", "**", "%"))

    def __init__(self) -> None:
        super().__init__(undefined=Missing, autoescape=False)
        self.globals = {name: self.globals[name] for name in ("range", "dict", "namespace", "joiner", "cycler")}
        allowed = {name: each for name, each in self.filters.items() if name not in ("random", "format")}
        self.filters = {name: _bounded(each) for name, each in {**allowed, "format": _format}.items()}
        self.filters |= {"_counted": _counted, "_joined": _joined}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """Parse a template; its loops are counted and its joined texts are bounded."""
        tree: nodes.Template = _Measuring().visit(super()._parse(source, name, filename))
        return tree

    def call(self, *given: Any, **named: Any) -> Any:
        """Call something for a template: (context, what, …). A step; widths are bounded."""
        _step()
        of = getattr(given[1], "__self__", getattr(getattr(given[1], "__wrapped__", None), "__self__", None))
        if isinstance(of, str):
            _check_widths(given[2:])
            if getattr(given[1], "__name__", "") in ("format", "format_map"):
                _check_digits(of)
        return _check_size(super().call(*given, **named))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Calculate for a template, where the result has bounds."""
        if operator == "%" and isinstance(left, str):
            return _printf(left, right)
        if isinstance(left, int) and isinstance(right, int):
            bits = {"**": left.bit_length() * max(right, 1), "*": left.bit_length() + right.bit_length()}
            if bits.get(operator, 0) > _BITS:
                raise TooMuch("makes too large a number")
        elif operator == "*":
            for several, times in ((left, right), (right, left)):
                if isinstance(times, int) and isinstance(several, Sized) and len(several) * times > MOST:
                    raise TooMuch(f"makes a value of more than {MOST:,} members")
        return _check_size(super().call_binop(context, operator, left, right))


ENVIRONMENT = Bounded()


@lru_cache(maxsize=256)
def _compiled(text: str) -> jinja2.Template:
    return ENVIRONMENT.from_string(text)
