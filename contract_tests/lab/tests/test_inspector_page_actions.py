"""The inspector in a real browser: a click for each of its actions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from contract_tests.lab.tests.inspected import KEY, SCRIPTS, chat, inspector, open_request
from fake_server import FakeServer
from fake_server.scripts.book import parse_text

pytestmark = pytest.mark.slow


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with FakeServer(SCRIPTS, plain=True) as running:
        yield running


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
