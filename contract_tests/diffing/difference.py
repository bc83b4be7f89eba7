"""The nouns of a comparison: two sides, and their differences with place, both forms and a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from contract_tests.diffing.verdicts import Role, Verdict
from contract_tests.rules.engine.view import View

__all__ = ["Comparison", "Difference", "Kind", "Role", "Side"]


class Kind(StrEnum):
    """What a difference is about; one of timing alone leaves two replies the same."""

    SHAPE = "shape"
    ORDER = "order"
    FRAMING = "framing"
    TIMING = "timing"


@dataclass(frozen=True)
class Side:
    """One reply to compare, and whose it is."""

    view: View
    role: Role = Role.OTHER

    @property
    def label(self) -> str:
        """The recording, or the case with its part."""
        return self.view.exchange.label


@dataclass(frozen=True)
class Difference:
    """One thing that A has in one form and B in another.

    `where` is a path of the JSON (`choices[].message.refusal`) or names a part of the message (`header
    content-type`). `verdict` is None but for shapes.
    """

    kind: Kind
    where: str
    a: str
    b: str
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Comparison:
    """What was found between two sides; `unknown` says what could not be compared, and who does not tell."""

    a: str
    b: str
    differences: tuple[Difference, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether shape, order and framing are the same."""
        return all(one.kind is Kind.TIMING for one in self.differences)
