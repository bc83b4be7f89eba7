"""Jinja's sandbox with bounds: a template can neither run forever nor fill the memory.

Jinja's sandbox keeps templates from Python's internals and bounds `range`. Here each turn of a loop, call, filter and
test is a step, and so is every part of a value that it goes through: rendering takes at most STEPS of them, which the
request's budget is charged too. What would be large is not made: sizes are known before (`sizes.py`). What is random
(`lipsum`, `random`) is left out, so that equal requests get equal answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache, wraps
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from fake_server.scripts import sizes
from fake_server.scripts.sizes import MOST, TooMuch
from fake_server.wire.budget import spend

STEPS = 100_000
"""Turns of loops, calls, and a few hundred characters that are read or made each, that one template may take."""
_TAGS = re.compile(r"\{[{%](?:[^%}]++|[%}](?!\}))*+")
_BITS = 10_000
LONGEST_CODE = 50_000
"""Characters between braces in one template: reading them takes time and memory."""
_SHALLOW = frozenset((
    "length", "count", "first", "last", "default", "d", "attr", "items", "list", "map", "select", "reject",
    "selectattr", "rejectattr", "batch", "slice", "reverse",
))  # fmt: skip
"""Filters that look at the outermost part of a value only."""
_PASSED = (jinja2.Environment, nodes.EvalContext, Context)
"""What Jinja passes to some filters before their values."""
STEP = 5
"""Steps of the request's budget for one of a template's."""
_left: ContextVar[int] = ContextVar("_left", default=STEPS)


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


def _step(steps: int = 1) -> None:
    left = _left.get() - steps
    if left < 0:
        raise TooMuch(f"takes more than {STEPS:,} steps")
    _left.set(left)
    spend(steps * STEP, "a template")


def _counted(items: Iterable[Any], more: int = 0) -> Iterator[Any]:
    """The items, each a step and `more`."""
    for item in items:
        _step(1 + more)
        yield item


def _read(value: Any) -> Any:
    """The value, once it is counted that all of it is gone through: compared, written, or searched."""
    if isinstance(value, str | bytes):
        if len(value) >= sizes.CHARACTERS:
            _step(len(value) // sizes.CHARACTERS)
    elif isinstance(value, list | tuple | dict | range):
        sizes.weigh(value, _step)
    return value


def _whole(value: Any) -> Any:
    """The value, or the list of what an iterator gives: how large it is, is to be known."""
    return list(value) if isinstance(value, Iterator) and not isinstance(value, LoopContext) else value


def _read_outside(value: Any) -> None:
    """Count the outermost part of a value."""
    if isinstance(value, str | bytes | list | tuple | dict | range):
        _step(sizes.steps_of(value))


def _made(value: Any) -> Any:
    """The value that a filter or a call gave, within bounds; what it makes one by one is counted one by one."""
    if isinstance(value, Iterator) and not isinstance(value, LoopContext):
        return _counted(value)
    sizes.too_large(value)
    _read_outside(value)
    return value


def _finalize(value: Any) -> Any:
    """What is written by a template: counted as it becomes text."""
    return _read(value)


def _bounded(name: str, filter_: Any) -> Callable[..., Any]:
    @wraps(filter_)
    def bounded(*given: Any, **named: Any) -> Any:
        _step()
        before = 1 if given and isinstance(given[0], _PASSED) else 0
        values = given[before:]
        sizes.check_widths((*values[1:], *named.values()))
        if name not in _SHALLOW:
            values = tuple(map(_whole, values))
        for value in (*values, *named.values()):
            (_read_outside if name in _SHALLOW else _read)(value)
        sizes.check_filter(name, values, named, _step)
        return _made(filter_(*given[:before], *values, **named))

    return bounded


def _format(form: str, *given: Any, **named: Any) -> str:
    """Jinja's filter `format`, whose result has bounds."""
    return _printf(form, named or given)


def _printf(form: str, given: Any) -> str:
    sizes.check_printf(form, given, _step)
    return str(_made(form % given))


def _joined(parts: Iterable[Any]) -> str:
    """What `~` makes."""
    texts = [str(_read(part)) for part in parts]
    sizes.check_size(sum(map(len, texts)))
    return str(_made("".join(texts)))


