"""The HTML page of a report in a real browser: what it shows, what its script does, and what it never does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from contract_tests.lab.tools.browser import DESKTOP, PHONE, Opened, find_accessibility_faults, open_page
from contract_tests.report.html.page import format_html
from contract_tests.tests.made_up_reports import make_diff, make_judgement, make_many, make_report_diff, make_run
from contract_tests.tests.page_reader import HOSTILE, make_page

pytestmark = pytest.mark.slow

PAGES: dict[str, Any] = {
    "run": make_run,
    "judgement": make_judgement,
    "diff": make_diff,
    "report diff": make_report_diff,
}
"""Each kind of report, as a function that makes one; `text` is what a target says in it."""
MOST_SCRIPT = 1.0
"""Seconds of processor time that the script may take to open and to filter 10,000 findings."""


def write(folder: Path, document: Any) -> str:
    path = folder / "report.html"
    path.write_text(make_page(document), encoding="utf-8")
    return path.as_uri()


def visible(page: Page, selector: str) -> list[str]:
    """The ids of the elements that are not filtered out."""
    found: list[str] = page.eval_on_selector_all(selector, "all => all.filter(one => !one.hidden).map(one => one.id)")
    return found


def assert_quiet(opened: Opened) -> None:
    """The page asked for nothing but itself, and nothing went wrong."""
    assert opened.errors == []
    assert [url for url in opened.requests if not url.startswith("data:")] == [opened.page.url.partition("#")[0]]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", PAGES)
def test_a_page_can_be_read_by_everybody(browser: Browser, tmp_path: Path, kind: str, dark: bool) -> None:
    with open_page(browser, write(tmp_path, PAGES[kind]()), DESKTOP, dark=dark) as opened:
        assert find_accessibility_faults(opened.page) == []
        opened.page.evaluate("for (const box of document.querySelectorAll('details')) box.open = true")
        assert find_accessibility_faults(opened.page) == []
        assert_quiet(opened)


@pytest.mark.parametrize("size", [PHONE, (320, 600), DESKTOP], ids=["phone", "small phone", "desktop"])
@pytest.mark.parametrize("kind", PAGES)
def test_a_page_is_no_wider_than_its_window(browser: Browser, tmp_path: Path, kind: str, size: tuple[int, int]) -> None:
    long = "a-name-without-any-place-to-break-" * 12
    with open_page(browser, write(tmp_path, PAGES[kind](text=long)), size) as opened:
        assert not opened.overflows()
        opened.page.evaluate("for (const box of document.querySelectorAll('details')) box.open = true")
        assert not opened.overflows()


def test_without_its_script_everything_can_be_read(browser: Browser, tmp_path: Path) -> None:
    with open_page(browser, write(tmp_path, make_run()), scripts=False) as opened:
        page = opened.page
        assert not page.locator("#filter").is_visible()
        page.locator("#rule-tools\\.call-id > summary").click(timeout=5000)
        page.locator("#case-chat\\.stream\\.poem > summary").click()
        assert page.locator("#case-chat\\.stream\\.poem .stream").is_visible()
        copy = page.locator("#rule-chat\\.stream\\.created .copy").first
        copy.locator("summary").click()
        assert "curl -i -N" in copy.inner_text()


def test_cases_and_findings_are_filtered(browser: Browser, tmp_path: Path) -> None:
    with open_page(browser, write(tmp_path, make_run())) as opened:
        page = opened.page
        page.fill("#query", "tools.call")
        expect(page.locator("#shown")).to_have_text("1 of 3 rules, 1 of 6 places, 0 of 1 rule tolerated, 1 of 8 cases")
        assert visible(page, "#findings .rule") == ["rule-tools.call-id"]
        assert visible(page, ".case") == ["case-tools.call"]
        page.get_by_role("button", name="Clear").click()
        expect(page.locator("#shown")).to_contain_text("8 of 8 cases")
        page.select_option("#outcome", "unsupported")
        expect(page.locator("#shown")).to_contain_text("1 of 8 cases")
        assert visible(page, ".case") == ["case-responses.reasoning"]
        page.get_by_role("link", name="chat.stream: 2 fail").click()
        assert visible(page, ".case") == ["case-chat.stream.poem", "case-chat.stream.n"]
        page.get_by_role("link", name="chat.stream.created").first.click()
        assert page.locator("#rule-chat\\.stream\\.created").evaluate("box => box.open")
        assert_quiet(opened)


def test_what_a_link_points_at_is_opened(browser: Browser, tmp_path: Path) -> None:
    with open_page(browser, write(tmp_path, make_run()) + "#case-chat.stream.n") as opened:
        assert opened.page.locator("#case-chat\\.stream\\.n").evaluate("box => box.open")
        opened.page.fill("#query", "nothing is like this")
        expect(opened.page.locator("#shown")).to_contain_text("0 of 8 cases")
        opened.page.evaluate("location.hash = '#case-chat.poem'")
        expect(opened.page.locator("#case-chat\\.poem .stream")).to_be_visible()


def test_a_text_is_copied(browser: Browser, tmp_path: Path) -> None:
    url = write(tmp_path, make_run())
    with open_page(browser, url, permissions=("clipboard-read", "clipboard-write")) as opened:
        page = opened.page
        box = page.locator("#rule-chat\\.stream\\.created .copy").first
        box.locator("summary").click()
        box.get_by_role("button", name="Copy curl").click()
        expect(page.locator("#status")).to_have_text("curl is copied")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.replace("\r\n", "\n") == box.locator("pre").text_content()
        assert copied.startswith("export OPENAI_BASE_URL=http://127.0.0.1:4000/v1\ncurl")
        assert_quiet(opened)


def test_the_theme_is_remembered(browser: Browser, tmp_path: Path) -> None:
    with open_page(browser, write(tmp_path, make_run())) as opened:
        page = opened.page
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.get_by_role("button", name="Dark theme").click()
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert dark != light
        page.reload()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
        assert page.get_by_role("button", name="Light theme").is_visible()


def test_keys_lead_through_the_page(browser: Browser, tmp_path: Path) -> None:
    with open_page(browser, write(tmp_path, make_run())) as opened:
        page = opened.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.locator("#case-chat\\.poem > summary").focus()
        page.keyboard.press("Enter")
        assert page.locator("#case-chat\\.poem .stream").is_visible()
        width = page.evaluate("getComputedStyle(document.querySelector('#case-chat\\\\.poem > summary')).outlineWidth")
        assert float(width.removesuffix("px")) >= 2


def test_paper_shows_everything_but_buttons(browser: Browser, tmp_path: Path) -> None:
    with open_page(browser, write(tmp_path, make_run())) as opened:
        page = opened.page
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator("details:not([open])").count() == 0
        assert page.locator("#case-chat\\.stream\\.poem .stream").is_visible()
        assert [button for button in page.locator("button").all() if button.is_visible()] == []
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator("details:not([open])").count() > 0


@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.security("hostile targets")
def test_no_text_of_a_target_acts(browser: Browser, tmp_path: Path, kind: str, text: str) -> None:
    with open_page(browser, "about:blank") as opened:
        page, dialogs = opened.page, list[str]()

        def dismiss(dialog: Dialog) -> None:
            dialogs.append(dialog.message)
            dialog.dismiss()

        page.on("dialog", dismiss)
        opened.requests.clear()
        page.goto(write(tmp_path, PAGES[kind](text=text)))
        page.evaluate("for (const box of document.querySelectorAll('details')) box.open = true")
        page.fill("#query", text[:100].replace("\x00", ""))
        expect(page.locator("#shown")).to_contain_text("of")
        assert dialogs == []
        assert page.evaluate("document.querySelectorAll('script').length") == 1
        assert_quiet(opened)


@pytest.mark.security("hostile targets")
def test_the_policy_forbids_what_would_get_through(browser: Browser, tmp_path: Path) -> None:
    """Were a text not escaped, it could still load nothing and run nothing."""
    path = tmp_path / "report.html"
    evil = (
        '<img src="http://elsewhere.test/a.png"><script>window.acted = 1</script>'
        '<b id="bad" onclick="window.acted = 1">x</b>'
    )
    path.write_text(format_html(make_run()).replace("<footer>", f"<footer>{evil}"), encoding="utf-8")
    with open_page(browser, path.as_uri()) as opened:
        opened.page.locator("#bad").click()
        assert opened.page.evaluate("window.acted") is None
        assert opened.page.evaluate("fetch('http://elsewhere.test/').then(() => 1, () => 0)") == 0
        assert len([error for error in opened.errors if "Content Security Policy" in error]) >= 4


def test_ten_thousand_findings_are_opened_and_filtered_in_time(browser: Browser, tmp_path: Path) -> None:
    url = write(tmp_path, make_many())
    with open_page(browser, "about:blank") as opened:
        page = opened.page
        meter = page.context.new_cdp_session(page)
        meter.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
        meter.send("Performance.enable")
        page.goto(url)
        page.fill("#query", "rule-7 seen 4")
        expect(page.locator("#shown")).to_contain_text("of 40 rules")
        page.locator("#rule-chat\\.stream\\.rule-7 > summary").click()
        page.locator("#rule-chat\\.stream\\.rule-7 .rows > summary").click()
        page.select_option("#outcome", "fail")
        metrics = {entry["name"]: entry["value"] for entry in meter.send("Performance.getMetrics")["metrics"]}
        assert visible(page, "#findings .rule")[0] == "rule-chat.stream.rule-7"
        assert metrics["ScriptDuration"] < MOST_SCRIPT
        assert_quiet(opened)


def test_a_rule_that_is_tolerated_says_why(browser: Browser, tmp_path: Path) -> None:
    with open_page(browser, write(tmp_path, make_run())) as opened:
        opened.page.locator("#tolerated-http\\.content-type > summary").click()
        assert "the next release mends it" in opened.page.locator("#tolerated-http\\.content-type").inner_text()
