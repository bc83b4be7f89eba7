"""What a page of another origin, or under a name that it points here, can reach of a fake: /v1 alone, as any client."""

from __future__ import annotations

import json
import socket

import pytest

from fake_server import FakeServer
from fake_server.access import AllowedHosts, is_loopback
from fake_server.bugs.catalogue import bugs
from fake_server.server.control.operations import OPERATIONS
from fake_server.tests.plain_fake import ask, holds

security = pytest.mark.security("pages of other origins")

OWN_HOSTS = (
    *("localhost", "LOCALHOST", "localhost:80", "localhost:", "localhost.", "a.b.localhost:1337", "127.0.0.1"),
    *("127.255.3.4:9", "127.0.0.1.", "127.1", "0x7f000001", "[::1]", "[::1]:1337", "[0:0:0:0:0:0:0:1]", "0.0.0.0:1"),
    *(" localhost\t", "127.0.0.1 "),
    *("192.0.2.7:1337", "[2001:db8::7]:80", "[fe80::1%25eth0]:1"),
)
FOREIGN_HOSTS = (
    *("evil.example", "evil.example:1337", "localhost.evil.example", "127.0.0.1.evil.example", "localhost.example"),
    *("evil-localhost", "xlocalhost", "localhost..", ".localhost.", "fake", "fake:1337", "1.2.3.4.nip.example"),
    *("host.docker.internal", "127.0.0.1.1", "256.0.0.1", "xn--lcalhost-n3a", "lokalhost", "local host", "localhost,a"),
)
MALFORMED_HOSTS = (
    *("", " ", "localhost@evil.example", "evil.example@localhost", "localhost:1337@evil.example", "localhost:80:80"),
    *("localhost:x", "http://localhost", "localhost/", "localhost?", "localhost#", "[::1", "::1", "[evil]", "[::g]"),
    *("ｌｏｃａｌｈｏｓｔ", "lоcalhost", "localhost\\evil", "localhost\t.evil", "a" * 400, "*", "localhost%00.evil"),
)


def send(fake: FakeServer, request: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    """Send a request as it stands; the status, the fields with names in lower case, and the body of the reply."""
    head = f"{request}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", int(fake.root.rpartition(":")[2])), 60) as link:
        link.sendall(head.encode("utf-8") + body)
        received, _, payload = link.makefile("rb").read().partition(b"\r\n\r\n")
    first, *lines = received.decode("latin-1").split("\r\n")
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split(" ")[1]), fields, payload


# -- the name that a request gives the server


@pytest.mark.parametrize("host", OWN_HOSTS)
def test_a_server_answers_to_names_of_this_machine_and_to_addresses(fake: FakeServer, host: str) -> None:
    assert AllowedHosts().refuse(host.strip()) is None
    assert send(fake, f"GET /v1/models HTTP/1.1\r\nHost: {host}")[0] == 200


