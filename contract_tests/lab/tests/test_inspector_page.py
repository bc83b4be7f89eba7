"""The inspector in a real browser: what it shows, by which keys it moves, and who can read it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from contract_tests.lab.tests.inspected import KEY, SCRIPTS, chat, inspector, open_request
from contract_tests.lab.tools.browser import DESKTOP, PHONE, find_accessibility_faults
from fake_server import FakeServer

pytestmark = pytest.mark.slow


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with FakeServer(SCRIPTS, plain=True) as running:
        yield running


def test_requests_appear_as_they_come_and_leave_when_they_are_cleared(browser: Browser, fake: FakeServer) -> None:
    chat(fake, "the weather")
    with inspector(browser, fake) as page:
        expect(page.locator("#list li")).to_have_count(1)
        chat(fake, "a cat")
        first = page.locator("#list li").first
        expect(first).to_contain_text("a cat")
        expect(first).to_contain_text("nearest weather: messages.last: expected a text that contains 'weather'")
        expect(page.locator("#list li").nth(1)).to_contain_text("weather")
        page.get_by_role("button", name="Clear").click()
        page.get_by_role("button", name="Forget requests").click()
        expect(page.locator("#list li")).to_have_count(0)
        expect(page.locator("#none")).to_contain_text(f"{fake.url}/v1")


def test_one_request_is_opened_with_all_there_is_to_know(browser: Browser, fake: FakeServer) -> None:
    chat(fake, "a poem", stream=True, stream_options={"include_usage": True})
    with inspector(browser, fake) as page:
        open_request(page, "a poem")
        detail = page.locator("#detail")
        for text in (
            "answered by",
            "slow",
            "usage",
            "A tree stands in the yard.",
            "writes",
            "longest pause",
            "<redacted>",
        ):
            expect(detail).to_contain_text(text)
        assert (page.locator("path.ticks").get_attribute("d") or "").count("M") > 3
        assert KEY not in page.content()
        reply = detail.locator(".part", has_text="reply").last
        reply.get_by_role("button", name="raw").click()
        expect(reply.locator("pre")).to_contain_text("data: [DONE]")


def test_the_keyboard_moves_filters_and_closes(browser: Browser, fake: FakeServer) -> None:
    for text in ("one", "two", "three"):
        chat(fake, text)
    with inspector(browser, fake) as page:
        page.keyboard.press("j")
        expect(page.locator("#detail")).to_contain_text('"three"')
        page.keyboard.press("ArrowDown")
        expect(page.locator("#detail")).to_contain_text('"two"')
        page.keyboard.press("k")
        expect(page.locator("#detail")).to_contain_text('"three"')
        page.keyboard.press("Escape")
        expect(page.locator("#detail")).not_to_be_visible()
        page.keyboard.press("/")
        page.keyboard.type("two")
        expect(page.locator("#list li:visible")).to_have_count(1)
        expect(page.locator("#count")).to_have_text("1 of 3 requests")
        chat(fake, "four")
        expect(page.locator("#count")).to_have_text("1 of 4 requests")
        assert page.evaluate("document.activeElement.id") == "filter"
        page.keyboard.press("Escape")
        expect(page.locator("#list li:visible")).to_have_count(4)


def test_without_script_the_page_lists_the_requests(browser: Browser, fake: FakeServer) -> None:
    chat(fake, "the weather")
    with inspector(browser, fake, scripts=False) as page:
        expect(page.locator("#list li")).to_contain_text("the weather")
        expect(page.get_by_role("button")).to_have_count(0)


def test_what_went_wrong_is_shown_a_body_that_was_not_read_and_a_fault(browser: Browser, fake: FakeServer) -> None:
    httpx2.post(f"{fake.base_url}/chat/completions", files={"file": ("a.txt", b"x" * 1000)})
    fake.fault("no-done", times=1)
    chat(fake, "a poem", stream=True)
    with inspector(browser, fake) as page:
        open_request(page, "body not read")
        expect(page.locator("#detail .part", has_text="request").first).to_contain_text("not read (")
        expect(page.locator("#detail")).not_to_contain_text("empty")
        open_request(page, "a poem")
        expect(page.locator("#detail")).to_contain_text("no-done")


def test_the_address_of_a_request_opens_it(browser: Browser, fake: FakeServer) -> None:
    for text in ("one", "two", "three"):
        chat(fake, text)
    with inspector(browser, fake) as page:
        open_request(page, "two")
        address = page.url
        assert "#r" in address
        page.goto("about:blank")
        page.goto(address)
        expect(page.locator("#detail")).to_contain_text('"two"')
        expect(page.locator("#list li", has_text="two").locator("a")).to_have_attribute("aria-current", "true")
        page.keyboard.press("Escape")
        expect(page.locator("#detail")).not_to_be_visible()
        assert page.url == f"{fake.url}/__fake__/#"
        chat(fake, "four")
        expect(page.locator("#list li")).to_have_count(4)
        page.goto("about:blank")
        page.goto(f"{fake.url}/__fake__/#r99999999")
        expect(page.locator("#list li")).to_have_count(4)
        expect(page.locator("#detail")).not_to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_no_serious_fault(browser: Browser, fake: FakeServer, size: tuple[int, int], dark: bool) -> None:
    chat(fake, "a poem", stream=True)
    chat(fake, "a cat")
    fake.fault("error", status=500, times=2)
    chat(fake, "trouble")
    with inspector(browser, fake, size, dark=dark) as page:
        expect(page.locator("#list li")).to_have_count(3)
        assert not find_accessibility_faults(page)
        open_request(page, "a poem")
        assert not find_accessibility_faults(page)
        page.get_by_role("button", name="Make a script").click()
        expect(page.locator("dialog")).to_be_visible()
        assert not find_accessibility_faults(page)
        page.keyboard.press("Escape")
        page.locator("#detail").get_by_role("button", name="Close").click()
        page.get_by_role("button", name="Faults and bugs").click()
        expect(page.locator(".force")).to_have_count(1)
        assert not find_accessibility_faults(page)


def test_ten_thousand_requests_leave_a_page_that_is_used_as_before(browser: Browser, fake: FakeServer) -> None:
    with httpx2.Client() as client:
        for number in range(2_000):
            client.get(f"{fake.base_url}/models/m{number}")
    with inspector(browser, fake) as page:
        expect(page.locator("#count")).to_have_text("1000 requests, 1000 older dropped", timeout=30_000)
        filtered = page.evaluate(
            """() => { const began = performance.now(), box = document.getElementById("filter");
            box.value = "m1999"; box.dispatchEvent(new Event("input")); return performance.now() - began; }"""
        )
        assert filtered < 1000
        expect(page.locator("#list li:visible")).to_have_count(1)
