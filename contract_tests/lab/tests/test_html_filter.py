"""The filter of a report's page in a real browser: what it counts is what it shows, and its address shows it again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from contract_tests.lab.tests.test_html_browser import MOST_SCRIPT, assert_quiet, visible, write
from contract_tests.lab.tools.browser import PHONE, find_accessibility_faults, open_page
from contract_tests.tests.made_up_reports import (
    make_case,
    make_diff,
    make_finding,
    make_judgement,
    make_many,
    make_report_diff,
    make_run,
)

pytestmark = pytest.mark.slow


def make_crowded(places: int = 84) -> Any:
    """A run with one case in which a rule is broken at so many places, and another that breaks two rules once."""
    found = [
        make_finding(
            "chat.stream.created",
            "chat.stream.poem dict",
            actual=f"seen {number} {'pair' if number % 2 == 0 else 'odd'}",
        )
        for number in range(places)
    ]
    other = [make_finding(rule, "tools.call dict", "SHOULD") for rule in ("tools.call-id", "tools.index")]
    return make_run(
        [make_case("chat.stream.poem", "fail", findings=found), make_case("tools.call", "warn", findings=other)]
    )


def count_shown(page: Page) -> tuple[int, int, int]:
    """The rules, places and cases that can be seen, counted one by one in the page."""
    found: list[int] = page.evaluate(
        """() => {
        const seen = (box) => !box.closest("[hidden]");
        const rules = [...document.querySelectorAll("#findings .rule")].filter(seen);
        const places = rules.flatMap((rule) => {
            const rows = [...rule.querySelectorAll(".rows li")];
            return rows.length ? rows.filter(seen).map((row) => Number(row.dataset.places || 1)) : [1];
        });
        const cases = [...document.querySelectorAll(".case")].filter(seen);
        return [rules.length, places.reduce((a, b) => a + b, 0), cases.length];
    }"""
    )
    return found[0], found[1], found[2]


def test_a_rule_says_how_many_places_there_are_and_lists_them(browser: Browser, tmp_path: Path) -> None:
    with open_page(browser, write(tmp_path, make_crowded())) as opened:
        rule = opened.page.locator("#rule-chat\\.stream\\.created")
        expect(rule.locator(".finding")).to_have_count(2)
        expect(rule.locator(".words.shown")).to_have_text(
            "2 places of 84 are shown in full; the others are in the list below."
        )
        expect(rule.locator(".rows > summary")).to_have_text("All 84 places in 1 reply that breaks it")
        rule.locator(".rows > summary").click()
        expect(rule.locator(".rows li")).to_have_count(84)
        assert_quiet(opened)
    with open_page(browser, write(tmp_path, make_crowded(5000))) as opened:
        rule = opened.page.locator("#rule-chat\\.stream\\.created")
        expect(rule.locator(".rows li")).to_have_count(200)
        expect(rule.locator(".rows")).to_contain_text("5,000 places in 1 reply that breaks it: the first 200")
        expect(rule.locator(".rows")).to_contain_text("and 4,800 more: the JSON has them all")


@pytest.mark.parametrize(
    ("words", "counts"),
    [
        ("", "3 of 3 rules, 86 of 86 places, 2 of 2 cases"),
        ("odd", "1 of 3 rules, 42 of 86 places, 0 of 2 cases"),
        ("chat.stream.created odd", "1 of 3 rules, 42 of 86 places, 0 of 2 cases"),
        ("chat.stream.created", "1 of 3 rules, 84 of 86 places, 1 of 2 cases"),
        ("tools.index", "1 of 3 rules, 1 of 86 places, 1 of 2 cases"),
        ("pair odd", "0 of 3 rules, 0 of 86 places, 0 of 2 cases"),
        ("nothing-is-like-this", "0 of 3 rules, 0 of 86 places, 0 of 2 cases"),
        ("curl", "0 of 3 rules, 0 of 86 places, 0 of 2 cases"),
    ],
)
def test_what_is_counted_is_what_is_shown(browser: Browser, tmp_path: Path, words: str, counts: str) -> None:
    with open_page(browser, write(tmp_path, make_crowded())) as opened:
        page = opened.page
        expect(page.locator("#shown")).to_have_text("3 of 3 rules, 86 of 86 places, 2 of 2 cases")
        page.fill("#query", words)
        expect(page.locator("#shown")).to_have_text(counts)
        numbers = [int(part.split()[0]) for part in counts.split(", ")]
        assert list(count_shown(page)) == numbers
        expect(page.locator("#none")).to_be_visible(visible=numbers[0] == 0)
        assert not find_accessibility_faults(page)
        if not numbers[0]:
            page.get_by_role("button", name="Show all").click()
            expect(page.locator("#shown")).to_have_text("3 of 3 rules, 86 of 86 places, 2 of 2 cases")


def test_section_and_outcome_narrow_findings_too(browser: Browser, tmp_path: Path) -> None:
    with open_page(browser, write(tmp_path, make_crowded())) as opened:
        page = opened.page
        assert page.locator("#outcome option").all_inner_texts() == ["any", "warn (1)", "fail (1)"]
        page.select_option("#outcome", "warn")
        expect(page.locator("#shown")).to_have_text("2 of 3 rules, 2 of 86 places, 1 of 2 cases")
        assert count_shown(page) == (2, 2, 1)
        page.fill("#query", "index")
        expect(page.locator("#shown")).to_have_text("1 of 3 rules, 1 of 86 places, 1 of 2 cases")


def test_the_address_shows_the_same_again(browser: Browser, tmp_path: Path) -> None:
    with open_page(browser, write(tmp_path, make_crowded())) as opened:
        page = opened.page
        page.fill("#query", "chat.stream.created odd")
        expect(page.locator("#shown")).to_contain_text("42 of 86 places")
        page.wait_for_function("location.hash.startsWith('#?q=')")
        address = page.url
        page.goto("about:blank")
        page.goto(address)
        expect(page.locator("#query")).to_have_value("chat.stream.created odd")
        expect(page.locator("#shown")).to_contain_text("42 of 86 places")
        page.get_by_role("button", name="Clear").click()
        page.wait_for_function("location.hash === ''")
        page.evaluate("location.hash = '#?outcome=warn'")
        expect(page.locator("#shown")).to_contain_text("2 of 3 rules")
        assert opened.errors == []


def test_keys_lead_from_rule_to_rule(browser: Browser, tmp_path: Path) -> None:
    with open_page(browser, write(tmp_path, make_crowded())) as opened:
        page = opened.page
        for key, rule in (
            ("n", "chat.stream.created"),
            ("n", "tools.call-id"),
            ("n", "tools.index"),
            ("n", "tools.index"),
        ):
            page.keyboard.press(key)
            assert page.evaluate("document.activeElement.parentElement.id") == f"rule-{rule}"
            assert page.evaluate("document.activeElement.parentElement.open")
            assert page.evaluate("location.hash") == f"#rule-{rule}"
        page.keyboard.press("p")
        assert page.evaluate("location.hash") == "#rule-tools.call-id"
        page.keyboard.press("/")
        page.keyboard.type("nope")
        expect(page.locator("#shown")).to_contain_text("0 of 3 rules")
        assert page.locator("#query").input_value() == "nope"


def test_ten_thousand_findings_are_counted_as_they_are_shown(browser: Browser, tmp_path: Path) -> None:
    with open_page(browser, write(tmp_path, make_many())) as opened:
        page = opened.page
        expect(page.locator("#shown")).to_have_text("40 of 40 rules, 10,000 of 10,000 places, 200 of 200 cases")
        for words in ("rule-7", "case-17", "rule-7 case-7", "rule-9 seen 4"):
            page.fill("#query", words)
            page.wait_for_function(
                "words => location.hash.includes(encodeURIComponent(words).replaceAll('%20', '+'))", arg=words
            )
            rules, places, cases = count_shown(page)
            expect(page.locator("#shown")).to_have_text(
                f"{rules} of 40 rules, {places:,} of 10,000 places, {cases} of 200 cases"
            )
            assert 0 < places < 10_000
        seconds = page.evaluate(
            """() => { const began = performance.now(), box = document.getElementById("query");
            box.value = "rule-8 case-8"; box.dispatchEvent(new Event("input", {bubbles: true}));
            return new Promise((done) => requestAnimationFrame(() => done((performance.now() - began) / 1000))); }"""
        )
        assert seconds < MOST_SCRIPT


@pytest.mark.parametrize("make", [make_run, make_judgement, make_diff, make_report_diff])
def test_each_kind_of_page_counts_what_it_has(browser: Browser, tmp_path: Path, make: Any) -> None:
    with open_page(browser, write(tmp_path, make()), PHONE) as opened:
        page = opened.page
        page.fill("#query", "nothing-is-like-this")
        expect(page.locator("#shown")).to_contain_text("0 of")
        assert visible(page, ".rule") == []
        page.get_by_role("button", name="Clear").click()
        expect(page.locator("#shown")).not_to_contain_text("0 of")
        assert "NaN" not in json.dumps(page.locator("#shown").inner_text())
        assert not opened.overflows()
        assert_quiet(opened)
