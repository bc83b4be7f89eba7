"""The browser that looks at the kit's pages sees what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from contract_tests.lab.tools.browser import PHONE, find_accessibility_faults, open_page

pytestmark = pytest.mark.slow

GOOD = """<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Good</title>
<main><h1>A page</h1><p>Nothing is wrong with it.</p></main></html>"""
BAD = """<!doctype html><html><title>Bad</title><p style="color:#ddd;background:#fff">pale</p><img src="picture.png">
<div style="width:2000px">wide</div><script>fetch("http://elsewhere.test/").catch(() => 0); missing()</script></html>"""


def write(folder: Path, text: str) -> str:
    path = folder / "page.html"
    path.write_text(text)
    return path.as_uri()


def test_a_good_page_has_no_complaint(browser: Browser, tmp_path: Path) -> None:
    with open_page(browser, write(tmp_path, GOOD), PHONE, dark=True) as opened:
        assert opened.page.title() == "Good"
        assert not opened.errors
        assert not opened.foreign_requests
        assert not opened.overflows()
        assert not find_accessibility_faults(opened.page)


def test_errors_foreign_requests_overflow_and_accessibility_faults_are_seen(browser: Browser, tmp_path: Path) -> None:
    with open_page(browser, write(tmp_path, BAD), PHONE) as opened:
        opened.page.wait_for_load_state("networkidle")
        assert any("missing" in error for error in opened.errors)
        assert opened.foreign_requests == ["http://elsewhere.test/"]
        assert opened.overflows()
        faults = find_accessibility_faults(opened.page)
    assert {fault.partition(":")[0] for fault in faults} >= {"color-contrast", "html-has-lang", "image-alt"}
