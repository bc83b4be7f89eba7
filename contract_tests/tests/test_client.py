"""main() under every generation of the SDK, against servers whose every byte is known."""

from __future__ import annotations

import json
import socket

import pytest

from contract_tests import client
from contract_tests.tests.sdk_runs import EACH_GENERATION, GENERATIONS, KEY, Driver, driver_for
from contract_tests.tests.sdk_server import (
    DONE,
    ERROR,
    JSON,
    POEM,
    PRINTED,
    TOKENS,
    WHOLE,
    Act,
    RawServer,
    answer,
    chunk,
    delta,
    head,
    repeating,
    resetting,
    silent,
    stream,
)


@pytest.fixture(params=EACH_GENERATION)
def run(request: pytest.FixtureRequest) -> Driver:
    return driver_for(request.param)


@pytest.mark.parametrize(
    ("act", "options"),
    [
        pytest.param(stream(*WHOLE), [], id="stream"),
        pytest.param(head() + b"".join(event + b"\r\n\r\n" for event in WHOLE), [], id="CRLF"),
        pytest.param(stream(b": hello", *WHOLE[:-1]), [], id="no DONE"),
        pytest.param(stream(*TOKENS, b"data: [DONE]"), [], id="no finish_reason"),
        pytest.param(
            head(200, "text/event-stream", "Transfer-Encoding: chunked")
            + b"".join(chunk(bytes([byte])) for byte in stream(*WHOLE).partition(b"\r\n\r\n")[2])
            + b"0\r\n\r\n",
            [],
            id="one byte per chunk",
        ),
        pytest.param(head(200, JSON) + answer("".join(POEM)), ["--no-stream"], id="dict"),
    ],
)
def test_prints_the_answer(run: Driver, act: bytes, options: list[str]) -> None:
    with RawServer(act) as server:
        result = run("--base-url", server.url, *options, OPENAI_API_KEY="")
    assert result.err == ""
    assert (result.code, result.out) == (0, PRINTED)
    request, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert len(server.requests) == 1
    assert request.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
    assert b"authorization: bearer no-key-needed" in request.lower()
    asked = json.loads(body)
    assert asked.pop("stream") is (not options)
    message = {"role": "user", "content": "write a poem about a tree"}
    assert asked == {"model": "gpt-3.5-turbo", "messages": [message]}


def failure(name: str, act: Act | bytes, code: int, says: str, out: str | None = "", stream: bool = True) -> object:
    return pytest.param(act, code, says, out, stream, id=name)


HTML = b"<!doctype html><title>Hello</title>"
PROBLEM = head(200, JSON) + ERROR


