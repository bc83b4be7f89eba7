"""Fixture files: what is saved loads again byte for byte, and bad files get one clear error."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_server.tests.strategies import HEADERS, exchanges
from fake_server.wire.exchange import Aspect, Ending, Exchange, Headers, Request, Write, in_turn
from fake_server.wire.fixture import Fixture, FixtureError, find, is_fixture, load, save

EXCHANGE = Exchange(
    Request("POST", "/v1/chat/completions", (("Content-Type", "application/json"),), b'{"a":1}'),
    200,
    (("X", "1"),),
    (Write(b"\xff\x00"), Write(b"\n", 0.25)),
)


BODIES = [b'{"a":1}', b'{"a": 1}', b'{"a":1,"a":2}', b"[1.0]", b"1e400", b"NaN", "a\u2028\x85b\r\n".encode()]


@settings(max_examples=100, deadline=None)
@given(
    exchanges(),
    st.binary(max_size=30) | st.sampled_from(BODIES),
    st.frozensets(st.sampled_from(Aspect)),
    HEADERS | st.none(),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
    st.none() | st.integers() | st.datetimes(timezones=st.just(UTC)),
)
def test_what_is_saved_loads_again(
    exchange: Exchange,
    body: bytes,
    unknown: frozenset[Aspect],
    asked: Headers | None,
    title: str,
    recorded: datetime | int | None,
) -> None:
    request = Request("POST", "/v1/x?q=1", asked, body)
    exchange = exchange.but(
        request=request, unknown=unknown, problem=title, label="one", head_pause=0.5, recorded=recorded
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.yaml"
        fixture = Fixture(exchange, title=title, breaks=("a.b",), source="https://example.org", notes="n")
        save(fixture, path)
        assert load(path) == fixture
        assert is_fixture(path)
        assert find(Path(folder)) == [path]


@pytest.mark.parametrize("ending", Ending)
def test_every_ending_is_kept(tmp_path: Path, ending: Ending) -> None:
    path = tmp_path / "one.yaml"
    fixture = Fixture(EXCHANGE.but(ending=ending, status=None, label="one"))
    save(fixture, path)
    assert load(path) == fixture


def test_the_body_stands_beside_the_head_byte_for_byte(tmp_path: Path) -> None:
    save(Fixture(EXCHANGE, title="odd"), tmp_path / "one.yaml")
    [body] = tmp_path.glob("one-*.body")
    assert body.read_bytes() == b"\xff\x00\n"
    head = yaml.safe_load((tmp_path / "one.yaml").read_text())
    assert head["request"]["body"] == {"json": {"a": 1}}
    assert head["response"]["writes"] == [[2], [1, 0.25]]
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("text", "recorded"),
    [
        ("2026-11-29T21:38:14.123456Z", datetime(2026, 11, 29, 21, 38, 14, 123456, UTC)),
        ("2026-11-29 23:38:14+02:00", datetime(2026, 11, 29, 21, 38, 14, tzinfo=UTC)),
        ("'2026-11-29T21:38:14'", datetime(2026, 11, 29, 21, 38, 14, tzinfo=UTC)),
        ("2026-11-29", datetime(2026, 11, 29, tzinfo=UTC)),
        ("12", 12),
        ("null", None),
    ],
)
def test_a_fixture_says_when_it_was_recorded(tmp_path: Path, text: str, recorded: datetime | int | None) -> None:
    (tmp_path / "one.yaml").write_text(f"{GOOD}recorded: {text}\n")
    fixture = load(tmp_path / "one.yaml")
    assert fixture.exchange.recorded == recorded
    save(fixture, tmp_path / "two.yaml")
    assert load(tmp_path / "two.yaml").exchange.recorded == recorded


def test_the_time_is_readable(tmp_path: Path) -> None:
    save(Fixture(EXCHANGE.but(recorded=datetime(2026, 11, 29, 21, 38, 14, 123456, UTC))), tmp_path / "one.yaml")
    assert "\nrecorded: 2026-11-29T21:38:14.123456Z\n" in (tmp_path / "one.yaml").read_text()


def test_names_are_found_in_their_natural_order(tmp_path: Path) -> None:
    names = ["a/x.yaml", "x.yaml", "x-2.yaml", "x-9.yaml", "x-10.yaml", "y.yaml"]
    (tmp_path / "a").mkdir()
    for name in reversed(names):
        (tmp_path / name).write_text(GOOD)
    assert [str(path.relative_to(tmp_path)) for path in find(tmp_path)] == names


def test_turns_go_by_time_then_number_then_name() -> None:
    time = datetime(2026, 11, 29, tzinfo=UTC)
    sequence: list[datetime | int | None] = [None, 2, 10, time, time + timedelta(microseconds=1)]
    recordings = [EXCHANGE.but(recorded=recorded) for recorded in reversed(sequence)]
    assert [exchange.recorded for exchange in in_turn(recordings)] == sequence


GOOD = """\
openai-contract-fixture: 1
request: {method: GET, target: /v1/models}
response: {status: 200, body: {text: abc}}
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a fixture"),
        ("[1]", "not a fixture"),
        ("a: [", r"one\.yaml:\d+: not YAML"),
        ("\x00", "not YAML"),
        (GOOD.replace("fixture: 1", "fixture: 2"), "version 2; this kit reads version 1"),
        (GOOD.replace("request:", "asked:"), "'request' is missing"),
        (GOOD.replace("method: GET, ", ""), "'method' is missing"),
        (GOOD.replace("text: abc", "file: ../x"), "same folder as the head"),
        (GOOD.replace("text: abc", "file: gone.body"), r"gone\.body.*cannot be read"),
        (GOOD.replace("{text: abc}", "{text: abc}, writes: [[1], [1]]"), "add up to 2 bytes, the body has 3"),
        (GOOD.replace("status: 200", "status: 200, framing: odd"), "odd"),
        (GOOD + "ending: never\n", "never"),
        (GOOD + "unknown: [nothing]\n", "nothing"),
        (GOOD + "recorded: yesterday\n", r"one\.yaml:4: recorded must be a time .*or a number, not 'yesterday'"),
        (GOOD + "recorded: 2026-13-45\n", r"one\.yaml:4: .*month must be in 1\.\.12"),
        (GOOD + "recorded: 0001-01-01 00:00:00+14:00\n", r"one\.yaml:4: recorded: date value out of range"),
        (GOOD + "recorded: true\n", "recorded must be a time"),
        (GOOD + "recorded: 1.5\n", "recorded must be a time"),
        (GOOD.replace("status: 200", "status: many"), "status"),
        (GOOD.replace("status: 200", "status: 200, headers: [a]"), "header"),
        (GOOD.replace("request: {method: GET, target: /v1/models}", "request: 1"), "request"),
        (GOOD.replace("{text: abc}", "{}, writes: 7"), "writes"),
        (GOOD.replace("{text: abc}", "{texts: abc}"), "file"),
        (f"{GOOD}notes: {'[' * 5000}", r"one\.yaml:4: nested more than 200 levels deep"),
        (f"{GOOD}a: &a [x]\nb: [*a, *a]\n", r"one\.yaml:5: .*not use aliases"),
        (
            GOOD.replace("{text: abc}", f"[{'x, ' * 10_000}]"),
            r"body must be a mapping, not \['x', .{60,80}…$",
        ),
    ],
)
def test_a_bad_file_gets_one_clear_error(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(text)
    with pytest.raises(FixtureError, match=words) as caught:
        load(path)
    assert "one.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("target:", "targt:", "5: request.targt is no key of a fixture; did you mean 'target'?"),
        ("request:", "reqest:", "3: reqest is no key of a fixture; did you mean 'request'?"),
        ("status:", "stauts:", "7: response.stauts is no key of a fixture; did you mean 'status'?"),
        (
            "framing: chunked",
            "framing: odd",
            "8: response.framing: 'odd' is not known; the words are chunked, ",
        ),
        ("framing: chunked", "framing: chunkd", "8: response.framing: 'chunkd' is not known; did you mean 'chunked'?"),
        ("framing: chunked", "frames: chunked", "8: response.frames is no key of a fixture; did you mean 'framing'?"),
        ("framing: chunked", "delay: 3", "8: response.delay is no key of a fixture; the keys are status, reason, "),
        ("framing: chunked", "head_pause: soon", "8: response.head_pause must be a number, not 'soon'"),
        (
            "framing: chunked",
            "trailers: {a: b}",
            "8: response.trailers must be a list of [name, value], not {'a': 'b'}",
        ),
        ("framing: chunked", "informational: [100]", "8: response.informational must be a list of [status, headers]"),
        ("framing: chunked", "writes: [[many]]", "8: response.writes: invalid literal for int()"),
        ("text: abc", "text: abc, file: x", "9: response.body must be one of {file: …}, {text: …} or {json: …}"),
        ("text: abc", "txt: abc", "9: response.body.txt is no key of a fixture; did you mean 'text'?"),
        ("text: abc", "json: {a: 2026-01-01}", "9: response.body.json: Object of type date is not JSON serializable"),
        ("clean", "cleen", "10: ending: 'cleen' is not known; did you mean 'clean'?"),
        ("[timing]", "[timing, timeing]", "11: unknown.1: 'timeing' is not known; did you mean 'timing'?"),
        ("[timing]", "timing", "11: unknown must be a list, not 'timing'"),
        ("title:", "titel:", "2: titel is no key of a fixture; did you mean 'title'?"),
        ("title: a", "5: a", "2: 5 is no key of a fixture; the keys are "),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_key(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = tmp_path / "one.yaml"
    text = """\
openai-contract-fixture: 1
title: a
request:
  method: GET
  target: /v1/models
response:
  status: 200
  framing: chunked
  body: {text: abc}
ending: clean
unknown: [timing]
"""
    path.write_text(text)
    assert load(path).exchange.payload == b"abc"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(FixtureError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}:{words}")


def test_a_missing_file_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(FixtureError, match="cannot be read"):
        load(tmp_path / "gone.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FixtureError, match="byte 0 is not UTF-8"):
        load(tmp_path / "binary.yaml")
    assert not is_fixture(tmp_path / "gone.yaml")
    assert find(tmp_path) == []
