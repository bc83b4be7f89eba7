"""A large recording is shrunk within its time, or refused with what to do; what makes it large goes first."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contract_tests.cli import shrink
from contract_tests.rules import RULES
from contract_tests.rules.judged import Judged
from contract_tests.run.run import UsageError
from contract_tests.shrinking import event_passes, spans
from contract_tests.shrinking.editing import edit_body
from contract_tests.shrinking.oracle import BreaksRule
from contract_tests.shrinking.search import Exhausted, Search
from contract_tests.shrinking.shrink import shrink_judged
from contract_tests.shrinking.value_passes import REPLY, cut_long_texts
from contract_tests.tests.hostile_replies import (
    MESSAGE,
    TOKEN,
    answered,
    asked,
    choice,
    chunk,
    completion,
    events,
)
from contract_tests.tests.proportion import Work, assert_in_proportion
from fake_server.relay.redact import OutOfTime, clock, redact, redacting_until, scan
from fake_server.wire import fixture, sse
from fake_server.wire.exchange import Exchange, Write
from fake_server.wire.fixture import Fixture

pytestmark = pytest.mark.security("clocks of the suite")

LARGE: dict[str, Callable[[int], Exchange]] = {
    "tokens": lambda size: completion([choice(logprobs={"content": [TOKEN] * (size // 70)})]),
    "one text": lambda size: completion([choice(message={**MESSAGE, "content": "a b " * (size // 4)})]),
    "chunks": lambda size: events([chunk({"content": f"a{number}"}) for number in range(size // 150)]),
    "base64": lambda size: completion([choice(message={**MESSAGE, "content": "QUJDREVG" * (size // 8)})]),
    "escapes": lambda size: completion([choice(message={**MESSAGE, "content": '\\"' * (size // 4)})]),
    "numbers": lambda size: answered("[" + "101," * (size // 4) + "1]"),
    "a request": lambda size: completion([choice()], asked(messages=[{"role": "user", "content": "a"}] * (size // 30))),
    "raw bytes": lambda size: answered(bytes(range(256)) * (size // 256)),
}


@pytest.mark.parametrize("work", [redact, scan])
@pytest.mark.parametrize("name", LARGE)
def test_redaction_looks_at_its_clock_in_proportion(
    name: str, work: Callable[[Exchange], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    def counting() -> float:
        nonlocal looks
        looks += 1
        return 0.0

    monkeypatch.setattr(clock, "monotonic", counting)
    exchange = LARGE[name](20_000)
    with redacting_until(1.0):
        work(exchange)
    assert looks > 5
    for late in (1, looks - 1):
        left = iter(range(late))
        monkeypatch.setattr(clock, "monotonic", lambda left=left: 0.0 if next(left, None) is not None else 2.0)
        with pytest.raises(OutOfTime), redacting_until(1.0):
            work(exchange)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(shrink.shrink_command, [str(argument) for argument in arguments], standalone_mode=False)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    fixture.save(Fixture(completion([choice(finish_reason="none")])), tmp_path / "a.yaml")
    return tmp_path / "a.yaml"


def test_what_cannot_be_cleaned_in_time_is_refused(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shrink, "MARGIN", -60.0)
    error = run(recorded, "--seconds", "5", "--out", tmp_path / "b.yaml").exception
    assert isinstance(error, UsageError)
    assert f"{recorded}: " in str(error)
    assert "bytes, could not be judged and cleaned of secrets in time" in str(error)
    assert "--seconds" in str(error)
    assert not (tmp_path / "b.yaml").exists()


def test_what_cannot_be_saved_in_time_is_refused(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = shrink_judged

    def late(*args: object, **kwargs: object) -> object:
        monkeypatch.setattr(shrink, "MARGIN", -60.0)
        return plain(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(shrink, "shrink_judged", late)
    error = run(recorded, "--rule", "chat.finish-reason", "--seconds", "5", "--out", tmp_path / "b.yaml").exception
    assert isinstance(error, UsageError)
    assert "the smallest found" in str(error)
    assert not (tmp_path / "b.yaml").exists()


@pytest.mark.parametrize("name", ["one text", "base64", "escapes", "a request"])
def test_what_makes_an_exchange_large_goes_first(name: str) -> None:
    """Within a few candidates, each of which takes as long as its bytes."""
    exchange = LARGE[name](100_000)
    body = json.loads(exchange.payload)
    body["choices"][0]["finish_reason"] = "none"
    broken = exchange.with_payload(json.dumps(body).encode())
    result = shrink_judged(Judged(broken), RULES["chat.finish-reason"], max_calls=20)
    assert len(result.after.payload) + len(result.after.request.body) < 2000


def test_a_long_text_that_is_the_fault_stays() -> None:
    exchange = LARGE["one text"](50_000)
    search = Search(exchange, lambda candidate: len(candidate.payload) > 40_000, 60.0)
    cut_long_texts(search, REPLY)
    assert search.best == exchange
    assert search.calls == 2


# -- trees of texts with too many tokens

MANY: dict[str, bytes] = {
    "numbers": json.dumps({"a": 1, "b": [[number] for number in range(2000)]}).encode(),
    "tokens": LARGE["tokens"](100_000).payload,
    "members": json.dumps({"x": {f"m{number}": {"a": number} for number in range(2000)}, "y": "z"}).encode(),
    "unfinished": b'{"a": 1, "b": [' + b"[[1, 2]], " * 2000,
    "closed too often": b'{"a": [1, 2]}' + b"]" * 9000,
    "brackets in texts": json.dumps({"a": "[{" * 50, "b": ["]}"] * 5000}).encode(),
}


@pytest.mark.parametrize("name", MANY)
def test_a_text_of_too_many_tokens_has_a_shallow_tree(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = MANY[name]
    whole = spans.parse(text)
    monkeypatch.setattr(spans, "MAX_TOKENS", 1000)
    monkeypatch.setattr(spans, "MAX_SHALLOW", 200)
    tree = spans.parse(text)
    assert whole is not None
    if name == "closed too often":
        assert tree is None
        return
    assert tree is not None
    assert (tree.start, tree.stop, tree.kind) == (whole.start, whole.stop, whole.kind)
    assert [(item.name, item.start, item.stop) for item in tree.items] == [
        (item.name, item.start, item.stop) for item in whole.items
    ]
    assert 0 < len(list(spans.patterns(tree))) <= 200


# -- where it is written


def test_without_out_the_file_is_named_and_none_is_replaced(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    made = tmp_path / "here" / "chat.finish-reason.yaml"
    done = run(recorded, "--rule", "chat.finish-reason")
    assert done.return_value == 0, done.output
    assert f"writes    {made}" in done.output.replace("\n", "")
    before = made.read_bytes()
    error = run(recorded, "--rule", "chat.finish-reason").exception
    assert isinstance(error, UsageError)
    assert str(error) == f"{made} exists; name the fixture to write with --out"
    assert made.read_bytes() == before
    assert run(recorded, "--rule", "chat.finish-reason", "--out", "chat.finish-reason.yaml").return_value == 0


def test_a_candidate_is_not_judged_beyond_the_time() -> None:
    original = Judged(completion([choice(finish_reason="none")]))
    late = False
    oracle = BreaksRule(RULES["chat.finish-reason"], original, lambda: late)
    assert oracle(original.exchange)
    late = True
    assert not oracle(original.exchange)


@pytest.mark.parametrize("texts", [["1"] * 400, ["{"] * 400, ["[1]"] * 400])
def test_events_that_cannot_be_joined_are_read_once(texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def counting(stream: bytes) -> list[Any]:
        read.append(len(stream))
        return sse.decode(stream)

    monkeypatch.setattr(event_passes, "decode", counting)
    event_passes.join_events(Search(events(texts), lambda _: False, 60.0))
    assert len(read) == 1


def test_passes_without_candidates_look_at_the_clock() -> None:
    with pytest.raises(Exhausted):
        event_passes.join_events(Search(events(["1"] * 10), lambda _: False, -1.0))


def test_many_edits_in_many_writes_take_time_in_proportion() -> None:
    def of_size(size: int) -> Work:
        exchange = answered(b"").but(writes=(Write(b"abcd"),) * size)
        edits = [(4 * number + 2, 4 * number + 6, b"x") for number in range(0, size - 1, 2)]
        return lambda: edit_body(exchange, edits)

    assert_in_proportion(of_size, 3000)


def test_edits_that_span_writes_stay_in_the_first() -> None:
    exchange = answered(b"").but(writes=(Write(b"abcd"), Write(b"efgh"), Write(b"ijkl")))
    edited = edit_body(exchange, [(2, 10, b"X"), (0, 1, b""), (11, 11, b"Y")])
    assert [write.data for write in edited.writes] == [b"bX", b"kYl"]
