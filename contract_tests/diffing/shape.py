"""Shape: which members replies have and in which forms, over all documents of a reply.

The chunks of a stream have one shape. How many of them have a member of `delta` depends on how the text is
split into chunks, so only the forms of such members count. Elsewhere "in some" and "in all" are
distinguished.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from contract_tests.diffing.difference import Difference, Kind, Side
from contract_tests.diffing.forms import ABSENT, describe_value, format_path
from contract_tests.diffing.sdk_types import ITEM, Path, Types
from contract_tests.diffing.verdicts import Opinion, decide

MAX_PATHS = 5_000
"""Different paths that are examined in one reply; in one with more, names are data and not members."""
_MIXED = (("output", ITEM), ("tools", ITEM))
"""Objects of several types in one list of a Response: which of them have a member depends on which there are."""
_WORST_LAST = list(Opinion)


@dataclass
class Member:
    """The values at one path: each form with the first value of it, and how often the member was present."""

    forms: dict[str, Any] = field(default_factory=dict)
    present: int = 0


@dataclass
class Shape:
    """The members of some documents by path, and how many objects or arrays are at each path."""

    types: Types
    model: str | None = None
    members: dict[Path, Member] = field(default_factory=dict)
    parents: Counter[Path] = field(default_factory=Counter)

    def add(self, value: Any, path: Path = ()) -> None:
        """Add a value and everything below it, except names that are data."""
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

    def forms(self, path: Path) -> dict[str, Any]:
        """The forms of the member at `path`, none if it is absent."""
        return self.members[path].forms if path in self.members else {}

    def share(self, path: Path) -> str:
        """'never', 'some' or 'always': how many of the objects have the member."""
        if path not in self.members:
            return "never"
        counted = path[-1] != ITEM and "delta" not in path
        return "some" if counted and self.members[path].present < self.parents[path[:-1]] else "always"


def read(documents: Iterable[Any], types: Types, model: str | None = None) -> Shape:
    """The shape of some documents. `model` is the requested model."""
    shape = Shape(types, model)
    for document in documents:
        shape.add(document)
    return shape


def differences(a: Side, of_a: Shape, b: Side, of_b: Shape, name: str = "") -> Iterator[Difference]:
    """Each path at which the shapes differ; for a missing object, only its own path.

    `name` is a prefix for the paths that says which documents they belong to.
    """
    for path in dict.fromkeys((*of_a.members, *of_b.members)):
        if not (of_a.parents[path[:-1]] and of_b.parents[path[:-1]]):
            continue  # reported of the parent
        forms_a, forms_b = set(of_a.forms(path)), set(of_b.forms(path))
        share_a, share_b = of_a.share(path), of_b.share(path)
        if path[-1] == ITEM and "never" in (share_a, share_b):
            continue  # an empty array says nothing about its items
        if path[:2] in _MIXED and share_a != share_b:
            continue  # items of other types have other members
        if _are_equivalent(forms_a, forms_b, share_a, share_b, of_a, of_b, path):
            continue
        text_a, text_b = _format_forms(forms_a, share_a, share_b), _format_forms(forms_b, share_b, share_a)
        opinions = (
            _opinion(of_a, path, forms_a - forms_b or forms_a, share_a, share_b),
            _opinion(of_b, path, forms_b - forms_a or forms_b, share_b, share_a),
        )
        verdict = decide(a.role, opinions[0], b.role, opinions[1])
        yield Difference(Kind.SHAPE, f"{name}{format_path(path)}", text_a, text_b, verdict)


def _are_equivalent(
    forms_a: set[str], forms_b: set[str], share_a: str, share_b: str, of_a: Shape, of_b: Shape, path: Path
) -> bool:
    """Equal, or one side has a single object, which cannot show all that several show."""
    if forms_a == forms_b and share_a == share_b:
        return True
    once = 1 in (of_a.parents[path[:-1]], of_b.parents[path[:-1]])
    several = of_a.parents[path[:-1]] != of_b.parents[path[:-1]]
    return once and several and bool(forms_a and forms_b) and (forms_a <= forms_b or forms_b <= forms_a)


def _format_forms(forms: set[str], share: str, other: str) -> str:
    if share == "never":
        return ABSENT
    text = " or ".join(sorted(forms, key=lambda form: (form == "null", form)))
    return f"{text}, not in all" if share == "some" and other == "always" else text


def _opinion(shape: Shape, path: Path, forms: set[str], share: str, other: str) -> Opinion | None:
    """The types' worst opinion of these forms, and of the absence if the other side has it more often."""
    opinions = [shape.types.of_value(path, shape.forms(path)[form]) for form in forms]
    order = ("never", "some", "always")
    if order.index(share) < order.index(other) or not opinions:
        opinions.append(shape.types.of_absence(path))
    known = [opinion for opinion in opinions if opinion is not None]
    return max(known, key=_WORST_LAST.index) if len(known) == len(opinions) else None
