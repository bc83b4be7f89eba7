"""An index of scripts, which finds those that may match a request without trying each.

Every script is filed under one thing that a request must have to match it: a text that a message equals,
three letters of a text that a message contains, a tool, a model, a header, a key, or a member of the body. A
request is looked up by what it has; scripts that need none of these are always tried.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from fake_server.api import chat_request
from fake_server.api.request import ApiRequest
from fake_server.scripts.conditions import messages_at, values_at
from fake_server.scripts.model import Script
from fake_server.scripts.when import MessagesTest, TextTest, ValueTest, When

FEW = 8
"""Up to this many scripts it is quicker to try each than to look them up."""
GRAM = 3
Drawer = tuple[str, str]
"""Where scripts are filed: a kind of need, and of which message, header or member."""
Need = tuple[Drawer, Any]


class ScriptIndex:
    """Finds the candidates among scripts, in the scripts' order."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        self._scripts = scripts
        self._always: list[int] = []
        self._drawers: dict[Drawer, dict[Any, list[int]]] = {}
        needs = [tuple(_needs(script.when)) for script in scripts]
        common = Counter(need for several in needs for need in set(several))
        for index, several in enumerate(needs):
            if several:
                drawer, value = min(several, key=lambda need: common[need])
                self._drawers.setdefault(drawer, {}).setdefault(value, []).append(index)
            else:
                self._always.append(index)

    def candidates(self, request: ApiRequest) -> Iterable[Script]:
        """The scripts that may match this request; every script that does match is among them."""
        found = set(self._always)
        for (kind, name), filed in self._drawers.items():
            for value in _HAS[kind](request, name):
                if value in filed:
                    found.update(filed[value])
        return (self._scripts[index] for index in sorted(found))


def _needs(when: When) -> Iterator[Need]:
    """What a request must have to meet these conditions; the script can be filed under any one of them."""
    if when.messages is not None:
        for place in MessagesTest.model_fields:
            test = getattr(when.messages, place)
            yield from () if test is None else _texts(place, test)
    if when.tools is not None:
        yield from ((("tool", ""), name) for name in when.tools.include)
    if when.model is not None and when.model.exact is not None:
        yield ("model", ""), when.model.exact
    if when.key is not None:
        yield from _values("key", {"": when.key})
    yield from _values("header", when.headers)
    yield from _values("body", when.body)


def _texts(place: str, test: TextTest) -> Iterator[Need]:
    if test.equals is not None:
        yield ("equals", place), test.equals
    for part in test.contains:
        yield from ((("contains", place), gram) for gram in _grams(part.casefold()))


def _values(kind: str, tests: dict[str, ValueTest]) -> Iterator[Need]:
    for name, test in tests.items():
        if isinstance(test.equals, str | int | float) and test.exists is not False:
            yield (kind, name), test.equals


def _grams(text: str) -> set[str]:
    return {text[start : start + GRAM] for start in range(len(text) - GRAM + 1)}


_HAS: dict[str, Callable[[ApiRequest, str], Iterable[Any]]] = {
    "model": lambda request, _: (request.model,),
    "tool": lambda request, _: chat_request.offered_names(request.body),
    "key": lambda request, _: (request.key,),
    "header": lambda request, name: (request.headers.get(name),),
    "body": lambda request, path: (
        value for value in values_at(path, request.body) if isinstance(value, str | int | float)
    ),
    "equals": lambda request, place: (message.text for message in messages_at(request, place)),
    "contains": lambda request, place: (
        gram for message in messages_at(request, place) for gram in _grams(message.folded)
    ),
}
"""What a request has, by kind of need."""
