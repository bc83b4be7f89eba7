"""Match regular expressions from outside (scripts, JSON Schemas) in time linear in the text.

Python's `re` can take exponential time on a hostile pattern and cannot be interrupted. pydantic's core
includes the Rust regex engine, which supports neither look-around nor back-references and is linear.
"""

from __future__ import annotations

import time
from functools import lru_cache
from itertools import count
from typing import TypeAlias

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

from fake_server.wire.budget import spend
from fake_server.wire.text import shorten

Compiled: TypeAlias = tuple[SchemaValidator, int]
"""A compiled pattern, and how many microseconds that took: they tell its size, as nothing else does."""
_QUICK, _LARGE = 1000, 2000
"""Microseconds from which on a search costs by the size of the pattern too, and from which on it is large."""
_MOST_KEPT, _OTHERS = 200_000, 100
"""Microseconds of compiling whose patterns may be kept in memory (some 20 MB), and patterns that push them out."""
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
        compiled, steps = (_ours if ours else _theirs)(pattern)
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
        spend(steps, f"the pattern {shorten(pattern, 60)!r}")
    if steps > _QUICK:
        _push_out(steps)
        if len(_dear) >= _MOST_DEAR:
            _dear.clear()
        _dear.setdefault(pattern, steps)  # a second time it may be found ready
    return compiled, _dear.get(pattern, steps)


def _push_out(steps: int) -> None:
    """Compile small patterns once large ones take too much memory: pydantic keeps the last ones, whoever uses them."""
    global _kept
    _kept += steps
    if _kept > _MOST_KEPT:
        _kept = 0
        for _ in range(_OTHERS):
            SchemaValidator(core_schema.str_schema(pattern=f"^{next(_numbers)}$"))


_kept = 0
_numbers = count()
_ours = lru_cache(maxsize=4096)(_compile)
_quick = lru_cache(maxsize=64)(_compile)
_dear: dict[str, int] = {}
"""How many microseconds patterns took that are large."""


def _theirs(pattern: str) -> Compiled:
    """Compile a pattern of a request. A large one is not kept."""
    if _dear.get(pattern, 0) > _LARGE:
        return _compile(pattern)
    compiled = _quick(pattern)
    if compiled[1] > _LARGE:
        _quick.cache_clear()
    return compiled
