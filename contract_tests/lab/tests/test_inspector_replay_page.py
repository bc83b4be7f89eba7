"""The inspector of a server that replays, in a real browser: which recording answered, or why none did."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from contract_tests.lab.tests.inspected import KEY, inspector, open_request
from contract_tests.lab.tools.browser import DESKTOP, PHONE, find_accessibility_faults
from fake_server.replay import ReplayServer
from fake_server.wire.exchange import Ending, Exchange, Request, Write

pytestmark = pytest.mark.slow
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
REPLY = b'{"id":"x","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}'
EVENTS = (Write(b'data: {"n":1}\n\n', 0.02), Write(b'data: {"n":2}\n\n', 0.03))
EVIL = "<img src=x onerror=alert(1)>"


def recorded(text: str, label: str, media: str, *writes: Write, cut: bool = False) -> Exchange:
    body = json.dumps({**BODY, "messages": [{"role": "user", "content": text}]}).encode()
    size = str(sum(len(write.data) for write in writes))
    framing = ("transfer-encoding", "chunked") if cut else ("content-length", size)
    asked = Request("POST", "/v1/chat/completions", body=body)
    ending = Ending.CUT if cut else Ending.CLEAN
    return Exchange(asked, 200, (("content-type", media), framing), writes, ending, label=label)


RECORDED = [
    recorded("hi", "greeting", "application/json", Write(REPLY)),
    recorded("stream", "a cut stream", "text/event-stream", *EVENTS, cut=True),
    recorded(EVIL, EVIL, "text/html", Write(EVIL.encode())),
]


@pytest.fixture
def replay() -> Iterator[ReplayServer]:
    with ReplayServer(RECORDED) as server:
        yield server


def ask(replay: ReplayServer, text: str) -> int:
    body = {**BODY, "messages": [{"role": "user", "content": text}]}
    fields = {"authorization": f"Bearer {KEY}"}
    try:
        return httpx2.post(f"{replay.base_url}/chat/completions", json=body, headers=fields).status_code
    except httpx2.RemoteProtocolError:
        return 0


def test_what_answered_and_what_did_not_is_listed_as_it_comes(browser: Browser, replay: ReplayServer) -> None:
    assert ask(replay, "hi") == 200
    with inspector(browser, replay) as page:
        expect(page.locator("h1")).to_have_text("fake-server --replay")
        expect(page.locator("#list li")).to_have_count(1)
        expect(page.locator("#list li")).to_contain_text("greeting")
        assert ask(replay, "something else") == 404
        first = page.locator("#list li").first
        expect(first).to_contain_text("no recording")
        expect(first).to_contain_text("messages[0].content is")
        page.locator("#filter").fill("no recording")
        expect(page.locator("#count")).to_have_text("1 of 2 requests")


def test_a_request_is_opened_with_its_reply_and_its_ending(browser: Browser, replay: ReplayServer) -> None:
    assert (ask(replay, "hi"), ask(replay, "stream")) == (200, 0)
    with inspector(browser, replay) as page:
        detail = page.locator("#detail")
        open_request(page, "greeting")
        for text in ("answered by", "prompt 3, completion 4", "clean", "<redacted>"):
            expect(detail).to_contain_text(text)
        open_request(page, "a cut stream")
        for text in ("cut", "2 writes", "longest pause"):
            expect(detail).to_contain_text(text)
        assert (page.locator("path.ticks").get_attribute("d") or "").count("M") == 2
        detail.locator(".part", has_text="reply").last.get_by_role("button", name="raw").click()
        expect(detail).to_contain_text('data: {"n":2}')
        assert KEY not in page.content()


def test_only_what_a_replay_can_do_is_offered(browser: Browser, replay: ReplayServer) -> None:
    ask(replay, "hi")
    with inspector(browser, replay) as page:
        open_request(page, "greeting")
        names = [name for name in page.get_by_role("button").all_inner_texts() if name not in ("pretty", "raw")]
        assert names == ["Clear", "Close", "Copy curl"]
        page.keyboard.press("a")
        page.get_by_role("button", name="Copy curl").click()
        expect(page.locator("#say")).to_have_text("copied: curl")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith(f"curl -sS {replay.base_url}/chat/completions")
        assert KEY not in copied
        expect(page.locator("#list li")).to_have_count(1)


def test_clearing_begins_the_recordings_anew(browser: Browser, replay: ReplayServer) -> None:
    ask(replay, "hi")
    assert len(replay.unplayed) == 2
    with inspector(browser, replay) as page:
        page.get_by_role("button", name="Clear").click()
        expect(page.locator("dialog")).to_contain_text("The recordings begin anew.")
        expect(page.get_by_role("button", name="Reset the space")).to_have_count(0)
        page.get_by_role("button", name="Forget requests").click()
        expect(page.locator("#list li")).to_have_count(0)
        expect(page.locator("#none")).to_contain_text(f"{replay.url}/v1")
        ask(replay, "hi")
        expect(page.locator("#list li")).to_have_count(1)
    assert len(replay.unplayed) == 2


@pytest.mark.security("pages of other origins")
def test_texts_of_recordings_are_texts(browser: Browser, replay: ReplayServer) -> None:
    assert ask(replay, EVIL) == 200
    with inspector(browser, replay) as page:
        page.on("dialog", lambda dialog: pytest.fail("a script ran"))
        open_request(page, EVIL)
        expect(page.locator("#detail")).to_contain_text(EVIL)
        assert page.locator("img, iframe, object").count() == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_no_serious_fault(browser: Browser, replay: ReplayServer, size: tuple[int, int], dark: bool) -> None:
    for text in ("hi", "stream", "nothing like it"):
        ask(replay, text)
    with inspector(browser, replay, size, dark=dark) as page:
        expect(page.locator("#list li")).to_have_count(3)
        assert not find_accessibility_faults(page)
        open_request(page, "a cut stream")
        assert not find_accessibility_faults(page)
        page.locator("#detail").get_by_role("button", name="Close").click()
        page.get_by_role("button", name="Clear").click()
        expect(page.locator("dialog")).to_be_visible()
        assert not find_accessibility_faults(page)


def test_without_script_the_page_lists_the_requests(browser: Browser, replay: ReplayServer) -> None:
    ask(replay, "hi")
    with inspector(browser, replay, scripts=False) as page:
        expect(page.locator("#list li")).to_contain_text("greeting")
        expect(page.get_by_role("button")).to_have_count(0)
