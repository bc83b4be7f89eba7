"""The inspector in a real browser: texts that nobody trusts, and a server with a key."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from contract_tests.lab.tests.inspected import SCRIPTS, chat, inspector, open_request
from contract_tests.lab.tools.browser import open_page
from fake_server import FakeServer

pytestmark = pytest.mark.slow


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with FakeServer(SCRIPTS, plain=True) as running:
        yield running


@pytest.mark.security("pages of other origins")
@pytest.mark.parametrize(
    "text", ["<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "\u202e{{7*7}}"]
)
def test_hostile_texts_are_texts(browser: Browser, text: str) -> None:
    script = {"name": text, "when": {"messages": {"last": {"contains": "me"}}}, "reply": {"text": text}}
    with FakeServer([script], plain=True) as fake:
        chat(fake, f"me {text}", model=text)
        chat(fake, text, model=text, stream=True)
        with inspector(browser, fake) as page:
            page.on("dialog", lambda dialog: pytest.fail("a script ran"))
            for number in (0, 1):
                page.locator("#list li").nth(number).click()
                expect(page.locator("#detail")).to_contain_text(text)
                page.get_by_role("button", name="Make a script").click()
                expect(page.locator("dialog")).to_be_visible()
                page.keyboard.press("Escape")
            assert page.locator("img, iframe, object").count() == 0
            assert page.locator("script").count() == 1


@pytest.mark.security("pages of other origins")
def test_the_browser_itself_refuses_markup_in_the_page(browser: Browser, fake: FakeServer) -> None:
    with open_page(browser, f"{fake.url}/__fake__/") as opened:
        written = "() => { try { document.body.innerHTML = '<b>x'; return 'written' } catch { return 'refused' } }"
        assert opened.page.evaluate(written) == "refused"


def test_a_server_with_a_key_asks_for_it(browser: Browser) -> None:
    with FakeServer([], plain=True, api_key="sk-right") as fake:
        httpx2.get(f"{fake.base_url}/models", headers={"authorization": "Bearer sk-right"})
        with open_page(browser, f"{fake.url}/__fake__/") as opened:
            page = opened.page
            expect(page.locator("#lock")).to_contain_text("asks for its key")
            assert "/v1/models" not in page.content()
            page.get_by_label("Key").fill("sk-wrong")
            page.get_by_role("button", name="Open").click()
            expect(page.locator("#say")).to_contain_text("this is not the key")
            page.get_by_label("Key").fill("sk-right")
            page.keyboard.press("Enter")
            expect(page.locator("#list li")).to_have_count(1)
            expect(page.locator("#lock")).to_have_count(0)
            open_request(page, "/v1/models")
            assert not opened.foreign_requests
