"""The types of a comparison: two sides, and their differences, each with place, both forms and a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from contract_tests.diffing.verdicts import Role, Verdict
from contract_tests.rules.engine.view import View

__all__ = ["Comparison", "Difference", "Kind", "Role", "Side"]


class Kind(StrEnum):
    """What a difference is about. Replies that differ in timing alone count as the same."""

    SHAPE = "shape"
    ORDER = "order"
    FRAMING = "framing"
    TIMING = "timing"


@dataclass(frozen=True)
class Side:
    """One reply to compare, and who sent it."""

    view: View
    role: Role = Role.OTHER

    @property
    def label(self) -> str:
        """The name of the recording, or of the case and its part."""
        return self.view.exchange.label


@dataclass(frozen=True)
class Difference:
    """One difference: what A has and what B has at the same place.

    `where` is a JSON path (`choices[].message.refusal`) or a part of the message (`header content-type`).
    `verdict` is None except for shapes; `rule` is the id of the rule that one of the two forms breaks, '' for none.
    """

    kind: Kind
    where: str
    a: str
    b: str
    verdict: Verdict | None = None
    rule: str = ""


@dataclass(frozen=True)
class Comparison:
    """The differences between two sides; `unknown` lists what could not be compared, and why."""

    a: str
    b: str
    differences: tuple[Difference, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether shape, order and framing are the same."""
        return all(difference.kind is Kind.TIMING for difference in self.differences)
