"""The register of cases: each has an id typed by hand, a title, and what it may cost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contract_tests.target.ask import Ask

Play = Callable[["Ask"], Awaitable[object]]


@dataclass(frozen=True)
class Case:
    """One thing we ask a target.

    `requests` is how many requests it sends, `tokens` how many tokens of answer it may cost, `features`
    the parameters it is about: a target may lack those and say so.
    """

    id: str
    title: str
    requests: int
    tokens: int
    features: tuple[str, ...]
    play: Play

    @property
    def section(self) -> str:
        return self.id.rpartition(".")[0]

    @property
    def endpoint(self) -> str:
        """The first part of the section: embeddings and completions need models of their own."""
        return self.id.partition(".")[0]


CASES: dict[str, Case] = {}


def case(
    case_id: str, *, title: str, requests: int = 1, tokens: int = 0, features: Iterable[str] = ()
) -> Callable[[Play], Case]:
    """Register the decorated coroutine function, which gets an `Ask`, as a case."""

    def register(play: Play) -> Case:
        if case_id in CASES:
            raise ValueError(f"there are two cases {case_id}")
        CASES[case_id] = Case(case_id, title, requests, tokens, tuple(features), play)
        return CASES[case_id]

    return register


def select(prefixes: Iterable[str]) -> list[Case]:
    """The cases with these ids or below these prefixes, all for none. Raises KeyError for no match."""
    wanted = [one.rstrip(".") for one in prefixes]
    for one in wanted:
        if not any(f"{case_id}.".startswith(f"{one}.") for case_id in CASES):
            raise KeyError(one)
    return [
        found
        for found in CASES.values()
        if not wanted or any(f"{found.id}.".startswith(f"{one}.") for one in wanted)
    ]