@security
@pytest.mark.parametrize("path", ["/__fake__/requests", "/v1/models"])
@pytest.mark.parametrize("host", FOREIGN_HOSTS + MALFORMED_HOSTS)
def test_a_server_answers_to_no_other_name(fake: FakeServer, host: str, path: str) -> None:
    page = f"Origin: http://{host or 'a'}\r\nX-Forwarded-Host: localhost\r\nForwarded: host=localhost"
    before = holds(fake)
    status, fields, payload = send(fake, f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{page}")
    assert status == (
        400 if host in (*MALFORMED_HOSTS, "local host", "localhost,a", ".localhost.", "localhost..") else 421
    )
    assert not [name for name in fields if name.startswith("access-control")]
    error = json.loads(payload)["error"]
    assert error["type"] == "invalid_request_error"
    if status == 421:
        name = host.partition(":")[0]
        assert f"start the server with --allow-host {name} " in error["message"]
        assert f"allow_hosts=['{name}']" in error["message"]
    assert holds(fake) == before


@security
@pytest.mark.parametrize(
    ("target", "hosts", "status"),
    [
        ("http://evil.example/__fake__/requests", ["localhost"], 421),
        ("HTTPS://evil.example:1337/v1/models", ["localhost"], 421),
        ("http://localhost@evil.example/v1/models", ["localhost"], 400),
        ("http://localhost/v1/models", ["evil.example"], 421),
        ("http://localhost/v1/models", ["localhost"], 200),
        ("/v1/models", ["localhost", "evil.example"], 400),
        ("/v1/models", ["evil.example", "localhost"], 400),
        ("/v1/models", ["localhost", "localhost"], 400),
        ("/v1/models", [], 400),
    ],
)
def test_no_second_name_speaks_for_the_first(fake: FakeServer, target: str, hosts: list[str], status: int) -> None:
    lines = [f"GET {target} HTTP/1.1", *(f"Host: {host}" for host in hosts)]
    assert send(fake, "\r\n".join(lines))[0] == status


LOCAL, EVIL = "Host: localhost", "Host: evil.example"
PAGE = "Origin: http://evil.example"


@security
@pytest.mark.parametrize(
    ("before", "lines", "status"),
    [
        ("", [EVIL, "Connection: Upgrade", "Upgrade: websocket"], b"421"),
        ("", [LOCAL, PAGE, "Connection: Upgrade, close", "Upgrade: websocket", "Content-Length: 0"], b"403"),
        ("", [LOCAL, " .evil.example"], b"400"),
        ("", ["hOST: localhost", "HOST: evil.example"], b"400"),
        ("", [LOCAL, "Origin: http://localhost", PAGE], b"403"),
        ("", [LOCAL, PAGE, "Transfer-Encoding: chunked", "", "0", "Origin: http://localhost", LOCAL], b"403"),
        (f"GET /health HTTP/1.1\r\n{LOCAL}\r\n\r\n", [EVIL], b"421"),
        (f"GET /health HTTP/1.1\r\n{LOCAL}\r\nOrigin: http://localhost\r\n\r\n", [LOCAL, PAGE], b"403"),
    ],
)
def test_no_form_of_http_hides_a_page(fake: FakeServer, before: str, lines: list[str], status: bytes) -> None:
    fake.reply("kept")
    held = holds(fake)
    whole = "\r\n".join([f"{before}POST /__fake__/reset HTTP/1.1", *lines, "", ""])
    with socket.create_connection(("127.0.0.1", int(fake.root.rpartition(":")[2])), 60) as link:
        link.sendall(whole.encode())
        link.shutdown(socket.SHUT_WR)
        received = link.makefile("rb").read()
    assert received.rpartition(b"HTTP/1.1 ")[2].startswith(status)
    assert [row[:4] for row in holds(fake)] == [row[:4] for row in held]


def test_a_program_without_host_is_answered(fake: FakeServer) -> None:
    assert send(fake, "GET /v1/models HTTP/1.0")[0] == 200


@pytest.mark.parametrize(
    ("names", "allowed", "refused"),
    [
        (["fake"], ["fake", "FAKE:1337", "fake."], ["a.fake", "fake2", "fak"]),
        (
            ["*.example.org"],
            ["a.example.org", "a.b.EXAMPLE.org:1"],
            ["example.org", "aexample.org", "example.org.evil"],
        ),
        (["Example.org."], ["example.org", "example.org."], ["www.example.org"]),
        (["bücher.example"], ["xn--bcher-kva.example"], ["bücher.example"]),
        (["*"], ["anything.example", "fake"], ["", "a b", "a@b"]),
        (["::1", "10.0.0.1"], ["[::1]"], ["a"]),
    ],
)
def test_names_can_be_added(names: list[str], allowed: list[str], refused: list[str]) -> None:
    hosts = AllowedHosts(names)
    assert [host for host in allowed if hosts.refuse(host)] == []
    assert [host for host in refused if not hosts.refuse(host)] == []


@pytest.mark.parametrize(
    "name", ["http://fake", "fake:1337", "", "a b", "**", "*.", "a/b", "user@fake", "*fake", "..", "ß" * 70]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"name|label"):
        AllowedHosts([name])


def test_beyond_loopback_containers_are_answered_and_no_page_of_the_internet() -> None:
    hosts = AllowedHosts(["fake.lan"], beyond_loopback=True)
    answered = ("fake:1337", "my_service", "host.docker.internal", "10.1.2.3:80", "fake.lan", "localhost")
    assert [host for host in answered if hosts.refuse(host)] == []
    refused = ("evil.example", "internal.evil.example", "fake.lan.evil.example", "xinternal.example", "a.local")
    assert [host for host in refused if not hosts.refuse(host)] == []
    assert [is_loopback(address) for address in ("127.0.0.1", "::1", "0.0.0.0", "::", "10.0.0.1", "fe80::1%eth0")] == [
        *(True, True),
        *(False, False, False, False),
    ]


def test_a_server_in_python_is_given_names() -> None:
    with FakeServer([], allow_hosts=["host.docker.internal"]) as fake:
        assert ask(fake, "GET", "/v1/models", host="host.docker.internal:1").status_code == 200
        assert ask(fake, "GET", "/v1/models", host="evil.example").status_code == 421


# -- what pages may do

FOREIGN_PAGES: tuple[dict[str, str], ...] = (
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "http://localhost"},
    {"origin": "http://localhost:3000"},
    {"origin": "https://127.0.0.1"},
    {"origin": "http://127.0.0.1.evil.example"},
    {"origin": "file://"},
    {"origin": "chrome-extension://abcdef"},
    {"origin": "OWN, https://evil.example"},
    {"origin": "OWN.evil.example"},
    {"origin": "OWN/"},
    {"origin": "https://evil.example#OWN"},
    {"origin": "null", "sec_fetch_site": "same-origin"},
    {"origin": "OWN", "sec_fetch_site": "cross-site"},
    {"origin": "OWN", "sec_fetch_site": "same-site"},
    {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "script"},
    {"sec_fetch_site": "same-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"},
    {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"},
    {"sec_fetch_site": "cross-site, same-origin"},
    {"sec_fetch_site": ""},
    {"referer": "https://evil.example/page"},
    {"referer": "http://localhost:3000/"},
    {"referer": "about:blank"},
)
CONTROLS = (
    *[(method, path.replace("{name}", "cut 1")) for method, path, _ in OPERATIONS],
    *(("POST", "/@mine/__fake__/replies"), ("HEAD", "/__fake__/requests"), ("OPTIONS", "/__fake__/replies")),
    *(("PUT", "/__fake__/x"), ("GET", "/__fake__/assets/favicon.png"), ("POST", "/__fake__/reset?all=true")),
)


@security
@pytest.mark.parametrize("page", FOREIGN_PAGES, ids=lambda page: "; ".join(f"{key}={page[key]}" for key in page))
def test_a_foreign_page_controls_nothing_and_reads_nothing(fake: FakeServer, page: dict[str, str]) -> None:
    fake.space("mine").reply("mine")
    fake.reply("kept")
    fake.fault("cut", after_events=3)
    fake.settings.spaces("mine")
    before = holds(fake)
    fields = {name: value.replace("OWN", fake.root) for name, value in page.items()}
    for method, path in CONTROLS:
        for kind in ("application/json", "text/plain", "") if method == "POST" else ("",):
            body = '{"text": "x", "reply": {"text": "x"}, "fault": "close"}' if method == "POST" else None
            reply = ask(fake, method, path, body, content_type=kind, **fields)
            assert reply.status_code == 403, (method, path)
            assert not [name for name in reply.headers if name.startswith("access-control")]
            if method != "HEAD":
                assert reply.json()["error"]["code"] == "foreign_origin"
    assert holds(fake) == before


@security
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000"])
@pytest.mark.parametrize("path", ["/__fake__/replies", "/@mine/__fake__/faults", "/@a b/__fake__/reset", "/metrics"])
def test_no_preflight_opens_control(fake: FakeServer, path: str, origin: str) -> None:
    asked = {"access_control_request_method": "POST", "access_control_request_headers": "content-type,x-fake-space"}
    reply = ask(fake, "OPTIONS", path, origin=origin, access_control_request_private_network="true", **asked)
    assert reply.status_code in (400, 403)
    assert not [name for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"origin": "OWN"},
        {"origin": "OWN", "sec_fetch_site": "same-origin", "sec_fetch_mode": "cors", "referer": "OWN/docs"},
        {"sec_fetch_site": "none", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"},
        {"sec_fetch_site": "same-origin", "referer": "OWN/docs"},
    ],
)
def test_programs_and_pages_of_the_server_control_it(fake: FakeServer, page: dict[str, str]) -> None:
    fields = {name: value.replace("OWN", fake.root) for name, value in page.items()}
    assert ask(fake, "GET", "/__fake__/requests", **fields).status_code == 200
    assert ask(fake, "POST", "/__fake__/replies", '"x"', content_type="application/json", **fields).status_code == 201
    assert ask(fake, "POST", "/__fake__/reset", **fields).status_code == 204


