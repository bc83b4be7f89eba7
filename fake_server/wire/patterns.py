"""Match regular expressions from outside (scripts, JSON Schemas) in time linear in the text.

Python's `re` can take exponential time on a hostile pattern and cannot be interrupted. pydantic's core
includes the Rust regex engine, which supports neither look-around nor back-references and is linear.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from functools import lru_cache
from itertools import count
from typing import TypeAlias

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

from fake_server.wire.budget import spend
from fake_server.wire.freed import give_back
from fake_server.wire.text import shorten

Compiled: TypeAlias = tuple[SchemaValidator, int]
"""A compiled pattern, and how many microseconds that took: they tell its size, as nothing else does."""
_LEAST, _QUICK, _LARGE = 50, 1000, 2000
"""Microseconds that a small pattern counts; from which on a search costs by its size; from which on it is large."""
_MOST_KEPT, _OTHERS = 50_000, 100
"""Microseconds of compiling whose patterns may be kept in memory (some 15 MB), and patterns that push them out."""
_SHORT, _MOST_DEAR = 200, 1000
"""Characters that are searched quickly whatever the pattern; large patterns whose sizes are remembered."""


def find_problem(pattern: str) -> str | None:
    """Why the pattern cannot be used, in a few words, or None if it can."""
    try:
        _theirs(pattern)
    except SchemaError as error:
        return str(error).strip().splitlines()[-1].strip().removeprefix("error: ").removeprefix("SchemaError: ")
    return None


def search(pattern: str, text: str, *, ours: bool = False) -> bool:
    """Whether the pattern matches anywhere in the text; False for a pattern that cannot be used.

    Patterns of scripts (`ours`) get a much larger cache than those of requests: a compiled pattern takes up
    to 10 MB, and a request may bring any.
    """
    try:
        compiled, steps = (_OF_SCRIPTS.compile if ours else _theirs)(pattern)
        if steps > _QUICK and len(text) > _SHORT:
            spend(steps * (len(text) - _SHORT) // 20, f"the search for {shorten(pattern, 60)!r}")
        compiled.validate_python(text)
    except (SchemaError, ValidationError):
        return False
    return True


def _compile(pattern: str) -> Compiled:
    began = time.thread_time()
    try:
        compiled = SchemaValidator(core_schema.str_schema(pattern=pattern))
    finally:
        steps = int((time.thread_time() - began) * 1e6)
        if steps > _QUICK:  # noted before it is spent: if that begins the work again, the pattern is found ready
            _push_out(steps)
            if len(_dear) >= _MOST_DEAR:
                _dear.clear()
            _dear.setdefault(pattern, steps)
        spend(steps, f"the pattern {shorten(pattern, 60)!r}")
    return compiled, _dear.get(pattern, steps)


def _push_out(steps: int) -> None:
    """Compile small patterns once large ones take too much memory: pydantic keeps the last ones, whoever uses them."""
    global _kept
    _kept += steps
    if _kept > _MOST_KEPT:
        _kept = 0
        for _ in range(_OTHERS):
            SchemaValidator(core_schema.str_schema(pattern=f"^{next(_numbers)}$"))
        give_back(at_once=True)


_kept = 0
_numbers = count()
_quick = lru_cache(maxsize=64)(_compile)
_dear: dict[str, int] = {}
"""How many microseconds patterns took that are large."""


class _Cache:
    """Compiled patterns, the last used last, which together took at most `most` microseconds to compile."""

    def __init__(self, most: int) -> None:
        self._most, self._held = most, 0
        self._lock = threading.Lock()
        self._compiled: OrderedDict[str, Compiled] = OrderedDict()

    def compile(self, pattern: str) -> Compiled:
        """The compiled pattern. Raises SchemaError."""
        with self._lock:
            found = self._compiled.get(pattern)
            if found is not None:
                self._compiled.move_to_end(pattern)
                return found
        made = _compile(pattern)
        with self._lock:
            if pattern not in self._compiled:
                self._compiled[pattern] = made
                self._held += max(made[1], _LEAST)
            while self._held > self._most:
                self._held -= max(self._compiled.popitem(last=False)[1][1], _LEAST)
        return made


_OF_SCRIPTS = _Cache(100_000)


def _theirs(pattern: str) -> Compiled:
    """Compile a pattern of a request. A large one is not kept."""
    if _dear.get(pattern, 0) > _LARGE:
        return _compile(pattern)
    compiled = _quick(pattern)
    if compiled[1] > _LARGE:
        _quick.cache_clear()
    return compiled
