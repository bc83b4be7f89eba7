"""Shape: which members replies have and in which forms, read from all documents of a reply together.

A stream's chunks are one shape: how its text is cut into chunks decides in how many of them a member of
`delta` stands, so there only its forms count. Elsewhere "in some" and "in all" are told apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from contract_tests.diffing.difference import Difference, Kind, Side
from contract_tests.diffing.forms import describe_value, format_path
from contract_tests.diffing.sdk_types import ITEM, Path, Types
from contract_tests.diffing.verdicts import Opinion, decide

ABSENT = "absent"
MAX_PATHS = 5_000
"""Different paths that are read of one reply; who sends more names data, not members."""
_WORST_LAST = list(Opinion)


@dataclass
class Member:
    """What stands at one path: each form with the first value of it, and how often it was there."""

    forms: dict[str, Any] = field(default_factory=dict)
    present: int = 0


@dataclass
class Shape:
    """The members of some documents by path, and how many objects or arrays stand at each path."""

    types: Types
    model: str | None = None
    members: dict[Path, Member] = field(default_factory=dict)
    parents: Counter[Path] = field(default_factory=Counter)

    def add(self, value: Any, path: Path = ()) -> None:
        """Take in a value and all below it, names that are data aside."""
        if isinstance(value, dict) and not self.types.is_map(path):
            self.parents[path] += 1
            for name, inner in value.items():
                self._note((*path, str(name)), inner)
        elif isinstance(value, list):
            self.parents[path] += 1
            for inner in value:
                self._note((*path, ITEM), inner)

    def _note(self, path: Path, value: Any) -> None:
        if path not in self.members and len(self.members) >= MAX_PATHS:
            return
        member = self.members.setdefault(path, Member())
        member.present += 1
        member.forms.setdefault(describe_value(path, value, self.types, self.model), value)
        self.add(value, path)

    def share(self, path: Path) -> str:
        """'never', 'some' or 'always': in how many of the objects the member stands."""
        member = self.members.get(path)
        if member is None:
            return "never"
        counted = path[-1] != ITEM and "delta" not in path
        return "some" if counted and member.present < self.parents[path[:-1]] else "always"


def read(documents: Iterable[Any], types: Types, model: str | None = None) -> Shape:
    """The shape of some documents. `model` is the name that was asked for."""
    shape = Shape(types, model)
    for document in documents:
        shape.add(document)
    return shape


def differences(a: Side, of_a: Shape, b: Side, of_b: Shape, name: str = "") -> Iterator[Difference]:
    """Each path at which the shapes differ, the topmost one where whole objects are missing.

    `name` says of which documents a path speaks, where that is not plain.
    """
    for path in dict.fromkeys((*of_a.members, *of_b.members)):
        if not (of_a.parents[path[:-1]] and of_b.parents[path[:-1]]):
            continue  # told of the parent
        forms_a, forms_b = _forms(of_a, path), _forms(of_b, path)
        share_a, share_b = of_a.share(path), of_b.share(path)
        if path[-1] == ITEM and "never" in (share_a, share_b):
            continue  # an empty array says nothing of its items
        if _says_the_same(forms_a, forms_b, share_a, share_b, of_a, of_b, path):
            continue
        told_a, told_b = _told(forms_a, share_a, share_b), _told(forms_b, share_b, share_a)
        opinions = (
            _opinion(of_a, path, forms_a - forms_b or forms_a, share_a, share_b),
            _opinion(of_b, path, forms_b - forms_a or forms_b, share_b, share_a),
        )
        verdict = decide(a.role, opinions[0], b.role, opinions[1])
        where = f"{name}{format_path(path)}" if name else format_path(path)
        yield Difference(Kind.SHAPE, where, told_a, told_b, verdict)


def _forms(shape: Shape, path: Path) -> set[str]:
    member = shape.members.get(path)
    return set(member.forms) if member else set()


def _says_the_same(
    forms_a: set[str], forms_b: set[str], share_a: str, share_b: str, of_a: Shape, of_b: Shape, path: Path
) -> bool:
    """Equal, or one of both had but one chance to show what the other shows over many."""
    if forms_a == forms_b and share_a == share_b:
        return True
    once = 1 in (of_a.parents[path[:-1]], of_b.parents[path[:-1]])
    several = of_a.parents[path[:-1]] != of_b.parents[path[:-1]]
    return once and several and bool(forms_a and forms_b) and (forms_a <= forms_b or forms_b <= forms_a)


def _told(forms: set[str], share: str, other: str) -> str:
    if share == "never":
        return ABSENT
    text = " or ".join(sorted(forms, key=lambda one: (one == "null", one)))
    return f"{text}, not in all" if share == "some" and other == "always" else text


def _opinion(shape: Shape, path: Path, forms: set[str], share: str, other: str) -> Opinion | None:
    """The worst of what the types say of these forms, and of the absence where the other side has it more."""
    member = shape.members.get(path)
    found = [shape.types.of_value(path, member.forms[one]) for one in forms] if member else []
    order = ("never", "some", "always")
    if order.index(share) < order.index(other) or not found:
        found.append(shape.types.of_absence(path))
    known = [one for one in found if one is not None]
    return max(known, key=_WORST_LAST.index) if len(known) == len(found) else None
