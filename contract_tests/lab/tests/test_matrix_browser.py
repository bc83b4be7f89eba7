"""The page of `contract matrix` in a real browser: readable by everybody, and a question is two clicks away."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from contract_tests.lab.tools.browser import DESKTOP, PHONE, find_accessibility_faults, open_page
from contract_tests.report.matrix.columns import make_column
from contract_tests.report.matrix.page import format_matrix
from contract_tests.report.matrix.table import make_matrix
from contract_tests.tests.made_up_reports import make_case, make_finding, make_judgement, make_run

pytestmark = pytest.mark.slow


def write(folder: Path, text: str = "", columns: int = 3) -> str:
    """The page of some runs that stream tool calls wrongly, and of recordings."""
    case = make_case(
        "tools.stream-auto", "fail", text, findings=[make_finding("tools.stream-index", "tools", text=text)]
    )
    cases = [case, make_case("chat.poem", "unsupported", text, reason=f"no {text}"), make_case("models.list", "pass")]
    runs = [make_column(f"server-{number} {text}", make_run(cases, text)) for number in range(columns)]
    path = folder / "matrix.html"
    page = format_matrix(make_matrix([*runs, make_column("recordings", make_judgement(text))]))
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_matrix_can_be_read_by_everybody(browser: Browser, tmp_path: Path, dark: bool) -> None:
    with open_page(browser, write(tmp_path), DESKTOP, dark=dark) as opened:
        assert find_accessibility_faults(opened.page) == []
        opened.page.evaluate("for (const box of document.querySelectorAll('details')) box.open = true")
        assert find_accessibility_faults(opened.page) == []
        assert opened.errors == []
        assert opened.foreign_requests == []


@pytest.mark.parametrize("size", [PHONE, (320, 600), DESKTOP], ids=["phone", "small phone", "desktop"])
def test_the_matrix_is_no_wider_than_its_window(browser: Browser, tmp_path: Path, size: tuple[int, int]) -> None:
    long = "a-name-without-any-place-to-break-" * 12
    with open_page(browser, write(tmp_path, long, columns=30), size) as opened:
        assert not opened.overflows()
        opened.page.evaluate("for (const box of document.querySelectorAll('details')) box.open = true")
        assert not opened.overflows()


@pytest.mark.parametrize("scripts", [True, False], ids=["with its script", "without"])
def test_whether_a_server_streams_tool_calls_right_is_a_click_away(
    browser: Browser, tmp_path: Path, scripts: bool
) -> None:
    with open_page(browser, write(tmp_path), DESKTOP, scripts=scripts) as opened:
        page = opened.page
        row = page.locator("#matrix tr", has=page.get_by_role("link", name="Streamed tool calls", exact=True))
        row.locator("td a").first.click()
        expect(page.locator("#feature-stream-tools tbody tr").first).to_contain_text("tools.stream-index")
        expect(page.locator("#at-stream-tools-1")).to_be_visible()