def test_a_user_may_follow_a_link(fake: FakeServer) -> None:
    came = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    assert ask(fake, "GET", "/__fake__", referer="https://a.example/", **came).status_code == 200
    assert ask(fake, "POST", "/__fake__/reset", referer="https://a.example/", **came).status_code == 403


def test_a_proxy_before_the_server_that_speaks_tls(fake: FakeServer) -> None:
    fields = {"host": "127.0.0.1", "origin": "https://127.0.0.1"}
    assert ask(fake, "POST", "/__fake__/reset", **fields).status_code == 204
    fields = {"host": "127.0.0.1:80", "origin": "http://127.0.0.1"}
    assert ask(fake, "POST", "/__fake__/reset", **fields).status_code == 204


@security
def test_no_get_changes_anything(fake: FakeServer) -> None:
    fake.reply("kept")
    before = holds(fake)
    for method, path, _ in OPERATIONS:
        if method == "GET":
            for query in ("", "?all=true", "?_method=DELETE&limit=1"):
                ask(fake, "GET", path + query, x_http_method_override="DELETE", x_http_method="POST")
                ask(fake, "HEAD", path + query)
    assert holds(fake) == before


@pytest.mark.parametrize("origin", ["https://app.example", "http://localhost:3000", "null"])
def test_any_page_may_use_v1(fake: FakeServer, origin: str) -> None:
    fake.reply("for the page")
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]})
    reply = ask(fake, "POST", "/v1/chat/completions", body, origin=origin, sec_fetch_site="cross-site")
    assert reply.headers["access-control-allow-origin"] == "*"
    assert reply.json()["choices"][0]["message"]["content"] == "for the page"
    assert fake.requests[-1].header("origin") == origin


