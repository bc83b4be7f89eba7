"""Counts the tests of each area of SECURITY.md, and those of them that passed; also under pytest-xdist."""

from __future__ import annotations

from collections import Counter

import pytest

from contract_tests.lab.tools.security_areas import PROPERTY, areas_of


class Samples:
    """A pytest plugin: `collected`, `tried` and `held` count samples by area."""

    def __init__(self) -> None:
        self.collected: Counter[str] = Counter()
        self.tried: Counter[str] = Counter()
        self.held: Counter[str] = Counter()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count what was collected; nothing where workers of xdist collect."""
        self.collected.update(area for item in session.items for area in areas_of(item))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test by its call, or by what came instead of one."""
        if report.when != "call" and report.passed:
            return
        for name, area in report.user_properties:
            if name == PROPERTY and not report.skipped:
                self.tried[str(area)] += 1
                self.held[str(area)] += report.passed
