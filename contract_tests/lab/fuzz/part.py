"""A part of the fuzz: values that are drawn, and what must hold whatever they are."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import hypothesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract_tests.lab.fuzz.client import LONGEST, calm
from contract_tests.lab.fuzz.serving import IDLE_TASKS, Served

Check = Callable[[Served, Any], None]


@dataclass(frozen=True)
class Part:
    """`check` raises for a value that something goes wrong with; `served`: it asks the server."""

    name: str
    words: str
    values: st.SearchStrategy[Any]
    check: Check
    served: bool = False
    examples: int = 100

    def round(self, served: Served, seed: int, examples: int | None = None) -> int:
        """Draw and check; the number of values. Raises what `check` does, for the smallest value found."""
        count = 0

        @hypothesis.seed(seed)
        @settings(
            max_examples=examples or self.examples,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        )
        @given(self.values)
        def holds(value: Any) -> None:
            nonlocal count
            count += 1
            began = time.monotonic()
            self.check(served, value)
            took = time.monotonic() - began
            assert took < LONGEST, f"it took {took:.1f} s"

        holds()
        if self.served:
            calm(served)
            held = served.held()
            assert not held["connections"], f"connections stay open: {held}"
            assert held["tasks"] <= IDLE_TASKS, f"tasks stay: {held}"
        return count
