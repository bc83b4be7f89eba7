"""A recorder that is given recordings answers what they answer, and forwards and keeps the rest."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from fake_server.relay.recorder import Recorder
from fake_server.replay.known import KnownReplies
from fake_server.tests.hostile import read_request, send, target
from fake_server.tests.wire_client import Answer, ask, post, run
from fake_server.wire.bounds import Bounds
from fake_server.wire.exchange import Aspect, Ending, Exchange, Request, Write
from fake_server.wire.fixture import Fixture, find, load, save
from fake_server.wire.outgoing import serialize_reply


def body(text: str) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode()


class Server:
    """Answers with a number that counts requests, and notes the bodies."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.bodies.append(await read_request(reader))
                text = b"live %d" % len(self.bodies)
                await send(writer, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
        except asyncio.IncompleteReadError:
            pass


def record(
    folder: Path, *requests: bytes, known: bool = True, bounds: Bounds | None = None, ignore: tuple[str, ...] = ()
) -> tuple[list[Answer], Server, KnownReplies]:
    """Send the requests, each over a connection of its own, to a recorder that knows what is in the folder."""
    server, answers = Server(), []
    replies = KnownReplies(folder, ignore=ignore, speed=0)
    answer = replies.answer if known else None

    async def main() -> None:
        async with (
            target(server) as url,
            Recorder(
                f"{url}/v1", folder, bounds=bounds or Bounds(), answer=answer, reserved=replies.answering
            ) as recorder,
        ):
            port = int(recorder.base_url.removesuffix("/v1").rpartition(":")[2])
            for request in requests:
                answers.append(await ask(port, request))

    run(main())
    return answers, server, replies


def bodies(answers: list[Answer]) -> list[bytes]:
    return [answer.body for answer in answers]


def test_what_is_known_is_replayed_and_the_rest_is_recorded(tmp_path: Path) -> None:
    record(tmp_path, post(body("a")), post(body("b")))
    answers, server, replies = record(tmp_path, post(body("b")), post(body("c")), post(body("a")), post(body("b")))
    assert bodies(answers) == [b"live 2", b"live 1", b"live 1", b"live 2"]
    assert server.bodies == [body("c")]
    assert (replies.answered, replies.unused) == (3, [])
    assert len(find(tmp_path)) == 3
    answers, server, replies = record(tmp_path, post(body("c")))
    assert (bodies(answers), server.bodies) == ([b"live 1"], [])
    assert len(replies.unused) == 2


def test_a_retry_reaches_the_target_although_the_first_attempt_was_just_recorded(tmp_path: Path) -> None:
    answers, _, _ = record(tmp_path, post(body("a")), post(body("a")))
    assert bodies(answers) == [b"live 1", b"live 2"]
    answers, server, _ = record(tmp_path, post(body("a")), post(body("a")), post(body("a")))
    assert bodies(answers) == [b"live 1", b"live 2", b"live 1"]
    assert server.bodies == []


def test_no_known_recording_is_replaced(tmp_path: Path) -> None:
    record(tmp_path, post(body("a"), "/v1/chat/completions", "x-contract-case: my test"))
    record(tmp_path, *(post(body(text), "/v1/chat/completions", "x-contract-case: my test") for text in "abc"))
    recorded = {path.stem: load(path).exchange.request.body for path in find(tmp_path)}
    assert recorded == {"my-test": body("a"), "my-test-2": body("b"), "my-test-3": body("c")}


def test_recordings_that_cannot_answer_are_forwarded_and_replaced(tmp_path: Path) -> None:
    record(tmp_path, post(body("a")))
    [path] = find(tmp_path)
    exchange = load(path).exchange
    save(Fixture(Exchange(exchange.request, None, ending=Ending.UNREACHABLE)), path)
    save(Fixture(exchange.but(unknown=frozenset({Aspect.REQUEST}))), tmp_path / "blind.yaml")
    answers, server, replies = record(tmp_path, post(body("a")), post(body("b")))
    assert (bodies(answers), len(server.bodies)) == ([b"live 1", b"live 2"], 2)
    assert load(path).exchange.status == 200
    assert (replies.answering, len(replies.unused)) == ([], 2)


def test_what_is_ignored_does_not_make_a_request_unknown(tmp_path: Path) -> None:
    record(tmp_path, post(body("on 2026-11-28")))
    _, server, _ = record(tmp_path, post(body("on 2026-11-29")), ignore=("iso-time",))
    assert server.bodies == []


CHUNKED = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"%x\r\n%s\r\n0\r\n\r\n"
)


def test_a_body_in_chunks_or_after_100_continue_is_known_too(tmp_path: Path) -> None:
    record(tmp_path, post(body("a")))
    text = body("a")
    requests = [CHUNKED % (len(text), text), post(text, "/v1/chat/completions", "Expect: 100-continue")]
    answers, server, _ = record(tmp_path, *requests)
    assert server.bodies == []
    assert answers[0].body == b"live 1"
    assert answers[1].data.endswith(b"live 1")


def test_requests_of_one_connection_are_told_apart(tmp_path: Path) -> None:
    record(tmp_path, post(body("a")))
    sent = post(body("a"), close=False) + post(body("new"), close=False) + post(body("a"))
    [answer], server, _ = record(tmp_path, sent)
    assert server.bodies == [body("new")]
    assert answer.data.count(b"HTTP/1.1 200 OK") == 3
    assert answer.data.count(b"live 1") == 3


def test_a_body_that_is_too_large_to_compare_is_forwarded_whole(tmp_path: Path) -> None:
    large = body("x" * 50_000)
    _, server, _ = record(tmp_path, post(large), bounds=Bounds(body=10_000))
    assert server.bodies == [large]


@pytest.mark.parametrize("ending", [Ending.CUT, Ending.RESET])
def test_a_recorded_fault_is_replayed(tmp_path: Path, ending: Ending) -> None:
    request = Request("POST", "/v1/chat/completions", (), body("a"))
    faulty = Exchange(request, 200, (("Content-Length", "9"),), (Write(b"half"),), ending=ending)
    save(Fixture(faulty), tmp_path / "faulty.yaml")
    [answer], server, _ = record(tmp_path, post(body("a")))
    assert server.bodies == []
    assert answer.data == b"".join(write.data for write in serialize_reply(faulty))
    assert answer.was_reset is (ending is Ending.RESET)
