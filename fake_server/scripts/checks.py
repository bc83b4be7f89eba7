"""Scripts that are valid and still odd: those that can never answer, and replies that are never given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

from fake_server.api import chat_request
from fake_server.scripts.conditions import passes
from fake_server.scripts.model import Script
from fake_server.scripts.when import MessagesTest, ModelTest, TextTest, ToolsTest, ValueTest, When
from fake_server.wire import patterns

FEW = 200
"""Up to this many scripts, each pair is compared; among more, only scripts that match everything count."""


def oddities(scripts: Sequence[Script], *, thorough: bool = False) -> Iterator[str]:
    """Find scripts and replies that can never be used, each with its place; scripts in trying order."""
    for script in scripts:
        yield from (f"{script.place}: {script.name!r} {oddity}" for oddity in _oddities_of(script))
    each = thorough or len(scripts) <= FEW
    before: defaultdict[frozenset[str], list[Script]] = defaultdict(list)  # thousands of pairs are slow to compare
    for later in scripts:
        demanded = _demanded_headers(later.when)
        for earlier in chain.from_iterable(group for headers, group in before.items() if headers <= demanded):
            if later.endpoints <= earlier.endpoints and implies(later.when, earlier.when):
                why = "matches every request" if earlier.when == When() else "matches all that it matches"
                yield (
                    f"{later.place}: {later.name!r} never answers: {earlier.name!r} ({earlier.place}) comes "
                    f"first and {why}"
                )
                break
        always = later.times is None and later.when.call is None
        if always and (each or later.when == When()):
            before[demanded].append(later)


def _demanded_headers(when: When) -> frozenset[str]:
    """The header fields whose very value is asked for: a script that asks for more of them implies no other."""
    tests = when.headers.items()
    return frozenset(f"{name.lower()}: {test.equals!r}" for name, test in tests if "equals" in test.model_fields_set)


def _oddities_of(script: Script) -> Iterator[str]:
    """What is odd in one script by itself."""
    uses = 1 if script.when.call is not None else script.times
    if uses is not None and uses < len(script.replies):
        why = "waits for one call" if script.when.call is not None else f"answers {uses} times"
        yield f"never gives its reply {uses + 1}: it {why}"
    model = script.when.model
    if model is not None and model.exact is not None and not _model(model, model):
        yield "never answers: no model has this name and this prefix or pattern"
    for place in MessagesTest.model_fields:
        test = getattr(script.when.messages, place, None)
        if test is not None:
            yield from (f"never answers: messages.{place} {problem}" for problem in _contradictions(place, test))


def _contradictions(place: str, test: TextTest) -> Iterator[str]:
    roles = {"user": ("user",), "system": chat_request.SYSTEM_ROLES}.get(place)
    if roles and test.role not in (None, *roles):
        yield f"never has the role {test.role!r}"
    if test.equals is not None and not _text(test, test):
        yield "cannot equal this text and pass the other tests"


def implies(narrow: When, wide: When) -> bool:
    """Whether every request that meets `narrow` certainly meets `wide` too; False if that is not certain."""
    for name in wide.model_fields_set:
        wanted, given = getattr(wide, name), getattr(narrow, name)
        if not wanted or wanted == given:
            continue
        if given is None or not _at_least(given, wanted):
            return False
    return True


def _at_least(narrow: Any, wide: Any) -> bool:
    """Whether everything that passes the narrow test passes the wide one."""
    if type(wide) is not type(narrow):
        return False
    if type(wide) in _STRICTER:
        return _STRICTER[type(wide)](narrow, wide)
    if isinstance(wide, dict):
        return all(name in narrow and _at_least(narrow[name], test) for name, test in wide.items())
    if hasattr(wide, "model_fields_set"):
        parts = [(getattr(narrow, name), getattr(wide, name)) for name in wide.model_fields_set]
        return all(a == b or (a is not None and _at_least(a, b)) for a, b in parts)
    return False


def _messages(narrow: MessagesTest, wide: MessagesTest) -> bool:
    """Whether the test of each message is implied; one of `any` is by the test of any message."""
    for place in wide.model_fields_set:
        wanted = getattr(wide, place)
        tests = [getattr(narrow, name) for name in (MessagesTest.model_fields if place == "any" else (place,))]
        if wanted is not None and not any(test is not None and _text(test, wanted) for test in tests):
            return False
    return True


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
    known = [narrow.equals or ""] if narrow.equals is not None else list(narrow.contains)
    return all(any(part.casefold() in text.casefold() for text in known) for part in wide.contains)


def _value(narrow: ValueTest, wide: ValueTest) -> bool:
    if narrow == wide:
        return True
    if narrow.exists is False or wide.exists is False:
        return False
    if "equals" in narrow.model_fields_set:
        return passes(wide, narrow.equals)
    return wide.model_fields_set == {"exists"}


_STRICTER: dict[type, Callable[[Any, Any], bool]] = {
    ModelTest: _model,
    TextTest: _text,
    ToolsTest: lambda narrow, wide: set(wide.include) <= set(narrow.include),
    ValueTest: _value,
    MessagesTest: _messages,
}
