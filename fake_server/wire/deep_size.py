"""How many bytes a value takes in this process, with everything it is made of."""

from __future__ import annotations

from collections import deque
from enum import Enum
from sys import getsizeof
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

_SHARED = (type, ModuleType, BuiltinFunctionType, Enum, bool, type(None))


def deep_size(value: Any) -> int:
    """Bytes that Python holds for a value and all it refers to, but classes and modules; each object once."""
    seen: set[int] = set()
    waiting, size = [value], 0
    while waiting:
        item = waiting.pop()
        if isinstance(item, _SHARED) or id(item) in seen:
            continue
        seen.add(id(item))
        size += getsizeof(item)
        if isinstance(item, dict):
            waiting += item.keys()
            waiting += item.values()
        elif isinstance(item, list | tuple | set | frozenset | deque):
            waiting += item
        elif isinstance(item, FunctionType):
            waiting += (cell.cell_contents for cell in item.__closure__ or ())
        elif not isinstance(item, str | bytes | int | float):
            members = getattr(item, "__dict__", {})
            waiting += members.values()  # the names are the class's
            size += getsizeof(members) + getsizeof(getattr(item, "__pydantic_fields_set__", None))
            waiting += (getattr(item, "__pydantic_private__", None) or {}).values()
    return size