@pytest.mark.parametrize(
    ("act", "code", "says", "out", "streamed"),
    [
        failure("401", head(401, JSON) + ERROR, 4, "401; set OPENAI_API_KEY"),
        failure("401 dict", head(401, JSON) + ERROR, 4, "out of cheese", stream=False),
        failure("404", head(404, JSON) + b'{"detail":"Not Found"}', 4, "404; check --base-url"),
        failure("404 HTML", head(404, "text/html") + HTML, 4, "404; check --base-url"),
        failure("409", head(409, JSON) + ERROR, 4, "409; ask again when"),
        failure("409 dict", head(409, JSON) + ERROR, 4, "409; ask again when", stream=False),
        failure("409 as stream", head(409) + b"data: " + ERROR + b"\n\n", 4, "409; ask again when"),
        failure("429", head(429, JSON, "Retry-After: 7") + ERROR, 4, "429; ask again in 7 s"),
        failure("error as text", head(400, JSON) + b'{"error":"no cheese"}', 4, "400; check --base-url and"),
        failure("500", head(500, JSON) + b"oops", 5, "500; see its log, or ask again later: oops"),
        failure("503", head(503, "") + b"", 5, "503; see its log, or ask again later\n"),
        failure("redirect loop", head(307, JSON, "Location: /v1/again", "Content-Length: 0"), 4, "answered 307"),
        failure("204", head(204, ""), 7, "(status 204) is empty"),
        failure("cut in the first event", stream(b"")[:-2] + delta("A")[:40], 7, "without any answer"),
        failure("cut in an event", stream(TOKENS[0])[:] + TOKENS[1][:50], 6, "broke off after 1 event", "A\n"),
        failure("cut after tokens", stream(*TOKENS[:3]), 6, "broke off after 3 events", "A tree —\n"),
        failure(
            "chunked, cut",
            head(200, "text/event-stream", "Transfer-Encoding: chunked") + chunk(TOKENS[0] + b"\n\n"),
            6,
            "broke off after 1 event",
            "A\n",
        ),
        failure("reset", resetting(stream(*TOKENS[:2])), 6, "broke off after", None),
        failure("reset at once", resetting(b""), 3, "no reply from http://127.0.0.1"),
        failure("not HTTP", b"SSH-2.0-OpenSSH_9.2\r\n", 3, "no reply from http://127.0.0.1"),
        failure("dict cut", head(200, JSON, "Content-Length: 999") + answer("A")[:50], 6, "", stream=False),
        failure("empty stream", head(), 7, "is empty"),
        failure("only DONE", head() + DONE, 7, "without any answer"),
        failure("no text", stream(delta(None, "stop"), b"data: [DONE]"), 7, "no text in choices[0].delta"),
        failure("JSON for a stream", head(200, JSON) + answer("A"), 7, "is JSON although a stream"),
        failure("stream for a dict", stream(*WHOLE), 7, "is a stream although none", stream=False),
        failure("mid-stream error", stream(TOKENS[0], b"data: " + ERROR), 5, "out of cheese", "A\n"),
        failure("mid-stream text", stream(TOKENS[0], b'data: {"error":"hm"}'), 5, "log: hm", "A\n"),
        failure("bare mid-stream error", stream(TOKENS[0], ERROR), 5, "out of cheese", "A\n"),
        failure("200 with error", PROBLEM, 5, "out of cheese"),
        failure("200 with error, dict", PROBLEM, 5, "out of cheese", stream=False),
        failure("{} for a stream", head(200, JSON) + b"{}", 7, "is JSON although a stream was asked for"),
        failure("{}", head(200, JSON) + b"{}", 7, "has no text in choices[0].message", stream=False),
        failure("null content", head(200, JSON) + answer(None), 7, "has no text in", stream=False),
        failure("number content", head(200, JSON) + answer(7), 7, "has no text in", stream=False),
        failure("list", head(200, JSON) + b"[]", 7, "has no text in", stream=False),
        failure(
            "string",
            head(200, JSON) + b'"hello"',
            7,
            'no chat completion; check --base-url: "h',
            stream=False,
        ),
        failure("HTML for a stream", head(200, "text/html") + HTML, 7, "is HTML or XML (text/html)"),
        failure("HTML", head(200, "text/html") + HTML, 7, "is HTML or XML (text/html)", stream=False),
        failure("empty dict", head(200, JSON), 7, "is empty", stream=False),
        failure("too deep", head(200, JSON) + b"[" * 100_000, 7, "", stream=False),
        failure("not UTF-8", head(200, JSON) + b"\xff\xfe{", 7, "no chat completion", stream=False),
        failure("broken event", stream(TOKENS[0], b"data: {nope", TOKENS[1]), 7, "cannot read the reply", "A\n"),
        failure("endless body", repeating(head(200, JSON), b" " * 9999), 9, "too long", stream=False),
        failure("endless stream", repeating(head(), TOKENS[0] + b"\n\n"), 9, "too long", None),
        failure("endless comments", repeating(head(), b": hm\n\n" * 99), 9, "too long"),
        failure("endless error", repeating(head(500, JSON), b" " * 9999), 9, "too long"),
    ],
)
def test_a_failure_is_one_clear_line(
    run: Driver, act: Act | bytes, code: int, says: str, out: str | None, streamed: bool
) -> None:
    options = [] if streamed else ["--no-stream"]
    with RawServer(act) as server:
        result = run("--base-url", server.url, "--timeout", "60", "--max-bytes", "300000", *options)
    assert result.err.count("\n") == 1, result
    assert result.err.startswith("client.py: ")
    assert says in result.err
    assert result.code == code, result.err
    assert out is None or result.out == out
    assert result.seconds < 60
    assert len(server.requests) == 1 or b"again" in server.requests[-1]


