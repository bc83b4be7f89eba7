"""The register of cases: each has an id typed by hand, a title, and what it may cost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from contract_tests.target.ask import Ask
from contract_tests.target.brief import Brief

Play = Callable[[Ask], Awaitable[object]]


@dataclass(frozen=True)
class Case(Brief):
    """One thing we ask a target: `play` sends its requests."""

    play: Play


CASES: dict[str, Case] = {}
"""Every case by its id, in the order of a run."""


def case(
    case_id: str, *, title: str, requests: int = 1, tokens: int = 0, features: Iterable[str] = ()
) -> Callable[[Play], Case]:
    """Register the decorated coroutine function, which gets an `Ask`, as a case.

    Raises ValueError where the id is taken.
    """

    def register(play: Play) -> Case:
        if case_id in CASES:
            raise ValueError(f"there are two cases {case_id}")
        CASES[case_id] = Case(case_id, title, requests, tokens, tuple(features), play)
        return CASES[case_id]

    return register


def select(prefixes: Iterable[str]) -> list[Case]:
    """The cases with these ids or below these prefixes, all for none. Raises KeyError for no match."""
    wanted = [f"{prefix.rstrip('.')}." for prefix in prefixes]
    for prefix in wanted:
        if not any(f"{case_id}.".startswith(prefix) for case_id in CASES):
            raise KeyError(prefix.removesuffix("."))
    return [case for case in CASES.values() if not wanted or any(f"{case.id}.".startswith(prefix) for prefix in wanted)]
