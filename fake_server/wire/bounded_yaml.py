"""YAML within bounds: whatever a document says, reading it takes memory and time in proportion to the limits.

A few lines of nested aliases stand for gigabytes, so an alias counts as what it expands to; so do merge keys, whose
values are aliases. Documents are composed without recursion, because libyaml's own composer overflows the stack at
some 10,000 levels. Numbers are short, because a sexagesimal of a megabyte takes hours to become an integer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""PyYAML's safe loader on libyaml, where that is installed."""
LONGEST_NUMBER = 4300
"""Digits; Python reads no longer integers from JSON either."""
SHORT = 256 * 1024
"""Characters that PyYAML's own parser reads in about a second."""
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


@dataclass(frozen=True)
class Limits:
    """Values and characters of all documents of a text, aliases expanded, and levels of nesting."""

    values: int
    characters: int
    depth: int


class TooMuch(yaml.MarkedYAMLError):
    """A document reaches a limit; `problem` says which, `problem_mark` where."""


@dataclass
class _Open:
    """A list or mapping that is being composed; `values` and `characters` were counted before it."""

    node: Any
    anchor: str | None
    values: int
    characters: int
    key: Any = None
    height: int = 0


@dataclass
class _Anchored:
    """A node that an alias may name, and what it expands to; None while it is being composed."""

    node: Any
    mark: Any
    size: tuple[int, int, int] | None = None
    """Values, characters and levels."""


@dataclass
class _Composition:
    """Composes one document from a loader's events."""

    loader: Any
    limits: Limits
    values: int = 0
    characters: int = 0
    open: list[_Open] = field(default_factory=list)
    anchored: dict[str, _Anchored] = field(default_factory=dict)
    root: Any = None

    def compose(self) -> Any:
        """The root node, None for an empty document."""
        while True:
            event = self.loader.get_event()
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._begin(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._end(event)
            elif isinstance(event, yaml.DocumentEndEvent):
                return self.root

    def _scalar(self, event: Any) -> None:
        tag = event.tag
        if tag is None or tag == "!":
            tag = self.loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        if tag in _NUMBERS and len(event.value) > LONGEST_NUMBER:
            raise TooMuch(problem=f"a number of {len(event.value):,} digits", problem_mark=event.start_mark)
        node = yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark, style=event.style)
        self._count(1, len(event.value), 0, event)
        if event.anchor is not None:
            self._anchor(event.anchor, node, event).size = (1, len(event.value), 0)
        self._add(node, 0)

    def _alias(self, event: Any) -> None:
        anchored = self.anchored.get(event.anchor)
        if anchored is None:
            raise yaml.composer.ComposerError(None, None, f"found undefined alias {event.anchor!r}", event.start_mark)
        if anchored.size is None:
            raise TooMuch(problem=self._too_deep, problem_mark=event.start_mark)
        values, characters, height = anchored.size
        self._count(values, characters, height, event)
        self._add(anchored.node, height)

    def _begin(self, event: Any) -> None:
        kind = yaml.SequenceNode if isinstance(event, yaml.SequenceStartEvent) else yaml.MappingNode
        tag = event.tag
        if tag is None or tag == "!":
            tag = self.loader.resolve(kind, None, event.implicit)
        node = kind(tag, [], event.start_mark, None, flow_style=event.flow_style)
        self.open.append(_Open(node, event.anchor, self.values, self.characters))
        self._count(1, 0, 0, event)
        if event.anchor is not None:
            self._anchor(event.anchor, node, event)

    def _end(self, event: Any) -> None:
        done = self.open.pop()
        done.node.end_mark = event.end_mark
        if done.anchor is not None:
            size = (self.values - done.values, self.characters - done.characters, done.height)
            self.anchored[done.anchor].size = size
        self._add(done.node, done.height)

    def _anchor(self, name: str, node: Any, event: Any) -> _Anchored:
        if name in self.anchored:
            first = self.anchored[name].mark.line + 1
            problem = f"the anchor {name!r} stands at line {first} too"
            raise yaml.composer.ComposerError(None, None, problem, event.start_mark)
        self.anchored[name] = _Anchored(node, event.start_mark)
        return self.anchored[name]

    def _add(self, node: Any, height: int) -> None:
        """Put a finished node into the list or mapping around it."""
        if not self.open:
            self.root = node
            return
        around = self.open[-1]
        around.height = max(around.height, height + 1)
        if isinstance(around.node, yaml.SequenceNode):
            around.node.value.append(node)
        elif around.key is None:
            around.key = node
        else:
            around.node.value.append((around.key, node))
            around.key = None

    def _count(self, values: int, characters: int, height: int, event: Any) -> None:
        self.values += values
        self.characters += characters
        if len(self.open) + height > self.limits.depth:
            raise TooMuch(problem=self._too_deep, problem_mark=event.start_mark)
        for number, most, of in (
            (self.values, self.limits.values, "values"),
            (self.characters, self.limits.characters, "characters"),
        ):
            if number > most:
                problem = f"more than {most:,} {of}, aliases counted as what they stand for: split the file"
                raise TooMuch(problem=problem, problem_mark=event.start_mark)

    @property
    def _too_deep(self) -> str:
        return f"nested more than {self.limits.depth} levels deep"


class Bounded:
    """Mixed into a loader of PyYAML, before it: documents are composed within `limits`. Raises TooMuch."""

    limits: Limits

    counted = (0, 0)
    """Values and characters of the documents before: the limits are those of the whole stream."""

    def check_node(self: Any) -> bool:
        """Whether there is a document, or another one."""
        if self.check_event(yaml.StreamStartEvent):
            self.get_event()
        return not self.check_event(yaml.StreamEndEvent)

    def get_node(self: Any) -> Any:
        """The root node of the next document."""
        self.get_event()
        composition = _Composition(self, self.limits, *self.counted)
        node = composition.compose()
        self.counted = (composition.values, composition.characters)
        return node

    def get_single_node(self: Any) -> Any:
        """The root node of the only document, None for an empty stream."""
        node = self.get_node() if self.check_node() else None
        if self.check_node():
            raise yaml.composer.ComposerError(
                "expected a single document", None, "but found another document", self.peek_event().start_mark
            )
        self.get_event()
        return node

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """The value of a node. Raises ConstructorError for a text that is no value of its tag (`!!int ''`)."""
        try:
            return super().construct_object(node, deep)  # type: ignore[misc]
        except (ValueError, LookupError, AttributeError, TypeError, ArithmeticError) as error:
            text, tag = str(node.value)[:40], str(node.tag).removeprefix("tag:yaml.org,2002:")[:40]
            why = f" ({str(error)[:60]})" if type(error) is ValueError else ""
            problem = f"{text!r} with the tag {tag!r} cannot be read{why}: put quotes around it"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error


def better(error: yaml.MarkedYAMLError, text: str) -> yaml.MarkedYAMLError:
    """The same mistake in the words of PyYAML's own parser, which says what it got; the error itself for long texts."""
    if isinstance(error, (TooMuch, yaml.constructor.ConstructorError)) or len(text) > SHORT:
        return error
    try:
        for _ in yaml.parse(text, yaml.SafeLoader):
            pass
    except yaml.MarkedYAMLError as other:
        return other
    return error


class BoundedLoader(Bounded, FAST):  # type: ignore[misc]
    """A safe loader that is fast; `better` says what its messages leave out."""
