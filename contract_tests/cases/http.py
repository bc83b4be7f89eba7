"""Section http: what holds for any request, whatever it asks for."""

from __future__ import annotations

from contract_tests.cases.prompts import SHORT, repeat
from contract_tests.target.ask import CHAT, Ask
from contract_tests.target.case import case

GZIP = (("Accept-Encoding", "gzip"),)
PLAIN = (("Accept-Encoding", "identity"),)
PAGE = "https://app.example"


@case("http.gzip", title="an answer that may be compressed", tokens=32)
async def gzip(ask: Ask) -> None:
    await ask(ask.body(SHORT), headers=GZIP)


@case("http.stream-gzip", title="a stream that may be compressed", tokens=32)
async def stream_gzip(ask: Ask) -> None:
    await ask(ask.body(SHORT, stream=True), role="stream", headers=GZIP)


@case("http.plain", title="an answer that must not be compressed", tokens=32)
async def plain(ask: Ask) -> None:
    await ask(ask.body(SHORT), headers=PLAIN)


@case("http.charset", title="a request whose media type names its charset", tokens=32)
async def charset(ask: Ask) -> None:
    await ask(ask.body(SHORT), headers=[("Content-Type", "application/json; charset=utf-8")])


@case("http.accept-any", title="a stream asked for with Accept: */*", tokens=32)
async def accept_any(ask: Ask) -> None:
    await ask(ask.body(SHORT, stream=True), role="stream", headers=[("Accept", "*/*")])


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
    await ask(ask.body(SHORT, 16), headers=[("Transfer-Encoding", "chunked"), ("Content-Length", None)])


@case("http.head", title="HEAD where there is a GET")
async def head(ask: Ask) -> None:
    await ask.raw("HEAD", "/models", role="head")


@case("http.keep-alive", title="three requests over one connection", requests=3, tokens=96)
async def keep_alive(ask: Ask) -> None:
    words = {f"caller {number}": ask.nonce() for number in (1, 2, 3)}
    await ask.in_turn([(role, ask.body(repeat(word)), word) for role, word in words.items()])
