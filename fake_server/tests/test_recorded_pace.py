"""A script that answers at the pace of a recording: its pauses, divided by a speed."""

from __future__ import annotations

from pathlib import Path

import pytest

from fake_server import FakeServer
from fake_server.api.reply import Timing
from fake_server.scripts.aimock import script_of
from fake_server.scripts.book import ScriptError, parse
from fake_server.scripts.reply_parts import recorded_pauses
from fake_server.server.app import App
from fake_server.server.deliveries import pace
from fake_server.server.in_process import InProcess
from fake_server.wire import fixture
from fake_server.wire.exchange import Aspect, Exchange, Request, Write

ASKED = b'{"model": "gpt-4o", "stream": %s, "messages": [{"role": "user", "content": "hi"}]}'


def recording(path: Path, *writes: Write, head_pause: float = 0.0, unknown: frozenset[Aspect] = frozenset()) -> Path:
    exchange = Exchange(Request("GET", "/"), 200, writes=writes, head_pause=head_pause, unknown=unknown)
    fixture.save(fixture.Fixture(exchange), path)
    return path


STREAM = (
    Write(b"data: a\n\n: comment\n\ndat", 0.25),
    Write(b"a: b\n\ndata: c\n\n", 0.5),
    Write(b"data: [DONE]\n\n", 1.0),
)


def test_the_pauses_are_those_before_each_event(tmp_path: Path) -> None:
    assert recorded_pauses(recording(tmp_path / "s.yaml", *STREAM, head_pause=0.5)) == (0.75, 0.5, 0.0, 1.0)


def test_an_answer_that_is_no_stream_has_one(tmp_path: Path) -> None:
    writes = (Write(b'{"a":', 0.5), Write(b" 1}", 0.25))
    assert recorded_pauses(recording(tmp_path / "s.yaml", *writes, head_pause=1.0)) == (1.75,)


def test_longer_streams_begin_anew_behind_the_first_pause() -> None:
    paced = Timing(pauses=(0.75, 0.5, 0.25))
    assert [one.pause for one in pace([b"x"] * 6, paced)] == [0.75, 0.5, 0.25, 0.5, 0.25, 0.5]
    assert [one.pause for one in pace([b"x"] * 3, Timing(pauses=(0.75,)))] == [0.75, 0.0, 0.0]
    assert paced.whole == 1.5


@pytest.mark.parametrize(("speed", "first", "whole"), [(1, 0.75, 2.25), (2, 0.375, 1.125), (0, 0.0, 0.0)])
def test_a_script_answers_at_that_pace(tmp_path: Path, speed: float, first: float, whole: float) -> None:
    recording(tmp_path / "s.rec", *STREAM, head_pause=0.5)
    script = tmp_path / "script.yaml"
    script.write_text(f"- {{name: a, reply: {{text: one, timing: {{recorded: s.rec, speed: {speed}}}}}}}")
    fake = FakeServer([script], plain=True)
    shelf = InProcess(App(fake.settings))
    stream = shelf.answer(Request("POST", "/v1/chat/completions", body=ASKED % b"true"))
    assert stream.writes[0].pause == pytest.approx(first)
    assert sum(one.pause for one in stream.writes[:4]) == pytest.approx(whole)
    (answer,) = shelf.answer(Request("POST", "/v1/chat/completions", body=ASKED % b"false")).writes
    assert answer.pause == pytest.approx(whole)
    assert fake.settings.book.files == {tmp_path / "s.rec"}


def test_what_has_no_pace_is_told(tmp_path: Path) -> None:
    recording(tmp_path / "timeless.yaml", Write(b"{}"), unknown=frozenset({Aspect.TIMING}))
    with pytest.raises(ValueError, match="this recording has no times"):
        recorded_pauses(tmp_path / "timeless.yaml")
    with pytest.raises(ValueError, match="has no body"):
        recorded_pauses(recording(tmp_path / "empty.yaml"))
    with pytest.raises(ScriptError, match="only a script in a file"):
        parse([{"name": "a", "reply": {"text": "b", "timing": {"recorded": "empty.yaml"}}}])


def test_pauses_can_be_written_and_those_of_aimock_are_kept() -> None:
    timed = {"recordedTimings": {"ttftMs": 300, "interChunkDelaysMs": [20, 40], "totalDurationMs": 360}}
    fixture_of = {"match": {"userMessage": "hi"}, "response": {"content": "a b"}}
    written = parse([{"name": "a", "reply": {"text": "b", "timing": {"pauses": [0.3, 0.02, 0.04], "speed": 2}}}])
    foreign = parse([script_of({**fixture_of, **timed, "latency": 5, "replaySpeed": 2}, "b")])
    for book in (written, foreign):
        (script,) = book
        assert script.reply is not None
        assert script.reply.timing is not None
        assert script.reply.timing.waits == (0.15, 0.01, 0.02)
    profiled = script_of({**fixture_of, **timed, "streamingProfile": {"ttft": 400, "tps": 10}, "replaySpeed": 2}, "c")
    assert profiled["reply"]["timing"] == {"first": 0.2, "rate": 20.0, "jitter": 0.0}
