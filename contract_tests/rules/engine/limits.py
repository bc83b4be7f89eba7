"""The limits of judging: on its time, and on how much of one exchange rules look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from contract_tests.rules.engine.view import View

Subject = TypeVar("Subject")

IsLate = Callable[[], bool]
"""Whether the time for judging is up."""
SUBJECTS_BETWEEN_LOOKS = 500
"""Subjects after which a rule looks at the clock: a hostile reply has millions."""
MAX_ITEMS = 500_000
"""Items of arrays that rules look at in one exchange: a stream of 200,000 chunks has a choice and a call in each."""


class OutOfTime(Exception):
    """The time for judging is up."""


def in_time(subjects: Iterator[Subject], is_late: IsLate) -> Iterator[Subject]:
    """The subjects, until the time is up. Raises OutOfTime."""
    for number, subject in enumerate(subjects):
        if not number % SUBJECTS_BETWEEN_LOOKS and is_late():
            raise OutOfTime
        yield subject


@contextmanager
def budgeted(*views: View) -> Iterator[None]:
    """Let rules look at MAX_ITEMS items of each exchange; beyond, TooManyValues is raised to them."""
    for view in views:
        view.budget.left = MAX_ITEMS
    try:
        yield
    finally:
        for view in views:
            view.budget.left = None
