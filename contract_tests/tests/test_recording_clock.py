"""Recording and diffing take time in proportion, and stop when they are told to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contract_tests.cli import recording as saving
from contract_tests.cli.run import record_findings
from contract_tests.cli.shared_options import console
from contract_tests.diffing.documents import merge_chunks
from contract_tests.report.terminal import Terminal
from contract_tests.rules.engine.view import View
from contract_tests.run.run import Options
from contract_tests.tests.hostile_replies import chunk, events
from contract_tests.tests.proportion import Work, assert_in_proportion
from contract_tests.tests.small_target import Asked, completion, of, report_of, stream, to_cases
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


def _is_poem(asked: Asked) -> bool:
    return "poem" in str(asked.json.get("messages"))


def test_what_the_time_for_saving_leaves_out_is_one_line_and_the_worst_is_saved_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = {"http.plain", "http.charset", "chat.short", "chat.poem"}

    def answer(asked: Asked) -> bytes:
        reply = completion().replace(b"X-Request-Id", b"X-Another-Id")  # a NOTE
        return reply.replace(b"chat.completion", b"chat.completing") if _is_poem(asked) else reply

    report, _ = report_of(to_cases(answer), *shown, keep_raw=True)
    assert all(result.findings for result in report.results)
    clock = iter(range(100))
    monkeypatch.setattr(saving, "process_time", lambda: next(clock))
    monkeypatch.setattr(saving, "SAVING", 1)
    record_findings(Terminal(console()), report, tmp_path, Options("http://127.0.0.1"))
    out = " ".join(capsys.readouterr().out.split())
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".yaml"] == ["chat.poem.yaml"]
    assert out.count("the time for saving was up") == 1
    assert "3 exchanges of 3 cases: the time for saving was up" in out
    assert all(case_id in out for case_id in shown - {"chat.poem"})
    assert "saved 1 exchange" in out


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
