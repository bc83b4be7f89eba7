"""Recording and diffing take time in proportion, and stop when they are told to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contract_tests.cli import recording as saving
from contract_tests.diffing.documents import merge_chunks
from contract_tests.rules.engine.view import View
from contract_tests.run.run import Options
from contract_tests.tests.hostile_replies import chunk, events
from contract_tests.tests.proportion import Work, assert_in_proportion
from contract_tests.tests.small_target import Asked, of, report_of, stream, to_cases
from fake_server.relay.saving import SaveError
from fake_server.wire import fixture
from fake_server.wire.bounds import Bounds
from fake_server.wire.exchange import Ending

pytestmark = pytest.mark.security("clocks of the suite")


def endless_body(asked: Asked) -> bytes | None:
    if not asked.json.get("stream"):
        return None
    head, _, body = stream().partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body[:200] + b": ping\n\n" * 20_000


def test_what_is_saved_of_an_endless_body_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "KEPT", 4096)
    bounds = Bounds(first_byte=2, idle=2, exchange=5, body=100_000)
    report, _ = report_of(to_cases(endless_body), "chat.stream.short", bounds=bounds, keep_raw=True)
    [(_, saved)] = list(saving.save_case(of(report, "chat.stream.short"), tmp_path, Options("http://127.0.0.1")))
    assert not isinstance(saved, SaveError), saved
    exchange = fixture.load(saved.path).exchange
    assert (exchange.ending, len(exchange.payload)) == (Ending.OVERSIZED, 4096)
    assert "the first 4,096 bytes are kept" in exchange.problem


def test_saving_begins_nothing_when_its_time_is_up(tmp_path: Path) -> None:
    report, _ = report_of(lambda _: None, "chat.short")
    [(_, outcome)] = list(saving.save_case(report.results[0], tmp_path, Options("http://127.0.0.1"), until=0.0))
    assert isinstance(outcome, SaveError)
    assert "the time for saving was up" in str(outcome)
    assert not list(tmp_path.iterdir())


def test_the_pieces_of_a_long_text_are_joined_at_once() -> None:
    piece = {"index": 0, "function": {"arguments": "a" * 200}}

    def of_size(size: int) -> Work:
        views = View(events([chunk({"content": "a" * 200, "tool_calls": [piece]})] * size))
        assert views.streamed
        return lambda: merge_chunks(views)

    assert_in_proportion(of_size, 1500)


@pytest.mark.parametrize(
    ("deltas", "merged"),
    [
        ([{"content": "a"}, {"content": None}, {"content": "b"}], {"content": "ab"}),
        ([{"role": "assistant"}, {"role": "assistant"}], {"role": "assistant"}),
        ([{"audio": "a"}, {"audio": 5}, {"audio": "b"}, {"audio": "c"}], {"audio": "bc"}),
        ([{"content": ""}, {"content": None}], {}),
    ],
)
def test_deltas_are_merged_in_order(deltas: list[Any], merged: dict[str, Any]) -> None:
    assert merge_chunks(View(events([chunk(delta) for delta in deltas])))["choices"][0]["message"] == merged
