"""A part of the fuzz: values that are drawn, and a check that must hold for all of them."""

from __future__ import annotations

import reprlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contract_tests.lab.fuzz.client import LONGEST, check_log
from contract_tests.lab.fuzz.fake_process import IDLE_TASKS, PATIENCE, FakeProcess
from fake_server.wire.text import shorten

Check = Callable[[FakeProcess, Any], None]


class Drawn:
    """A value of a part, printed no longer than a reader reads it: the seed gives all of it again."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return shorten(_SHORT.repr(self.value), LONG)

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        printer.text(repr(self))


_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxdict, _SHORT.maxlist, _SHORT.maxtuple = 8, 6, 4, 6
_SHORT.maxstring = _SHORT.maxother = 120
LONG = 2000
"""Characters of a failing value that are printed."""


_WHOLE = (Phase.explicit, Phase.generate, Phase.shrink)
"""What is done for a bad value: a smaller one is looked for, but where each takes a minute."""


@st.composite
def _drawn(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> Drawn:
    return Drawn(draw(values))


@dataclass(frozen=True)
class Part:
    """`check` raises for a bad value, or takes `longest` seconds.

    `asks_fake`: it sends requests, after which the fake must be idle. `patience`: the seconds that the fake gives a
    client to send one, where large ones are sent while the machine is busy.
    """

    name: str
    description: str
    values: st.SearchStrategy[Any]
    check: Check
    asks_fake: bool = False
    examples: int = 100
    longest: float = LONGEST
    patience: float = PATIENCE

    def round(self, fake: FakeProcess, seed: int, examples: int | None = None) -> int:
        """Draw and check values; their number. Raises what `check` does for the smallest bad value."""
        count = 0

        @hypothesis.seed(seed)
        @settings(
            max_examples=examples or self.examples,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            phases=_WHOLE if self.longest <= LONGEST else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @given(_drawn(self.values))
        def holds(drawn: Drawn) -> None:
            nonlocal count
            count += 1
            began = time.monotonic()
            self.check(fake, drawn.value)
            took = time.monotonic() - began
            assert took < self.longest, f"it took {took:.1f} s"

        holds()
        if self.asks_fake:
            check_log(fake)
            usage = fake.usage()
            assert not usage["connections"], f"connections stay open: {usage}"
            assert usage["tasks"] <= IDLE_TASKS, f"tasks stay: {usage}"
        return count
