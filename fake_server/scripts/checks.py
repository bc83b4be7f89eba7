"""What is odd in a book of scripts though each can be read: what can never answer or never be said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fake_server.api import chat_request, patterns
from fake_server.scripts.conditions import fits
from fake_server.scripts.model import Script
from fake_server.scripts.when import MessagesTest, ModelTest, TextTest, ToolsTest, ValueTest, When

FEW = 200
"""So few scripts are compared each with each; among more only those that match everything are looked for."""


def oddities(scripts: Sequence[Script], *, thorough: bool = False) -> Iterator[str]:
    """What can never answer or never be said, each with its place; scripts in trying order."""
    for script in scripts:
        yield from (f"{script.place}: {script.name!r} {what}" for what in _alone(script))
    yield from never_reached(scripts, thorough=thorough)


def never_reached(scripts: Sequence[Script], *, thorough: bool = False) -> Iterator[str]:
    """For each script that another one before it always answers for, in words; scripts in trying order."""
    each = thorough or len(scripts) <= FEW
    before: list[Script] = []
    for later in scripts:
        for earlier in before:
            if later.endpoints <= earlier.endpoints and implies(later.when, earlier.when):
                why = "matches every request" if earlier.when == When() else "matches all that it matches"
                yield (
                    f"{later.place}: {later.name!r} never answers: {earlier.name!r} ({earlier.place}) comes "
                    f"first and {why}"
                )
                break
        always = later.times is None and later.when.call is None
        if always and (each or later.when == When()):
            before.append(later)


def _alone(script: Script) -> Iterator[str]:
    """What can never be in one script."""
    given = 1 if script.when.call is not None else script.times
    if given is not None and given < len(script.replies):
        why = "waits for one call" if script.when.call is not None else f"answers {given} times"
        yield f"never gives its reply {given + 1}: it {why}"
    model = script.when.model
    if model is not None and model.exact is not None and not _model(model, model):
        yield "never answers: no model has this name and this prefix or pattern"
    for place in MessagesTest.model_fields:
        test = getattr(script.when.messages, place, None)
        if test is not None:
            yield from (f"never answers: messages.{place} {what}" for what in _impossible(place, test))


def _impossible(place: str, test: TextTest) -> Iterator[str]:
    roles = {"user": ("user",), "system": chat_request.SYSTEM_ROLES}.get(place)
    if roles and test.role not in (None, *roles):
        yield f"has never the role {test.role!r}"
    if test.equals is not None and not _text(test, test):
        yield "is never equal to this text and fits the other tests"


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
    if isinstance(wide, ValueTest) and isinstance(narrow, ValueTest):
        return _value(narrow, wide)
    if isinstance(wide, MessagesTest) and isinstance(narrow, MessagesTest):
        return all(_messages(narrow, wide, place) for place in wide.model_fields_set)
    if isinstance(wide, dict) and isinstance(narrow, dict):
        return all(name in narrow and _at_least(narrow[name], test) for name, test in wide.items())
    if type(wide) is type(narrow) and hasattr(wide, "model_fields_set"):
        parts = [(getattr(narrow, name), getattr(wide, name)) for name in wide.model_fields_set]
        return all(one == two or (one is not None and _at_least(one, two)) for one, two in parts)
    return False


def _messages(narrow: MessagesTest, wide: MessagesTest, place: str) -> bool:
    """Whether this test of a message is passed; what any message must be, one that is tested may be."""
    wanted = getattr(wide, place)
    places = MessagesTest.model_fields if place == "any" else (place,)
    tests = [getattr(narrow, one) for one in places]
    return wanted is None or any(test is not None and _text(test, wanted) for test in tests)


def _model(narrow: ModelTest, wide: ModelTest) -> bool:
    if narrow.exact is not None:
        exact, prefix, regex = wide.exact or narrow.exact, wide.prefix or "", wide.regex or ""
        held = patterns.search(regex, narrow.exact)
        return exact == narrow.exact and narrow.exact.startswith(prefix) and held
    if wide.exact is not None or wide.regex not in (None, narrow.regex):
        return False
    return wide.prefix is None or (narrow.prefix or "").startswith(wide.prefix)


def _text(narrow: TextTest, wide: TextTest) -> bool:
    if wide.role not in (None, narrow.role) or wide.equals not in (None, narrow.equals):
        return False
    if wide.regex is not None and not (
        narrow.regex == wide.regex if narrow.equals is None else patterns.search(wide.regex, narrow.equals)
    ):
        return False
    if not _at_least(narrow.json_, wide.json_):
        return False
    told = [narrow.equals or ""] if narrow.equals is not None else list(narrow.contains)
    return all(any(part.casefold() in one.casefold() for one in told) for part in wide.contains)


def _value(narrow: ValueTest, wide: ValueTest) -> bool:
    if narrow == wide:
        return True
    if narrow.exists is False or wide.exists is False:
        return False
    if "equals" in narrow.model_fields_set:
        return fits(wide, narrow.equals)
    return wide.model_fields_set == {"exists"}
