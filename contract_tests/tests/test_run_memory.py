"""What a run keeps of its replies, and that its end does not go through all of them once more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contract_tests.cli import progress
from contract_tests.cli.recording import save_case
from contract_tests.cli.shared_options import console
from contract_tests.diffing import live
from contract_tests.report.terminal import Terminal
from contract_tests.run import outcome
from contract_tests.run.outcome import CaseResult, Outcome, RunReport
from contract_tests.run.run import Options
from contract_tests.target import session
from contract_tests.tests.small_target import completion, of, report_of, to_cases
from fake_server import ending
from fake_server.relay.saving import SaveError
from fake_server.server import in_process
from fake_server.tests.steady_loop import run_steadily
from fake_server.wire.exchange import Exchange, Request
from fake_server.wire.room import SMALL, Room

SIZE = 300_000


class Spelled:
    """A result that notes when somebody makes a text of it."""

    times = 0

    def __repr__(self) -> str:
        Spelled.times += 1
        return "all the bytes of a run"


async def _result(*_: object) -> Any:
    return Spelled()


def _asked() -> object:
    return progress.ask(Terminal(console()), Options("http://127.0.0.1:1/v1"))


@pytest.mark.security("clocks of the suite")
@pytest.mark.parametrize(
    "way",
    [
        lambda: ending.run_loop(_result()),
        _asked,
        lambda: live.compare_with_fake([]),
        lambda: in_process._run(_result()),
    ],
    ids=["any work", "a run", "a comparison", "a reply in process"],
)
def test_no_text_is_made_of_a_result_as_its_loop_ends(way: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "run", _result)
    monkeypatch.setattr(live, "_against_fake", _result)
    Spelled.times = 0
    assert isinstance(way(), Spelled)
    assert Spelled.times == 0


def _large(asked: Any) -> bytes | None:
    """A completion after many blanks, in which only its size is odd."""
    if not asked.body or asked.json.get("stream"):
        return None
    head, end, body = completion().partition(b"\r\n\r\n")
    head = head.replace(b"Content-Length: %d" % len(body), b"Content-Length: %d" % (len(body) + SIZE))
    return head + end + body + b" " * SIZE


def _kept(report: RunReport) -> int:
    return sum(exchange.size for result in report.results for exchange in result.exchanges)


@pytest.mark.security("memory")
@pytest.mark.parametrize("cases", [("chat.short", "chat.poem", "chat.n"), ("chat.unusual-text", "http")])
@pytest.mark.parametrize("keep_raw", [False, True])
def test_a_run_keeps_a_bounded_part_of_its_replies(
    cases: tuple[str, ...], keep_raw: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def played(most: int) -> RunReport:
        monkeypatch.setattr(outcome, "MOST_KEPT", most)
        return report_of(to_cases(_large), *cases, keep_raw=keep_raw, run_seconds=60.0)[0]

    whole, bounded = played(1 << 40), played(SIZE)
    assert _kept(whole) > 2 * SIZE
    assert _kept(bounded) < SIZE + 100_000
    assert [result.outcome for result in bounded.results] == [result.outcome for result in whole.results]
    assert [one.rule.id for one in bounded.findings] == [one.rule.id for one in whole.findings]
    assert bounded.server == whole.server


@pytest.mark.security("memory")
def test_what_was_not_kept_is_not_saved_and_the_line_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome, "MOST_KEPT", SIZE // 2)
    report, _ = report_of(to_cases(_large), "chat.short")
    [(_, saved)] = save_case(of(report, "chat.short"), tmp_path, Options("http://127.0.0.1"))
    assert isinstance(saved, SaveError)
    assert "--select chat.short" in str(saved)
    assert not list(tmp_path.iterdir())


@pytest.mark.security("memory")
def test_a_comparison_names_a_case_whose_replies_were_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome, "MOST_KEPT", 0)
    monkeypatch.setattr(live, "run_loop", lambda work: run_steadily(work))

    async def emptied(options: Options, *_: object) -> RunReport:
        exchanges = (Exchange(Request("POST", "/v1/chat/completions"), 200, label="chat.short"),)
        result = CaseResult("chat.short", "chat", "a case", Outcome.PASS, exchanges=exchanges)
        return RunReport(options.target, "m", (result.without_bodies(),))

    monkeypatch.setattr(live, "run", emptied)
    pairs, _ = live.ask_both(Options("http://127.0.0.1:1/v1", select=("chat.short",)))
    assert pairs.not_asked == ("chat.short: its replies are too large to be kept",)
    assert not pairs.both


@pytest.mark.security("memory")
@pytest.mark.parametrize(
    "cases", [("chat.short", "chat.poem", "chat.n"), ("chat.unusual-text", "relations"), ("chat",)]
)
@pytest.mark.parametrize("concurrency", [1, 4])
def test_replies_that_wait_to_be_judged_have_a_common_bound(
    cases: tuple[str, ...], concurrency: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms: list[Counting] = []

    class Counting(Room):
        peak = 0

        def __init__(self, most: float = 0, what: str = "") -> None:
            super().__init__(2 * SIZE, what)
            rooms.append(self)

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
            if name == "held":
                self.peak = max(self.peak, value)

    monkeypatch.setattr(session, "Room", Counting)
    report, _ = report_of(to_cases(_large), *cases, concurrency=concurrency, run_seconds=120.0)
    [room] = rooms
    requests = sum(len(result.exchanges) for result in report.results)
    assert room.held == 0
    assert room.peak <= 3 * SIZE + 2 * requests * SMALL
    given_up = [result for result in report.results if session.WAITING in result.reason]
    assert all(result.outcome in (Outcome.NOT_REACHED, Outcome.FAIL, Outcome.WARN) for result in given_up)
    assert Outcome.HARNESS_FAILED not in {result.outcome for result in report.results}
    assert not any(session.WAITING in finding.actual for finding in report.findings)
    if cases == ("chat",):
        assert given_up
