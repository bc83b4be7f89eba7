"""Places in JSON: the JSONPath (RFC 9535) of a fault, what it finds, and how that is replaced."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from fake_server.wire.budget import spend


def _is_path(text: str) -> str:
    from jsonpath import JSONPathError  # it takes a while to import, and few faults have paths

    from fake_server.faults.jsonpath import compile_path

    spend(10, "its JSONPaths")
    try:
        compile_path(text)
    except JSONPathError as error:
        context = {"reason": str(error.message)}
        raise PydanticCustomError("jsonpath", "must be a JSONPath, {reason}", context) from None
    return text


Path = Annotated[str, Field(max_length=500), AfterValidator(_is_path)]
"""A JSONPath (RFC 9535)."""


def find_nodes(path: str, value: Any) -> list[Any]:
    """Find the nodes of a JSON value by a JSONPath; a path that cannot be followed finds none.

    A node has `value` and `parts`, the keys and indexes from the root, which `replace_at` takes. Replace several
    nodes from the last to the first, so that the locations of the others stay right.
    """
    from jsonpath import JSONPathError

    from fake_server.faults.jsonpath import compile_path

    try:
        return list(compile_path(path).finditer(value))
    except (JSONPathError, RecursionError):
        return []


def replace_at(document: Any, location: tuple[Any, ...], value: Any, drop: bool = False) -> Any:
    """Put a value at a location of a document, or remove what is there if `drop` is true; returns the document.

    The document is changed in place, but at the root `()` the value itself is returned. A location that is no longer
    there, because the same path found what is around it too, is passed over.
    """
    if not location:
        return value
    holder = document
    with suppress(KeyError, IndexError, TypeError):
        for step in location[:-1]:
            holder = holder[step]
        if drop:
            del holder[location[-1]]
        else:
            holder[location[-1]] = value
    return document
