"""A reply that a browser shows as a page runs no script in the fake's own origin, whatever it repeats or says it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from fake_server import FakeServer
from fake_server.server.app import SANDBOX

SCRIPT = "<script>fetch('/__fake__/requests')</script>"
NAVIGATIONS = {
    "a link": {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "cross-site"},
    "a frame": {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe", "sec-fetch-site": "cross-site"},
    "an old browser": {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
}
FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "HTML": {"fault": "header", "name": "content-type", "value": "text/html"},
    "no type": {"fault": "header", "name": "content-type", "value": None},
    "a policy of its own": {"fault": "header", "name": "Content-Security-Policy", "value": "script-src *"},
}


@pytest.fixture(scope="module")
def server() -> Iterator[FakeServer]:
    with FakeServer([], seed=3) as running:
        yield running


def _ask(fake: FakeServer, path: str, headers: dict[str, str]) -> httpx2.Response:
    with httpx2.Client() as client:
        if path.startswith("/v1/chat"):
            form = {**headers, "content-type": "text/plain", "origin": "null"}
            return client.post(fake.root + path, content=b"{}", headers=form)
        return client.get(fake.root + path, headers=headers)


@pytest.mark.security("pages of other origins")
@pytest.mark.parametrize("path", [f"/v1/models/{SCRIPT}", f"/{SCRIPT}", "/v1/chat/completions", "/"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("navigation", NAVIGATIONS)
def test_a_reply_shown_as_a_page_is_in_a_sandbox(server: FakeServer, path: str, fault: str, navigation: str) -> None:
    server.reset()
    if given := dict(FAULTS[fault]):
        server.fault(given.pop("fault"), **given)
    reply = _ask(server, path, NAVIGATIONS[navigation])
    for name, value in SANDBOX.items():
        assert reply.headers.get_list(name) == [value]


@pytest.mark.parametrize("path", ["/v1/models", "/v1/chat/completions", "/"])
def test_clients_of_the_api_see_no_such_field(server: FakeServer, path: str) -> None:
    server.reset()
    for accept in ("application/json", "*/*", "text/event-stream"):
        assert not SANDBOX.keys() & {name.lower() for name in _ask(server, path, {"accept": accept}).headers}


def test_the_page_of_the_document_may_run_its_scripts(server: FakeServer) -> None:
    assert "content-security-policy" not in _ask(server, "/docs", NAVIGATIONS["a link"]).headers
