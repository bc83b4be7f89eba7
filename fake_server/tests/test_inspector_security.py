"""What the inspector keeps from pages, from who lacks the key, and from texts that clients and scripts write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from itertools import pairwise
from urllib.parse import quote

import pytest

from fake_server import FakeServer
from fake_server.server.control.operations import OPERATIONS
from fake_server.tests.inspecting import BROWSER, CLIENT, KEY, chat, newest, page_of
from fake_server.tests.plain_fake import ask, holds

security = pytest.mark.security("pages of other origins")
FOREIGN = [
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
    {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"},
    {"referer": "http://evil.example/"},
]
PAGES = ["/__fake__/", "/__fake__", "/__fake__/inspector", "/__fake__/events", "/__fake__/catalogue", "/@new/__fake__/"]


@pytest.fixture(scope="module")
def with_key() -> Iterator[FakeServer]:
    with FakeServer([], plain=True, api_key="sk-right-0123456789") as running:
        yield running


@security
@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("fields", FOREIGN, ids=str)
def test_no_page_of_another_origin_gets_or_frames_the_inspector(
    fake: FakeServer, path: str, fields: dict[str, str]
) -> None:
    before = holds(fake)
    refused = CLIENT.get(fake.root + path, headers={"accept": "text/html", **fields})
    assert refused.status_code == 403
    assert not [name for name in refused.headers if name.startswith("access-control")]
    assert holds(fake) == before


@security
@pytest.mark.parametrize("fields", FOREIGN[:2], ids=str)
@pytest.mark.parametrize(
    ("method", "path"), [(method, path) for method, path, _ in OPERATIONS if "{" in path or method == "POST"]
)
def test_no_page_of_another_origin_acts_on_a_request(
    fake: FakeServer, method: str, path: str, fields: dict[str, str]
) -> None:
    ask(fake, "POST", "/v1/chat/completions", '{"model": "gpt-4o", "messages": []}')
    at = path.replace("{name}", str(newest(fake)["id"])).replace("{form}", "curl")
    before = holds(fake)
    refused = CLIENT.request(method, fake.root + at, headers={"content-type": "text/plain", **fields}, content=b"{}")
    assert refused.status_code == 403
    assert holds(fake) == before


@security
def test_the_page_lets_nothing_in_and_nothing_out(fake: FakeServer) -> None:
    headers = page_of(fake).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    for name in ("default-src", "frame-ancestors", "base-uri", "form-action"):
        assert policy[name] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert policy["script-src"].startswith("'sha256-")
    assert policy["style-src"].startswith("'sha256-")
    assert policy["require-trusted-types-for"] == "'script'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers


@security
@pytest.mark.parametrize("path", ["/v1/models", "/v1/nope", "/", "/health"])
def test_what_a_browser_shows_beside_it_runs_no_script(fake: FakeServer, path: str) -> None:
    assert CLIENT.get(fake.root + path, headers=BROWSER).headers["content-security-policy"] == "sandbox"


@security
@pytest.mark.parametrize("path", PAGES)
def test_who_lacks_the_key_sees_no_request(with_key: FakeServer, path: str) -> None:
    with_key.space("secret-space")
    CLIENT.get(f"{with_key.base_url}/models/seen-by-nobody", headers={"authorization": "Bearer sk-right-0123456789"})
    before = [space.name for space in with_key.settings.spaces.known()]
    shown = CLIENT.get(with_key.root + path, headers=BROWSER)
    assert shown.status_code == 401
    assert "seen-by-nobody" not in shown.text
    assert "secret-space" not in shown.text
    assert [space.name for space in with_key.settings.spaces.known()] == before


def test_with_the_key_the_page_is_the_page(with_key: FakeServer) -> None:
    locked = CLIENT.get(f"{with_key.url}/__fake__/", headers=BROWSER)
    assert "This server asks for its key" in locked.text
    assert locked.headers["content-type"] == "text/html; charset=utf-8"
    right = {"authorization": "Bearer sk-right-0123456789"}
    assert "asks for its key" not in CLIENT.get(f"{with_key.url}/__fake__/", headers={**BROWSER, **right}).text


HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% for x in y %}",
    "<!--<script>",
    "\u202e<b>\u2028\x00\x07",
    "javascript:alert(1)",
]


@security
@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_client_or_script_becomes_markup(text: str) -> None:
    plain = {
        "name": f"script {text}",
        "when": {"messages": {"last": {"contains": "script me"}}},
        "reply": {"text": "x"},
    }
    with FakeServer([plain], plain=True) as fake:
        empty = page_of(fake).text
        chat(fake, text, model=text)
        chat(fake, f"script me {text}")
        CLIENT.get(f"{fake.url}/v1/{quote(text)}", headers={"x-fake-fault": "error;status=500"})
        shown = page_of(fake).text
        for sign in ("<script", "</script", "<img", "<b>", "<!--", "onerror=", "onmouseover='"):
            count = re.sub(r"<li.*?</li>", "", shown, flags=re.DOTALL).count(sign)
            assert count == empty.count(sign)
        rows = re.findall(r"<li id=.*?</li>", shown, re.DOTALL)
        assert len(rows) == 3
        for row in rows:
            allowed = r"</?(li|a|time|span|b|i|q|em|mark)( [a-z]+=\"[a-z0-9# ]*\")*>"
            assert "<" not in re.sub(allowed, "", row)
        assert "49" not in "".join(re.findall(r"<q>.*?</q>", shown))


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize("form", ["", "/curl", "/pytest", "/script", "/fixture"])
@pytest.mark.parametrize("where", ["authorization", "api-key", "x-api-key", "cookie", "x-auth-token"])
def test_no_credential_of_a_request_is_shown(fake: FakeServer, form: str, where: str) -> None:
    value = f"Bearer {KEY}" if where == "authorization" else f"session={KEY}" if where == "cookie" else KEY
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": f"say {KEY}"}], "stream": bool(form)}
    CLIENT.post(f"{fake.base_url}/chat/completions", json=body, headers={where: value})
    number = newest(fake)["id"]
    texts = [CLIENT.get(f"{fake.url}/__fake__/requests/{number}{form}").text, page_of(fake).text]
    with CLIENT.stream("GET", f"{fake.url}/__fake__/events?follow=true") as stream:
        texts.append(next(line for line in stream.iter_lines() if line.startswith("data: ")))
    for text in texts:
        assert KEY not in unescape(text)


@pytest.mark.security("hostile files")
@pytest.mark.parametrize("name", ["/etc/passwd", "pyproject.toml", "../x", "README.md"])
def test_a_script_of_the_page_sends_no_file(fake: FakeServer, name: str) -> None:
    text = f"- name: x\n  reply: {{raw: {{body_file: {name}}}}}\n"
    assert CLIENT.post(f"{fake.url}/__fake__/scripts", json={"yaml": text}).status_code == 400


ALIASES = "".join(f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in pairwise("abcdefghij"))
FILES = {
    "aliases": f"a: &a [x]\n{ALIASES}",
    "brackets": "[" * 5000,
    "dashes": "- " * 5000,
    "long": "x" * 2_000_000,
    "many": "- name: x\n  when: {path: {regex: '((a+)+)+$'}}\n  reply: {text: x}\n" * 500,
}


@pytest.mark.security("work of one request")
@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_a_script_file_of_the_page_is_bounded(fake: FakeServer, text: str) -> None:
    refused = CLIENT.post(f"{fake.url}/__fake__/scripts?check=true", json={"yaml": text}, timeout=60)
    assert refused.status_code == 400
    assert refused.json()["error"]["message"].startswith("script:")


BODIES = [b"[" * 100_000, b'{"messages":' * 20_000, b'{"model":"' + b"x" * 3_000_000 + b'"}', b"\xff" * 90_000]


@pytest.mark.security("work of one request")
@pytest.mark.parametrize("body", BODIES, ids=["brackets", "objects", "long", "no text"])
def test_a_hostile_body_is_listed_and_shown(fake: FakeServer, body: bytes) -> None:
    CLIENT.post(f"{fake.base_url}/chat/completions", content=body, headers={"content-type": "application/json"})
    assert CLIENT.get(f"{fake.url}/__fake__/requests/{newest(fake)['id']}").status_code == 200
    with CLIENT.stream("GET", f"{fake.url}/__fake__/events?follow=true") as stream:
        line = next(line for line in stream.iter_lines() if line.startswith("data: "))
    assert len(line) < 5000
    assert page_of(fake).status_code == 200
