"""Regular expressions from outside (scripts, JSON Schemas), matched in time linear in the text.

Python's `re` can take exponential time on a hostile pattern and cannot be interrupted. pydantic's core
carries the Rust engine, which has neither look-around nor back-references, and no such patterns.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import SchemaError


def find_problem(pattern: str) -> str | None:
    """Why the pattern cannot be used, in a few words; None when it can."""
    try:
        _compile_theirs(pattern)
    except SchemaError as error:
        return (
            str(error).strip().splitlines()[-1].strip().removeprefix("error: ").removeprefix("SchemaError: ")
        )
    return None


def search(pattern: str, text: str, *, ours: bool = False) -> bool:
    """Whether the pattern occurs anywhere in the text; False for a pattern that cannot be used.

    Many more of our own are kept ready: a compiled one takes up to 10 MB, and a request may bring any.
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
