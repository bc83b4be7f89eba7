"""Which of many scripts may match a request, found without trying each.

Every script is filed under one thing that a request must have for it: a text that a message equals, three
letters of a text that a message contains, a tool, a model. A request is looked up by what it has; scripts
that need none of these are always tried.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from fake_server import asked
from fake_server.asking import Asking
from fake_server.script_model import Script
from fake_server.script_when import TextTest, When

FEW = 8
"""So few scripts are tried one by one sooner than looked up."""
GRAM = 3
Key = tuple[str, str]


class ScriptIndex:
    """Finds the candidates among scripts; they come in the scripts' order."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        self._scripts = scripts
        self._always: list[int] = []
        self._filed: dict[Key, list[int]] = {}
        if len(scripts) <= FEW:
            self._always = list(range(len(scripts)))
            return
        needs = [tuple(_needs(script.when)) for script in scripts]
        common = Counter(key for keys in needs for key in set(keys))
        for index, keys in enumerate(needs):
            if keys:
                self._filed.setdefault(min(keys, key=lambda key: common[key]), []).append(index)
            else:
                self._always.append(index)
        self._kinds = {kind for kind, _ in self._filed}

    def candidates(self, asking: Asking) -> Iterable[Script]:
        """The scripts that may match this request, and no others' matches are missing."""
        if not self._filed:
            return (self._scripts[index] for index in self._always)
        found = set(self._always)
        for key in _has(asking, self._kinds):
            found.update(self._filed.get(key, ()))
        return (self._scripts[index] for index in sorted(found))


def _needs(when: When) -> Iterator[Key]:
    """What a request must have for these conditions, each enough to file the script under."""
    if when.messages is not None:
        texts = when.messages
        for test in (texts.last, texts.user, texts.any, texts.first, texts.system):
            yield from () if test is None else _texts(test)
    if when.tools is not None:
        yield from (("tool", name) for name in when.tools.include)
    if when.model is not None and when.model.exact is not None:
        yield "model", when.model.exact


def _texts(test: TextTest) -> Iterator[Key]:
    if test.equals is not None:
        yield "equals", test.equals
    for part in test.contains:
        yield from (("contains", gram) for gram in _grams(part.casefold()))


def _has(asking: Asking, kinds: set[str]) -> Iterator[Key]:
    yield "model", asking.model
    if "tool" in kinds:
        yield from (("tool", tool.name) for tool in asked.tools(asking.body))
    for said in asking.messages:
        yield "equals", said.text
        if "contains" in kinds:
            yield from (("contains", gram) for gram in _grams(said.folded))


def _grams(text: str) -> set[str]:
    return {text[start : start + GRAM] for start in range(len(text) - GRAM + 1)}
