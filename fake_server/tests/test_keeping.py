"""What is kept is whole, clean and proven: a fixture is the old one or the new one, never half of either."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fake_server.relay.saving import SaveError, recording_name, save_recording, to_file_name
from fake_server.wire.exchange import Ending, Exchange, Framing, Request, Write
from fake_server.wire.fixture import Fixture, load
from fake_server.wire.outgoing import serialize_reply

HEADERS = (("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked"))
EXCHANGE = Exchange(
    Request("POST", "/v1/chat/completions", (("Host", "x"),), b'{"stream":true}'),
    200,
    HEADERS,
    (Write(b"data: 1\n\n", 0.25), Write(b"data: [DONE]\n\n")),
    framing=Framing.CHUNKED,
    reason="OK",
    label="one",
)


def test_a_recording_is_kept_and_loads_again(tmp_path: Path) -> None:
    kept = save_recording(Fixture(EXCHANGE, title="t"), tmp_path / "deep" / "one.yaml")
    assert (kept.new, kept.changes) == (True, ())
    assert load(kept.path) == Fixture(EXCHANGE, title="t")


def test_what_was_recorded_again_says_what_changed(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    save_recording(Fixture(EXCHANGE), path)
    assert save_recording(Fixture(EXCHANGE), path).changes == ()
    other = EXCHANGE.but(
        status=500,
        headers=(*HEADERS[1:], ("Server", "new"), ("Date", "today")),
        writes=EXCHANGE.writes[:1],
        ending=Ending.CUT,
    )
    assert save_recording(Fixture(other), path).changes == (
        "status 200 is now 500",
        "header content-type is gone",
        "header date is new",
        "header server is new",
        "the body differs: 23 bytes in 2 writes, now 9 bytes in 1 writes",
        "ending 'clean' is now 'cut'",
    )
    assert len(list(tmp_path.iterdir())) == 2  # the old body is gone


def test_the_rules_it_breaks_are_asked_of_what_is_kept(tmp_path: Path) -> None:
    save_recording(Fixture(EXCHANGE), tmp_path / "one.yaml", breaks=lambda one: [f"a.{len(one.payload)}"])
    assert load(tmp_path / "one.yaml").breaks == ("a.23",)


def test_what_contradicts_itself_is_not_kept(tmp_path: Path) -> None:
    wrong = EXCHANGE.but(headers=(("Content-Length", "3"),), framing=Framing.LENGTH)
    with pytest.raises(SaveError, match=r"one\.yaml is not saved: a replay would differ \(.*body"):
        save_recording(Fixture(wrong), tmp_path / "one.yaml")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.security("nothing is lost")
def test_another_file_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text("mine: 1\n")
    with pytest.raises(SaveError, match=r"exists and is not replaced: .*not a fixture"):
        save_recording(Fixture(EXCHANGE), path)
    assert path.read_text() == "mine: 1\n"


@pytest.mark.security("nothing is lost")
def test_bodies_without_a_head_are_swept_and_those_of_others_stay(tmp_path: Path) -> None:
    left = ["one-0123456789ab.body", ".one-0123456789ab.body.part", ".one.yaml.part", "one-0123456789ab.raw"]
    mine = ["one-two-0123456789ab.body", "one.txt", "two-0123456789ab.body", "one-x.body"]
    for name in [*left, *mine]:
        (tmp_path / name).write_bytes(b"x")
    save_recording(Fixture(EXCHANGE), tmp_path / "one.yaml")
    names = {path.name for path in tmp_path.iterdir()}
    assert names.isdisjoint(left)
    assert names.issuperset(mine)


@pytest.mark.security("nothing is lost")
@pytest.mark.parametrize("place", ["a file", "no room"])
def test_a_disk_that_refuses_is_named(tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "folder"
    if place == "a file":
        folder.write_text("")
    else:
        save_recording(Fixture(EXCHANGE), folder / "one.yaml")

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SaveError, match=r"one\.yaml cannot be (written|read)"):
        save_recording(Fixture(EXCHANGE.but(status=201)), folder / "one.yaml")
    if place == "no room":
        assert load(folder / "one.yaml").exchange == EXCHANGE
        assert not [path for path in folder.iterdir() if path.suffix == ".part"]


WRITER = """
import sys
from pathlib import Path
from fake_server.relay.saving import save_recording
from fake_server.tests.test_keeping import EXCHANGE
from fake_server.wire.exchange import Write
from fake_server.wire.fixture import Fixture
number = 0
while True:
    number += 1
    text = b"%d " % number * 400
    writes = tuple(Write(text) for _ in range(number % 7 + 1))
    save_recording(Fixture(EXCHANGE.but(writes=writes), title=f"{number}"), Path(sys.argv[1]))
    print("kept", flush=True)
"""


@pytest.mark.security("nothing is lost")
def test_kill_at_any_moment_leaves_a_whole_fixture(tmp_path: Path) -> None:
    path, dice = tmp_path / "one.yaml", random.Random(4)
    for _ in range(8):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(dice.random() * 0.03)
        writer.kill()
        writer.communicate()
        fixture = load(path)
        number = int(fixture.title)
        assert [write.data for write in fixture.exchange.writes] == [b"%d " % number * 400] * (number % 7 + 1)
    save_recording(Fixture(EXCHANGE), path)
    assert len(list(tmp_path.iterdir())) == 2  # what the killed left is swept


def test_raw_bytes_are_kept_and_sent_again(tmp_path: Path) -> None:
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding:chunked\r\n\r\n0A;x=1\r\n0123456789\r\n0\r\n\r\n"
    exchange = EXCHANGE.but(
        headers=HEADERS[1:],
        writes=(Write(b"0123456789", 0.5),),
        raw=(Write(data[:50]), Write(data[50:], 0.5)),
    )
    save_recording(Fixture(exchange), tmp_path / "one.yaml")
    loaded = load(tmp_path / "one.yaml").exchange
    assert loaded == exchange
    assert b"".join(write.data for write in serialize_reply(loaded)) == data


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("chat.poem", "chat.poem"),
        ("tests/test_x.py::test_y[a b/é]", "tests-test_x.py-test_y-a-b"),
        ("../../etc/passwd", "etc-passwd"),
        ("", "recording"),
        ("...", "recording"),
    ],
)
def test_names_are_plain(text: str, name: str) -> None:
    assert to_file_name(text) == name


def test_long_names_stay_apart() -> None:
    one, other = to_file_name("x" * 300 + "1"), to_file_name("x" * 300 + "2")
    assert one != other
    assert len(one) == len(other) == 120


def test_names_without_a_plain_letter_stay_apart() -> None:
    one, other = to_file_name("木"), to_file_name("林")
    assert one != other
    assert one.startswith("recording-")


def test_without_a_label_the_request_names_the_recording() -> None:
    unnamed = EXCHANGE.but(label="")
    assert recording_name(unnamed).startswith("post-chat-completions-")
    other = unnamed.but(request=Request("POST", "/v1/chat/completions", (), b"{}"))
    assert recording_name(other) != recording_name(unnamed)
