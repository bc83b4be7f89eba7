"""Servers that close after each reply, say more than they announced, or end a connection that was to stay."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import pytest

from contract_tests.lab.tools.command import run_contract
from contract_tests.run.outcome import CaseResult, ExitCode, Outcome, RunReport
from contract_tests.run.run import Options, run
from contract_tests.tests.small_target import Asked, completed, completion, of, report_of, sensible
from fake_server.tests.hostile import target
from fake_server.tests.listening import Handler

KEEP_ALIVE = "http.keep-alive"
CHUNKED_REQUEST = "http.chunked-request"
NUMBERS = count(10)


def faithful(asked: Asked) -> bytes:
    """What the small target says, with an id that no other reply has, and made now."""
    reply = sensible(asked).replace(b"1700000000", b"%d" % time.time())
    return reply.replace(b"chatcmpl-1", b"chatcmpl%02d" % next(NUMBERS))


class FaithfulHandler(BaseHTTPRequestHandler):
    """Python's own server, which answers in HTTP/1.0 and closes; subclasses choose the version and a field."""

    close_field = False

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        asked = Asked(self.command, self.path, {}, body)
        head, _, payload = faithful(asked).partition(b"\r\n\r\n")
        self.send_response(int(head.split()[1]))
        for line in head.decode().split("\r\n")[1:]:
            self.send_header(*line.split(": ", 1))
        if self.close_field:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:
        pass


class FlaskLike(FaithfulHandler):
    protocol_version = "HTTP/1.1"
    close_field = True


class ClosesUnannounced(FaithfulHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self, body: bytes) -> None:
        super()._answer(body)
        self.close_connection = True


class Stays(FaithfulHandler):
    protocol_version = "HTTP/1.1"


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def keep_alive_of(url: str) -> CaseResult:
    return of(asyncio.run(run(Options(url, select=(KEEP_ALIVE,)))), KEEP_ALIVE)


@pytest.mark.parametrize(("handler", "why"), [(FaithfulHandler, "HTTP/1.0"), (FlaskLike, "Connection: close")])
def test_a_server_that_closes_after_each_reply_is_not_reached_at_once(
    handler: type[BaseHTTPRequestHandler], why: str
) -> None:
    with serving(handler) as url:
        result = keep_alive_of(url)
    assert (result.outcome, result.findings) == (Outcome.NOT_REACHED, ())
    assert f"after caller 1 ({why})" in result.reason
    assert len(result.exchanges) == 1
    assert result.seconds < 3


@pytest.mark.parametrize("handler", [FaithfulHandler, FlaskLike])
def test_no_chunks_are_sent_to_a_server_that_answers_in_http_1_0(handler: type[BaseHTTPRequestHandler]) -> None:
    sent: list[str | None] = []

    class Noting(handler):  # type: ignore[valid-type, misc]
        def do_POST(self) -> None:
            sent.append(self.headers["Transfer-Encoding"])
            super().do_POST()

    with serving(Noting) as url:
        result = of(asyncio.run(run(Options(url, select=(CHUNKED_REQUEST,)))), CHUNKED_REQUEST)
    assert ("chunked" in sent) == (handler is FlaskLike)
    if handler is FaithfulHandler:
        assert (result.outcome, result.findings) == (Outcome.NOT_REACHED, ())
        assert "HTTP/1.0" in result.reason


@pytest.mark.parametrize("handler", [ClosesUnannounced, Stays])
def test_a_connection_that_ends_unannounced_is_opened_anew(handler: type[BaseHTTPRequestHandler]) -> None:
    with serving(handler) as url:
        result = keep_alive_of(url)
    assert result.outcome is Outcome.PASS, result.reason
    assert len(result.exchanges) == 3