@security
@pytest.mark.parametrize("named", ["path", "header", "key"])
def test_a_foreign_page_makes_no_space(fake: FakeServer, named: str) -> None:
    """Else a page could evict those of tests, as a space that is made evicts one; it may ask in one that is there."""
    mine = fake.space("mine")
    mine.reply("for the page")
    known = [space.name for space in fake.settings.spaces.known()]
    for name in ("other", "mine"):
        path = f"/@{name}/v1/models" if named == "path" else "/v1/models"
        fields = {"path": {}, "header": {"x_fake_space": name}, "key": {"authorization": f"Bearer sk-a@{name}"}}[named]
        assert ask(fake, "GET", path, sec_fetch_site="cross-site", **fields).status_code == 200
        assert ask(fake, "GET", path, origin="https://app.example", **fields).status_code == 200
    assert [space.name for space in fake.settings.spaces.known()] == known
    assert len(mine.requests) == 2
    assert len(fake.space("other").requests) == 2  # which the journal has all the same


@security
@pytest.mark.parametrize("page", [{"origin": "https://evil.example"}, {"sec_fetch_site": "cross-site"}])
@pytest.mark.parametrize("header", [{"x_fake_fault": "cross-talk;wait=5"}, {"x_fake_bug": "CROSS-TALK"}])
def test_no_page_asks_for_the_words_of_others(fake: FakeServer, page: dict[str, str], header: dict[str, str]) -> None:
    crossing = next(bug.id for bug in bugs().values() if any(fault.fault == "cross-talk" for fault in bug.play))
    fields = {name: value.replace("CROSS-TALK", crossing) for name, value in header.items()}
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]})
    refused = ask(fake, "POST", "/v1/chat/completions", body, **page, **fields)
    assert (refused.status_code, "may not ask for what other clients say" in refused.text) == (400, True)
