"""Match regular expressions from outside (scripts, JSON Schemas) in time linear in the text.

Python's `re` can take exponential time on a hostile pattern and cannot be interrupted. pydantic's core
includes the Rust regex engine, which supports neither look-around nor back-references and is linear.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import SchemaError


def find_problem(pattern: str) -> str | None:
    """Why the pattern cannot be used, in a few words, or None if it can."""
    try:
        _compile_theirs(pattern)
    except SchemaError as error:
        return str(error).strip().splitlines()[-1].strip().removeprefix("error: ").removeprefix("SchemaError: ")
    return None


def search(pattern: str, text: str, *, ours: bool = False) -> bool:
    """Whether the pattern matches anywhere in the text; False for a pattern that cannot be used.

    Patterns of scripts (`ours`) get a much larger cache than those of requests: a compiled pattern takes up
    to 10 MB, and a request may bring any.
    """
    try:
        (_compile_ours if ours else _compile_theirs)(pattern).validate_python(text)
    except (SchemaError, ValidationError):
        return False
    return True


def _compile(pattern: str) -> TypeAdapter[str]:
    return TypeAdapter(Annotated[str, Field(pattern=pattern)])


_compile_theirs = lru_cache(maxsize=64)(_compile)
_compile_ours = lru_cache(maxsize=4096)(_compile)
