"""What several tests of the lab share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from contract_tests.lab.tools.browser import chromium
from contract_tests.lab.tools.environments import NotInstalled


# Playwright keeps an event loop running in this thread while it is open, and asyncio.run refuses to begin beside it:
# the browser ends with its module, so that no other test of the same worker meets that loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium; the test is skipped where no browser is installed."""
    try:
        with chromium() as started:
            yield started
    except NotInstalled as error:
        pytest.skip(str(error))