def test_single_newlines_are_noticed(run: Driver) -> None:
    """openai 0.28 reads line by line and gets the poem; since 1.0 the SDK yields and says nothing."""
    with RawServer(head() + b"\n".join(WHOLE) + b"\n") as server:
        result = run("--base-url", server.url)
    if "0.28.1" in run.python:
        assert (result.code, result.out, result.err) == (0, PRINTED, "")
    else:
        assert (result.code, result.out) == (7, "")
        assert "has no blank line after each event; openai " in result.err


def test_a_stream_under_another_type(run: Driver) -> None:
    """openai 0.28 wants text/event-stream; since 1.0 the SDK reads any type as a stream."""
    with RawServer(stream(*WHOLE).replace(b"text/event-stream", b"text/plain")) as server:
        result = run("--base-url", server.url)
    if "0.28.1" in run.python:
        assert (result.code, result.out) == (7, "")
        assert "is a stream sent as text/plain; send it as text/event-stream" in result.err
    else:
        assert (result.code, result.out, result.err) == (0, PRINTED, "")


def test_refused_connection(run: Driver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = run("--base-url", f"http://user:password@127.0.0.1:{port}/v1")
    assert (result.code, result.out) == (3, "")
    url = f"http://127.0.0.1:{port}/v1"
    line = f"client.py: {url} refused the connection; start the server or check --base-url\n"
    assert result.err == line


NO_END = "the reply did not end, "


@pytest.mark.parametrize(
    ("act", "says"),
    [  # where it is to be the end that is missing, the head must arrive in time on a busy machine too
        pytest.param(silent, "no reply came within 1 s", id="never answers"),
        pytest.param(repeating(b"", b"H", 0.1), "no reply came within 1 s", id="drips headers"),
        pytest.param(repeating(head(), b":", 0.1), NO_END, id="drips"),
        pytest.param(repeating(head(200, JSON), b" ", 0.1), NO_END, id="drips JSON"),
        pytest.param(repeating(stream(*TOKENS), b": ping\n\n", 0.1), NO_END, id="pings"),
        pytest.param(repeating(head(), b"data: " + b"x" * 65536), "", id="endless event"),
    ],
)
def test_the_deadline_holds(run: Driver, act: Act, says: str) -> None:
    with RawServer(act) as server:
        result = run("--base-url", server.url, "--timeout", "4" if says == NO_END else "1")
    assert result.code == 8 if says else result.code in (8, 9), result
    assert result.err.startswith(f"client.py: {says}")
    assert result.err.count("\n") == 1
    assert result.seconds < 60  # nothing but the deadline ends these replies


def test_an_endless_event_is_given_up(run: Driver) -> None:
    with RawServer(repeating(head(), b"data: " + b"x" * 65536)) as server:
        result = run("--base-url", server.url, "--timeout", "30")
    assert (result.code, result.out) == (9, "")
    assert "one line of the stream is longer than 1 MiB" in result.err


def test_the_key_is_never_printed(run: Driver) -> None:
    echo = json.dumps({"error": {"message": f"bad key\n\x1b[1m {KEY} {KEY}", "type": "x"}}).encode()
    with RawServer(head(401, JSON) + echo) as server:
        refused = run("--base-url", server.url, OPENAI_API_KEY=KEY)
    with RawServer(stream(delta(f"key {KEY}"), *WHOLE)) as server:
        told = run("--base-url", server.url, OPENAI_API_KEY=KEY)
    assert KEY.encode() in server.requests[0]
    assert refused.err.endswith("bad key [1m [key] [key]\n")
    assert told.code == 0
    assert told.out.startswith("key [key]A tree")


@pytest.fixture
def newest() -> Driver:
    return driver_for(GENERATIONS[-1])


def tokens(*texts: str) -> list[bytes]:
    return [delta(text) for text in texts]


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize(
    "pieces",
    [
        [*KEY],
        [KEY[:9], KEY[9:]],
        ["the key is ", *[KEY[at : at + 3] for at in range(0, len(KEY), 3)], ", they say"],
        ["sk-", "sk-", *KEY],
        [KEY[:12], KEY[:5], *KEY[5:]],
        [*KEY.swapcase()],
        [*KEY, *KEY],
        [char + "\u200b" for char in KEY],
        [char + "\x1b" for char in KEY],
        [*KEY[:-1]],
    ],
    ids=range(10),
)
def test_a_key_in_pieces_is_never_printed(newest: Driver, pieces: list[str]) -> None:
    with RawServer(stream(*tokens(*pieces), *WHOLE)) as server:
        done = newest("--base-url", server.url, OPENAI_API_KEY=KEY)
    assert done.code == 0
    assert KEY[3:].lower() not in done.out.lower()
    assert "[key]" in done.out or pieces == [*KEY[:-1]]
    assert "A tree" in done.out


@pytest.mark.security("credentials in output")
def test_a_reply_that_ends_within_the_key_does_not_print_it(newest: Driver) -> None:
    with RawServer(stream(*tokens("Here: ", *KEY[:-1]), b"data: [DONE]")) as server:
        done = newest("--base-url", server.url, OPENAI_API_KEY=KEY)
    assert done.out == "Here: [key]\n"


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize(
    ("pieces", "printed"),
    [
        (["a\x1b[31mred\x1b[0m tree"], "a[31mred[0m tree"),
        (["a\x1b", "]0;title\x07tree"], "a]0;titletree"),
        (["a", "\x1b", "[2J", "b"], "a[2Jb"),
        (["\x9b31m\x85\x9d0;x\x9c"], "31m0;x"),
        (["\x00\x08\x7f\x0b\x0c\x0ea"], "a"),
        (["1\r\n2\r3\t4\n"], "1\n23\t4\n"),
        (["\u202eeert\u202c\u2066x\u2069\u200e\u200f\u061c"], "eertx"),
        (["a\u200bb\u2060c\ufeffd\xadef\U000e0041\u200b\u200dg\u200c"], "abcdefg"),
        (
            ["👩\u200d🚀 ", "می\u200cروم ", "é ñ 漢字\u3000x\xa0y \U0001fae8"],
            "👩\u200d🚀 می\u200cروم é ñ 漢字\u3000x\xa0y \U0001fae8",
        ),
        (["a\ud83cb"], "a\\ud83cb"),
    ],
    ids=range(10),
)
def test_nothing_that_a_terminal_acts_on_is_printed(newest: Driver, pieces: list[str], printed: str) -> None:
    with RawServer(stream(*tokens(*pieces), b"data: [DONE]")) as server:
        done = newest("--base-url", server.url, OPENAI_API_KEY=KEY)
    assert (done.code, done.out) == (0, printed + "\n")


def test_a_short_word_that_is_the_key_stays_in_the_poem(newest: Driver) -> None:
    with RawServer(stream(*tokens("none of the te", "sts, sk-1234, sk-123 and sk-"), b"data: [DONE]")) as server:
        told = newest("--base-url", server.url, OPENAI_API_KEY="tests")
        short = newest("--base-url", server.url, OPENAI_API_KEY="sk-1234")
    assert told.out == "none of the tests, sk-1234, sk-123 and sk-\n"
    assert short.out == "none of the tests, [key], sk-123 and sk-\n"


def test_tokens_are_printed_as_they_come_but_for_the_start_of_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    printed: list[str] = []
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr("builtins.print", lambda *texts, **named: printed.append(texts[0]) if texts else None)
    with RawServer(stream(*tokens("A ", "tree ", "s", "tands", " s", "k", "y"), b"data: [DONE]")) as server:
        assert client.main(["--base-url", server.url]) == 0
    assert [text for text in printed if not text.startswith("client")] == [
        "A ",
        "tree ",
        "",
        "stand",
        "s ",
        "",
        "sky",
        "",
    ]
