"""A part of the fuzz: values that are drawn, and a check that must hold for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import hypothesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract_tests.lab.fuzz.client import LONGEST, check_log
from contract_tests.lab.fuzz.fake_process import IDLE_TASKS, FakeProcess

Check = Callable[[FakeProcess, Any], None]


@dataclass(frozen=True)
class Part:
    """`check` raises for a bad value, or takes `longest` seconds.

    `asks_fake`: it sends requests, after which the fake must be idle.
    """

    name: str
    description: str
    values: st.SearchStrategy[Any]
    check: Check
    asks_fake: bool = False
    examples: int = 100
    longest: float = LONGEST

    def round(self, fake: FakeProcess, seed: int, examples: int | None = None) -> int:
        """Draw and check values; their number. Raises what `check` does for the smallest bad value."""
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
            self.check(fake, value)
            took = time.monotonic() - began
            assert took < self.longest, f"it took {took:.1f} s"

        holds()
        if self.asks_fake:
            check_log(fake)
            usage = fake.usage()
            assert not usage["connections"], f"connections stay open: {usage}"
            assert usage["tasks"] <= IDLE_TASKS, f"tasks stay: {usage}"
        return count
