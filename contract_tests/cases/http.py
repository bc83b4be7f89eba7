"""Section http: what holds for any request, whatever it asks for."""

from __future__ import annotations

from contract_tests.cases.prompts import SHORT, repeat
from contract_tests.target.ask import Ask
from contract_tests.target.case import case, chat_case
from contract_tests.target.endpoints import CHAT
from contract_tests.target.errors import NotReached

GZIP = (("Accept-Encoding", "gzip"),)
PLAIN = (("Accept-Encoding", "identity"),)
CHARSET = (("Content-Type", "application/json; charset=utf-8"),)
ANY = (("Accept", "*/*"),)
CHUNKED = (("Transfer-Encoding", "chunked"), ("Content-Length", None))
PAGE = "https://app.example"


chat_case("http.gzip", "an answer that may be compressed", SHORT, headers=GZIP)
chat_case("http.stream-gzip", "a stream that may be compressed", SHORT, stream=True, headers=GZIP)
chat_case("http.plain", "an answer that must not be compressed", SHORT, headers=PLAIN)
chat_case("http.charset", "a request whose media type names its charset", SHORT, headers=CHARSET)
chat_case("http.accept-any", "a stream asked for with Accept: */*", SHORT, stream=True, headers=ANY)


@case("http.page", title="a web page that asks, after what its browser asks", requests=2, tokens=16)
async def page(ask: Ask) -> None:
    wanted = [
        ("Origin", PAGE),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization,content-type"),
        ("Authorization", None),
    ]
    await ask.raw("OPTIONS", CHAT, headers=wanted, role="preflight", keyless=True)
    await ask(ask.body(SHORT, 16), role="page", headers=[("Origin", PAGE)])


@case("http.chunked-request", title="a request body in chunks", tokens=16)
async def chunked_request(ask: Ask) -> None:
    control = ask.session.control
    if control is not None and control.http_version == "1.0":
        raise NotReached("the target answers in HTTP/1.0, to which no client may send chunks (RFC 9112, section 6.1)")
    await ask(ask.body(SHORT, 16), headers=CHUNKED)


@case("http.head", title="HEAD where there is a GET")
async def head(ask: Ask) -> None:
    await ask.raw("HEAD", "/models", role="head")


@case("http.keep-alive", title="three requests over one connection", requests=3, tokens=96)
async def keep_alive(ask: Ask) -> None:
    words = {f"caller {number}": ask.nonce() for number in (1, 2, 3)}
    await ask.in_turn([(role, ask.body(repeat(word)), word) for role, word in words.items()])
