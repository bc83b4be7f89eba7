"""Pages in a real browser: Debian's chromium, driven by playwright, which sees only what 127.0.0.1 serves.

A page is opened with `open_page`, which also collects what a good page never has: errors on the console, and
requests that leave for another server. `find_accessibility_faults` asks axe.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from contract_tests.lab.tools.environments import NotInstalled

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",  # its own sandbox does not start as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
DESKTOP, PHONE = (1280, 900), (390, 844)
"""Width and height of the usual windows, in CSS pixels."""


@dataclass
class Opened:
    """A page in the browser. `errors` are those of its console and its scripts; `requests` the URLs it asked for."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def foreign_requests(self) -> list[str]:
        """The URLs that do not lie on the server or in the file that the page came from."""
        home = urlsplit(self.page.url)
        own = {(home.scheme, home.netloc), ("data", ""), ("blob", "")}
        return [url for url in self.requests if urlsplit(url)[:2] not in own]

    def overflows(self) -> bool:
        """Whether the page is wider than its window, so that a reader has to scroll sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


def find_chromium() -> str:
    """The path of the browser. Raises NotInstalled where there is none."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    raise NotInstalled(f"no browser is installed ({', '.join(NAMES)}): `apt-get install chromium` brings one")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser until the block ends. Raises NotInstalled where there is none."""
    path = find_chromium()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_page(
    browser: Browser,
    url: str,
    size: tuple[int, int] = DESKTOP,
    *,
    dark: bool = False,
    scripts: bool = True,
    permissions: tuple[str, ...] = (),
) -> Iterator[Opened]:
    """The page at a URL in a fresh profile; `permissions` such as clipboard-read are granted to it."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripts,
        permissions=list(permissions),
    )
    try:
        page = context.new_page()
        opened = Opened(page)

        def add_error(message: ConsoleMessage) -> None:
            if message.type == "error":
                opened.errors.append(message.text)

        page.on("console", add_error)
        page.on("pageerror", lambda error: opened.errors.append(str(error)))
        page.on("request", lambda request: opened.requests.append(request.url))
        page.goto(url)
        yield opened
    finally:
        context.close()


def find_accessibility_faults(page: Page, impacts: tuple[str, ...] = ("serious", "critical")) -> list[str]:
    """What axe finds of these impacts: `rule: help (first element)`."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {fault['help']} ({fault['nodes'][0]['html'][:200]})"
        for fault in violations
        if fault["impact"] in impacts
    ]