def test_a_whole_run_on_a_server_that_closes_has_no_fault_of_the_kit() -> None:
    with serving(FlaskLike) as url:
        report = asyncio.run(run(Options(url, select=("chat.short", "chat.stream.short", KEEP_ALIVE))))
    assert [of(report, case_id).outcome for case_id in ("chat.short", "chat.stream.short")] == [Outcome.PASS] * 2
    assert of(report, KEEP_ALIVE).outcome is Outcome.NOT_REACHED
    assert report.exit_code() is ExitCode.OK


def connection_of(*endings: bytes, pause: float = 0.0) -> Handler:
    """Answers every request of a connection; after the n-th reply come the n-th of `endings`, None closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for ending in (*endings, *[b""] * 9):
            head = await reader.readuntil(b"\r\n\r\n")
            fields = (line.lower().partition(b":") for line in head.split(b"\r\n"))
            size = next((int(value) for name, _, value in fields if name == b"content-length"), 0)
            method, path, _ = head.decode().split(" ", 2)
            reply = faithful(Asked(method, path, {}, await reader.readexactly(size)))
            if b"keep-alive" not in head or not ending:
                writer.write(reply)
                continue
            if ending == b"RESET":
                writer.transport.abort()
                return
            writer.write(reply if pause else reply + ending)
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)
                writer.write(ending)

    return serve


def result_of(handler: Handler) -> CaseResult:
    async def go() -> RunReport:
        async with target(handler) as url:
            return await run(Options(f"{url}/v1", select=(KEEP_ALIVE,), run_seconds=15))

    return of(completed(go()), KEEP_ALIVE)


@pytest.mark.parametrize("pause", [0.0, 0.02])
@pytest.mark.parametrize("stray", [b"\r\n", b"{}", b"HTTP/1.1 408 Request Timeout\r\n\r\n", b"0\r\n\r\n"])
def test_stray_bytes_after_a_reply_are_a_finding_on_the_server(stray: bytes, pause: float) -> None:
    result = result_of(connection_of(stray, pause=pause))
    assert {finding.rule.id for finding in result.findings} == {"http.tidy"}
    assert "bytes follow the end of the reply" in result.findings[0].actual
    assert result.findings[0].label == f"{KEEP_ALIVE} caller 1"
    assert result.outcome in (Outcome.WARN, Outcome.NOT_REACHED)
    assert result.seconds < 3


def test_a_connection_that_is_lost_in_the_second_request_is_the_servers_fault() -> None:
    result = result_of(connection_of(b"", b"RESET"))
    assert result.outcome is Outcome.FAIL
    assert "http.answers" in {finding.rule.id for finding in result.findings}
    assert len(result.exchanges) == 2


def test_requests_that_were_answered_are_judged_where_the_limit_ends_the_case() -> None:
    def answer(asked: Asked) -> bytes | None:
        value = json.loads(completion().partition(b"\r\n\r\n")[2])
        body = json.dumps({**value, "object": "wrong"}).encode()
        head = b"HTTP/1.1 200 OK\r\nX-Request-Id: 1\r\nContent-Type: application/json\r\nConnection: close\r\n"
        wrong = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
        return wrong if asked.headers.get("connection") == "keep-alive" else None

    report, _ = report_of(answer, KEEP_ALIVE)
    result = of(report, KEEP_ALIVE)
    assert result.outcome is Outcome.FAIL
    assert {finding.rule.id for finding in result.findings} == {"chat.object"}


def test_a_fault_of_the_kit_says_where_and_shows_the_traceback_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("contract_tests.run.play.judge", broken)
    with serving(Stays) as url:
        brief = run_contract("run", url, "--select", "chat.short")
        whole = run_contract("--debug", "run", url, "--select", "chat.short")
    assert brief.returncode == whole.returncode == ExitCode.HARNESS
    line = next(line for line in brief.stdout.splitlines() if line.startswith("harness failed chat.short: "))
    assert "judging failed: ZeroDivisionError: ours (contract_tests/tests/test_run_closing.py:" in line
    assert "contract --debug run" in brief.stdout
    assert "Traceback" not in brief.stdout
    assert "Traceback (most recent call last)" in whole.stdout
    assert "in _judge_case" in whole.stdout
