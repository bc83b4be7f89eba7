"""A mutant: an exchange with one thing changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from fake_server.wire.exchange import Exchange


@dataclass(frozen=True)
class Mutant:
    """An exchange with one thing changed.

    `section` is the section of the rules that ought to notice. `shape` is the place with its indexes folded,
    `where` the place itself; `before` and `after` show what changed there. `original` is the exchange to
    compare with. `build` makes the changed exchange, so that mutants that are not drawn cost nothing.
    `witnesses` counts the genuine recordings that have this place; None where nobody counted.
    """

    section: str
    operator: str
    shape: str
    where: str
    original: Exchange = field(repr=False)
    build: Callable[[], Exchange] = field(repr=False)
    before: str = ""
    after: str = ""
    tag: str = ""
    witnesses: int | None = None

    @property
    def key(self) -> str:
        """A name that is unique among all mutants and the same in every run.

        `tag` takes the place of `after` where that holds ids drawn at random.
        """
        return "\n".join((self.original.label, self.operator, self.where, self.tag or self.after))

    @cached_property
    def exchange(self) -> Exchange:
        return self.build()

    def __str__(self) -> str:
        return f"{self.original.label}: {self.where}: {self.before} -> {self.after}"
