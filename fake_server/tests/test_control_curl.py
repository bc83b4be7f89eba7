"""The control API as curl asks it, without a content type and in plain words, and as no page of a browser may."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import httpx2
import pytest

from fake_server import FakeServer

FORM = "application/x-www-form-urlencoded"
"""The type that `curl -d` sends."""


def post(fake: FakeServer, path: str, body: str, **fields: str) -> httpx2.Response:
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    return httpx2.post(f"{fake.root}/__fake__{path}", content=body.encode(), headers=headers)


def said(fake: FakeServer) -> Any:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
    return httpx2.post(f"{fake.base_url}/chat/completions", json=body).json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize("sent", [{}, {"content_type": FORM}, {"content_type": "text/plain; charset=utf-8"}])
def test_json_needs_no_content_type(fake: FakeServer, sent: dict[str, str]) -> None:
    assert post(fake, "/replies", '{"text": "one"}', **sent).status_code == 201
    assert post(fake, "/scripts", '{"reply": {"text": "two"}}', **sent).status_code == 201
    assert post(fake, "/faults", '[{"fault": "error", "times": 1}, "slow"]', **sent).status_code == 201
    assert [active.fault.fault for active in fake.settings.spaces().faults.current] == ["error", "slow"]
    fake.settings.spaces().faults.remove()
    assert [said(fake), said(fake)] == ["one", "two"]


@pytest.mark.parametrize(
    ("body", "sent", "texts"),
    [
        ("Hello, 木!", {"content_type": FORM}, ["Hello, 木!"]),
        ("a=b&c", {}, ["a=b&c"]),
        ("5", {}, ["5"]),
        ("null", {"content_type": FORM}, ["null"]),
        ('"Hello"', {"content_type": FORM}, ["Hello"]),
        ('"Hello"', {"content_type": "application/json"}, ["Hello"]),
        ('["a", {"text": "b"}, "c"]', {"content_type": "application/json"}, ["a", "b", "c"]),
    ],
)
def test_a_bare_text_is_the_next_reply(fake: FakeServer, body: str, sent: dict[str, str], texts: list[str]) -> None:
    assert post(fake, "/replies", body, **sent).status_code == 201
    assert [said(fake) for _ in texts] == texts


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ("no-done", [{"fault": "no-done"}]),
        ("cut;after_events=3;ending=rst\n", [{"fault": "cut", "after_events": 3, "ending": "rst"}]),
        ("split;every=5, no-space", [{"fault": "split", "every": 5}, {"fault": "no-space"}]),
        ('"bom"', [{"fault": "bom"}]),
        ('["bom", {"fault": "no-done"}]', [{"fault": "bom"}, {"fault": "no-done"}]),
    ],
)
def test_a_bare_fault_is_written_as_in_the_header(fake: FakeServer, body: str, faults: list[Any]) -> None:
    assert post(fake, "/faults", body, content_type=FORM).status_code == 201
    assert [active.fault.to_dict() for active in fake.settings.spaces().faults.current] == faults


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/faults", "cutt", "the text: there is no fault 'cutt': did you mean 'cut'?"),
        ("/faults", "é木", "write it like the text: cut;after_events=2"),
        ("/faults", "5", "the text: 5 is not the name of a fault"),
        ("/faults", "[5]", "a JSON object or a text is expected"),
        ("/faults", '{"fault": }', "not JSON: "),
        ("/replies", '{"text": "a}', "not JSON: "),
        ("/replies", "", "not JSON: "),
        ("/scripts", "Hello", "not JSON: "),
        ("/scripts", '"Hello"', "a JSON object is expected, or several in an array"),
    ],
)
def test_what_is_no_text_and_no_json_is_refused(fake: FakeServer, path: str, body: str, message: str) -> None:
    refused = post(fake, path, body, content_type=FORM)
    assert (refused.status_code, message in refused.json()["error"]["message"]) == (400, True)


@pytest.mark.security("pages of other origins")
@pytest.mark.parametrize("page", [{"origin": "OWN"}, {"sec_fetch_site": "same-origin"}, {"sec_fetch_site": "none"}])
@pytest.mark.parametrize("sent", [{}, {"content_type": FORM}, {"content_type": "text/plain"}])
def test_a_page_declares_json(fake: FakeServer, page: dict[str, str], sent: dict[str, str]) -> None:
    """What any page may send without a preflight changes nothing; pages of other origins are refused altogether."""
    page = {name: value.replace("OWN", fake.root) for name, value in page.items()}
    for path, body in (("/faults", '{"fault": "close"}'), ("/replies", "x"), ("/scripts", '{"reply": {"text": "x"}}')):
        refused = post(fake, path, body, **page, **sent)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "unsupported_content_type")
        assert post(fake, path, body, content_type="application/x-yaml").status_code == 400
    assert said(fake) != "x"
    assert post(fake, "/replies", '"y"', content_type="application/json", **page).status_code == 201
    assert said(fake) == "y"


def test_curl_itself(fake: FakeServer) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    for path, body in (("replies", "Hello"), ("faults", "header;name=x-odd;value=yes"), ("faults", '{"fault": "bom"}')):
        done = subprocess.run(
            [curl, "-sS", "-d", body, f"{fake.root}/__fake__/{path}"], capture_output=True, check=True
        )
        assert b'"added"' in done.stdout
    assert len(fake.settings.spaces().faults.current) == 2


def test_a_slash_at_the_end_changes_nothing_but_is_no_name(fake: FakeServer) -> None:
    control = f"{fake.root}/__fake__"
    assert httpx2.get(f"{control}/").json().keys() == httpx2.get(control).json().keys()
    assert httpx2.get(f"{fake.space('mine').url}/__fake__/").json()["space"] == "mine"
    assert post(fake, "/scripts/", '{"reply": {"text": "x"}}').status_code == 201
    assert [httpx2.get(f"{control}/{name}/").status_code for name in ("scripts", "faults", "requests")] == [200] * 3
    assert httpx2.delete(f"{control}/scripts/").status_code == 404  # not: remove every script
    assert said(fake) == "x"
    assert httpx2.get(f"{control}/nothing/").status_code == 404
