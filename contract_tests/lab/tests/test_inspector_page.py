"""The inspector in a real browser: what it shows, and a click for each of its actions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from contract_tests.lab.tools.browser import DESKTOP, PHONE, Opened, find_accessibility_faults, open_page
from fake_server import FakeServer
from fake_server.scripts.book import parse_text

pytestmark = pytest.mark.slow
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


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with FakeServer(SCRIPTS, plain=True) as running:
        yield running


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


def test_a_request_is_answered_again(browser: Browser, fake: FakeServer) -> None:
    chat(fake, "the weather")
    with inspector(browser, fake) as page:
        open_request(page, "the weather")
        page.get_by_role("button", name="Answer again").click()
        expect(page.locator("#list li")).to_have_count(2)
        expect(page.locator("#list li").first.locator("a")).to_have_attribute("aria-current", "true")
        page.keyboard.press("a")
        expect(page.locator("#list li")).to_have_count(3)
    assert [entry.script for entry in fake.requests] == ["weather"] * 3


def test_a_script_is_made_checked_at_its_line_and_saved(browser: Browser, fake: FakeServer) -> None:
    chat(fake, "a cat")
    with inspector(browser, fake, refused=1) as page:
        open_request(page, "a cat")
        page.get_by_role("button", name="Make a script").click()
        editor = page.get_by_label("Script in YAML")
        text = editor.input_value()
        editor.fill(text.replace("  when:", "  wen:"))
        page.get_by_role("button", name="Check").click()
        expect(page.get_by_role("alert")).to_contain_text("line 2: unknown key 'wen'")
        assert editor.evaluate("it => it.value.slice(it.selectionStart, it.selectionEnd)") == "  wen:"
        editor.fill(text)
        page.get_by_role("button", name="Check").click()
        expect(page.locator("#say")).to_contain_text("right: like request")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("dialog")).not_to_be_visible()
    chat(fake, "a cat")
    assert (fake.requests[-1].script or "").startswith("like request")


def test_a_reply_is_queued_once(browser: Browser, fake: FakeServer) -> None:
    with inspector(browser, fake) as page:
        for given in ("Only this once", '{"error": {"status": 418, "message": "teapot"}}'):
            page.get_by_role("button", name="Queue a reply").click()
            page.get_by_label("Reply", exact=True).fill(given)
            page.get_by_role("button", name="Queue", exact=True).click()
            expect(page.locator("#say")).to_contain_text("queued")
        assert chat(fake, "x").json()["choices"][0]["message"]["content"] == "Only this once"
        assert chat(fake, "x").status_code == 418
        assert chat(fake, "x").status_code == 200


def test_a_fault_and_a_bug_are_injected_and_lifted(browser: Browser, fake: FakeServer) -> None:
    with inspector(browser, fake, refused=1) as page:
        page.get_by_role("button", name="Faults and bugs").click()
        page.get_by_label("What goes wrong").select_option("error")
        page.get_by_label("Parameters").fill("status=503")
        page.get_by_label("How many times").fill("2")
        page.get_by_role("button", name="Inject").click()
        expect(page.locator(".force")).to_have_count(1)
        assert chat(fake, "x").status_code == 503
        page.get_by_role("button", name="Lift").click()
        expect(page.locator(".force")).to_have_count(0)
        assert chat(fake, "x").status_code == 200
        page.get_by_label("What goes wrong").select_option("ikllama-no-done")
        page.get_by_role("button", name="Inject").click()
        expect(page.locator(".force")).to_have_count(1)
        assert b"[DONE]" not in chat(fake, "x", stream=True).content
        page.get_by_label("What goes wrong").select_option("cut")
        page.get_by_label("Parameters").fill("nonsense=1")
        page.get_by_role("button", name="Inject").click()
        expect(page.get_by_role("alert")).to_contain_text("nonsense")
        page.get_by_role("button", name="Close", exact=True).click()
        expect(page.locator("#armed")).to_have_text("1")


@pytest.mark.parametrize("form", ["curl", "pytest", "script", "fixture"])
def test_a_request_is_copied(browser: Browser, fake: FakeServer, form: str) -> None:
    chat(fake, "the weather")
    with inspector(browser, fake) as page:
        open_request(page, "the weather")
        page.get_by_role("button", name=f"Copy {form}").click()
        expect(page.locator("#say")).to_have_text(f"copied: {form}")
        text = page.evaluate("navigator.clipboard.readText()")
        signs = {
            "curl": "curl -sS",
            "pytest": "def test_request(fake_server):",
            "fixture": "openai-contract-fixture: 1",
        }
        assert signs.get(form, "- name:") in text
        assert KEY not in text
        if form == "script":
            assert len(parse_text(text, "copied")) == 1


def test_the_space_is_switched_and_reset(browser: Browser, fake: FakeServer) -> None:
    mine = fake.space("mine")
    chat(mine, "only mine")
    mine.fault("error", status=500)
    with inspector(browser, fake) as page:
        page.get_by_label("Space").select_option("mine")
        page.wait_for_url("**/@mine/__fake__/")
        expect(page.locator("#list li")).to_contain_text("only mine")
        expect(page.locator("#armed")).to_have_text("1")
        page.get_by_role("button", name="Clear").click()
        page.get_by_role("button", name="Reset the space").click()
        expect(page.locator("#list li")).to_have_count(0)
        expect(page.locator("#armed")).to_have_text("")
    assert not mine.requests


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


def test_without_script_the_page_lists_the_requests(browser: Browser, fake: FakeServer) -> None:
    chat(fake, "the weather")
    with inspector(browser, fake, scripts=False) as page:
        expect(page.locator("#list li")).to_contain_text("the weather")
        expect(page.get_by_role("button")).to_have_count(0)


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
