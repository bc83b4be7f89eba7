"""What is odd in a book of scripts though each can be read: those that can never answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fake_server.script_model import Script
from fake_server.script_when import ModelTest, TextTest, ToolsTest, When

FEW = 200
"""So few scripts are compared each with each; among more only those that match everything are looked for."""


def never_reached(scripts: Sequence[Script], *, thorough: bool = False) -> Iterator[str]:
    """For each script that another one before it always answers for, in words; scripts in trying order."""
    each = thorough or len(scripts) <= FEW
    before: list[Script] = []
    for later in scripts:
        for earlier in before:
            if implies(later.when, earlier.when):
                why = "matches every request" if earlier.when == When() else "matches all that it matches"
                yield (
                    f"{later.place}: {later.name!r} never answers: {earlier.name!r} ({earlier.place}) comes "
                    f"first and {why}"
                )
                break
        always = later.times is None and later.when.call is None
        if always and (each or later.when == When()):
            before.append(later)


def implies(narrow: When, wide: When) -> bool:
    """Whether every request that is `narrow` is certainly `wide` too; False where that is not certain."""
    for name in wide.model_fields_set:
        wanted, given = getattr(wide, name), getattr(narrow, name)
        if not wanted or wanted == given:
            continue
        if given is None or not _at_least(given, wanted):
            return False
    return True


def _at_least(narrow: Any, wide: Any) -> bool:
    """Whether a test lets through nothing that the other one does not."""
    if isinstance(wide, ModelTest) and isinstance(narrow, ModelTest):
        return _model(narrow, wide)
    if isinstance(wide, TextTest) and isinstance(narrow, TextTest):
        return _text(narrow, wide)
    if isinstance(wide, ToolsTest) and isinstance(narrow, ToolsTest):
        return set(wide.include) <= set(narrow.include)
    if isinstance(wide, dict) and isinstance(narrow, dict):
        return all(name in narrow and narrow[name] == test for name, test in wide.items())
    if type(wide) is type(narrow) and hasattr(wide, "model_fields_set"):
        parts = [(getattr(narrow, name), getattr(wide, name)) for name in wide.model_fields_set]
        return all(one == two or (one is not None and _at_least(one, two)) for one, two in parts)
    return False


def _model(narrow: ModelTest, wide: ModelTest) -> bool:
    if wide.regex is not None and wide.regex != narrow.regex:
        return False
    if wide.exact is not None and wide.exact != narrow.exact:
        return False
    begins = narrow.exact or narrow.prefix or ""
    return wide.prefix is None or begins.startswith(wide.prefix)


def _text(narrow: TextTest, wide: TextTest) -> bool:
    if wide.role not in (None, narrow.role) or wide.regex not in (None, narrow.regex):
        return False
    if wide.equals not in (None, narrow.equals):
        return False
    told = [part.casefold() for part in (*narrow.contains, narrow.equals or "")]
    return all(any(part.casefold() in one for one in told) for part in wide.contains)
