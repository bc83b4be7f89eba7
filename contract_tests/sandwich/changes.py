"""How two JSON values differ: what was dropped, added and changed, with the path of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contract_tests.rules.engine.node import MISSING, Place, show
from fake_server.wire.jsontext import Path

WIDEST = 200
"""Characters of a value that are shown."""


@dataclass(frozen=True)
class Change:
    """A value on the way: `before` it and `after` it, MISSING where there was none."""

    path: Path
    before: Any
    after: Any

    @property
    def is_dropped(self) -> bool:
        """Whether it did not arrive, and was more than null."""
        return self.after is MISSING and self.before is not None

    @property
    def is_null_dropped(self) -> bool:
        """Whether a null did not arrive."""
        return self.after is MISSING and self.before is None

    @property
    def is_nothing_dropped(self) -> bool:
        """Whether something that says nothing did not arrive: null, an empty list or object."""
        return self.after is MISSING and (self.before is None or self.before in ([], {}))

    @property
    def is_added(self) -> bool:
        """Whether nobody sent it."""
        return self.before is MISSING

    @property
    def is_number(self) -> bool:
        """Whether a number arrived as another one."""
        return _is_number(self.before) and _is_number(self.after)

    @property
    def is_changed(self) -> bool:
        """Whether it arrived as another value that is no matter of a number's precision."""
        return self.before is not MISSING and self.after is not MISSING and not self.is_number

    @property
    def place(self) -> Place:
        """Where it is."""
        return Place(path=self.path)

    @property
    def shown(self) -> tuple[Place, str, str]:
        """The change as a complaint: where, what came, what was sent."""
        return self.place, show(self.after, WIDEST), show(self.before, WIDEST)


def changes(before: Any, after: Any) -> Iterator[Change]:
    """Every place at which two JSON values differ, in the order of the first.

    Numbers are the same if they are equal, so 1 and 1.0 are; 1 and true are not.
    """
    waiting: list[Change] = [Change((), before, after)]
    while waiting:
        pair = waiting.pop()
        left, right = pair.before, pair.after
        if isinstance(left, dict) and isinstance(right, dict):
            names = [*left, *(name for name in right if name not in left)]
            waiting += [
                Change((*pair.path, name), left.get(name, MISSING), right.get(name, MISSING))
                for name in reversed(names)
            ]
        elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
            items = list(enumerate(zip(left, right, strict=True)))
            waiting += [Change((*pair.path, at), here, there) for at, (here, there) in reversed(items)]
        elif not _same(left, right):
            yield pair


def reordered(before: Any, after: Any) -> Iterator[Change]:
    """The objects whose members stand in another order, in values that have the same members."""
    waiting: list[Change] = [Change((), before, after)]
    while waiting:
        pair = waiting.pop()
        left, right = pair.before, pair.after
        if isinstance(left, dict) and isinstance(right, dict):
            if list(left) != list(right) and left.keys() == right.keys():
                yield Change(pair.path, list(left), list(right))
            waiting += [Change((*pair.path, name), left[name], right[name]) for name in left if name in right]
        elif isinstance(left, list) and isinstance(right, list):
            pairs = enumerate(zip(left, right, strict=False))
            waiting += [Change((*pair.path, at), here, there) for at, (here, there) in pairs]


def _same(left: Any, right: Any) -> bool:
    if _is_number(left) and _is_number(right):
        return bool(left == right)
    return type(left) is type(right) and bool(left == right)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