class Missing(jinja2.StrictUndefined):
    """A missing value: false in a condition, an error anywhere else."""

    __slots__ = ()
    __bool__ = jinja2.Undefined.__bool__  # type: ignore[assignment]


class _Measuring(NodeTransformer):
    """Puts a filter around what a loop runs over, what is compared, sliced or a key, and in place of every `~`."""

    def visit_For(self, node: nodes.For) -> nodes.For:
        self.generic_visit(node)
        written = sum(len(data.data) for data in node.find_all(nodes.TemplateData))
        more = [nodes.Const(written // sizes.CHARACTERS)]
        node.iter = nodes.Filter(node.iter, "_counted", more, [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:
        self.generic_visit(node)
        parts = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(parts, "_joined", [], [], None, None, lineno=node.lineno)

    def visit_Compare(self, node: nodes.Compare | nodes.Operand) -> nodes.Compare | nodes.Operand:
        self.generic_visit(node)
        node.expr = _reading(node.expr)
        return node

    visit_Operand = visit_Compare

    def visit_Pair(self, node: nodes.Pair) -> nodes.Pair:
        self.generic_visit(node)
        node.key = _reading(node.key)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Getitem:
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _reading(node.node, "_outside")
        elif not isinstance(node.arg, nodes.Const):
            node.arg = _reading(node.arg)
        return node


def _reading(node: nodes.Expr, filter_: str = "_read") -> nodes.Expr:
    if isinstance(node, nodes.Const):
        return node
    return nodes.Filter(node, filter_, [], [], None, None, lineno=node.lineno)


def _outside(value: Any) -> Any:
    _read_outside(value)
    return value


class Bounded(ImmutableSandboxedEnvironment):
    """The environment of scripts: an undefined name is an error, nothing is escaped."""

    intercepted_binops = frozenset(("+", "*", "**", "%"))

    def __init__(self) -> None:
        super().__init__(undefined=Missing, autoescape=False, finalize=_finalize)
        self.globals = {name: self.globals[name] for name in ("range", "dict", "namespace", "joiner", "cycler")}
        allowed = {name: each for name, each in self.filters.items() if name not in ("random", "format")}
        self.filters = {name: _bounded(name, each) for name, each in {**allowed, "format": _format}.items()}
        self.filters |= {"_counted": _counted, "_joined": _joined, "_read": _read, "_outside": _outside}
        self.tests = {name: _bounded("", each) for name, each in self.tests.items()}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """Parse a template; its loops are counted and its values are bounded."""
        _check_code(source)
        tree: nodes.Template = _Measuring().visit(super()._parse(source, name, filename))
        return tree

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """`str.format` and `str.format_map` with a formatter that counts what it writes."""
        wrapped = super().wrap_str_format(value)
        return None if wrapped is None else sizes.formatting(self, value, _read)

    def call(self, *given: Any, **named: Any) -> Any:
        """Call something for a template: (context, what, …). A step; what is given and made is counted."""
        _step()
        what, values = given[1], given[2:]
        if isinstance(what, LoopContext):
            return _made(super().call(*given[:2], _counted(values[0]), *values[1:], **named))
        of = getattr(what, "__self__", None)
        if isinstance(of, sizes.BUILT_IN):
            values = tuple(map(_whole, values))
            for value in (of, *values, *named.values()):
                _read(value)
            sizes.check_widths((*values, *named.values()))
            sizes.check_method(of, getattr(what, "__name__", ""), values, named, _step)
        return _made(super().call(*given[:2], *values, **named))

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
                if isinstance(times, int) and isinstance(several, str | bytes | list | tuple):
                    sizes.check_size(len(several) * times)
        return _made(super().call_binop(context, operator, left, right))


def _check_code(source: str) -> None:
    """Count what it costs to read a template, all of whose code stands between braces. Raises TooMuch for long code."""
    code = sum(len(tag) for tag in _TAGS.findall(source)) if "{{" in source or "{%" in source else 0
    if code > LONGEST_CODE:
        raise TooMuch(f"has more than {LONGEST_CODE:,} characters of code")
    spend(10 * code + len(source) // 1000, "reading its templates")


ENVIRONMENT = Bounded()


@lru_cache(maxsize=256)
def _compiled(text: str) -> jinja2.Template:
    return ENVIRONMENT.from_string(text)
