"""What the tests of the inspector's page share: scripts, a request, and the page that is opened and checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from playwright.sync_api import Browser, Page, expect

from contract_tests.lab.tools.browser import DESKTOP, Opened, open_page

KEY = "sk-seen0123456789"
CLIPBOARD = ("clipboard-read", "clipboard-write")
SCRIPTS = [
    {"name": "weather", "when": {"messages": {"last": {"contains": "weather"}}}, "reply": {"text": "Sunny."}},
    {
        "name": "slow",
        "when": {"messages": {"last": {"contains": "poem"}}},
        "reply": {"text": "A tree stands in the yard.", "timing": {"first": 0.05, "rate": 100.0}},
    },
]


def chat(fake: Any, text: str, **more: Any) -> httpx2.Response:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}
    return httpx2.post(
        f"{fake.base_url}/chat/completions", json=body, headers={"authorization": "Bearer sk-seen0123456789"}
    )


@contextmanager
def inspector(
    browser: Browser, fake: Any, size: tuple[int, int] = DESKTOP, *, refused: int = 0, **options: Any
) -> Iterator[Page]:
    """The page, once it follows the requests; at its end nothing went wrong in it but what was to be `refused`."""
    with open_page(browser, f"{fake.url}/__fake__/", size, permissions=CLIPBOARD, **options) as opened:
        if options.get("scripts", True):
            expect(opened.page.locator("#live")).to_have_text("live")
        yield opened.page
        assert len([error for error in opened.errors if "status of 400" in error]) == refused
        assert len(opened.errors) == refused
        check(opened)


def check(opened: Opened) -> None:
    assert not opened.foreign_requests
    assert not opened.overflows()


def open_request(page: Page, text: str) -> None:
    page.locator("#list li", has_text=text).first.click()
    expect(page.locator("#detail h2")).to_be_visible()
