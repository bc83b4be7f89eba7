"""A recording that cannot be cleaned or judged in time is refused with what to do, and nothing is written of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from click.testing import CliRunner

from contract_tests.cli import importing, recording
from contract_tests.cli.recording import find_broken_rules
from contract_tests.tests.hostile_replies import choice, completion
from fake_server.relay import saving
from fake_server.relay.recorder import Recorder
from fake_server.relay.redact import OutOfTime, redacting_until
from fake_server.relay.saving import Saved, SaveError, save_recording
from fake_server.tests.listening import listening
from fake_server.tests.wire_client import OK, ask, post, run
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange
from fake_server.wire.fixture import Fixture

pytestmark = pytest.mark.security("clocks of the suite")
SAMPLES = Path(__file__).parent / "samples"
REPLY = completion([choice()])


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


@pytest.mark.parametrize("name", ["mitm.har", "vcr.yaml", "go-vcr.yaml", "ruby.yml", "trace.httprr", "mitm.flow"])
def test_an_import_names_what_was_not_clean_in_time(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "CLEANING", -1.0)
    arguments = [str(SAMPLES / name), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(importing.import_command, arguments, standalone_mode=False)
    text = " ".join(done.output.split())
    assert (done.exception, done.return_value) == (None, 1)
    assert name in text
    assert "could not be cleaned of secrets within -1 s; record a shorter reply" in text
    assert not files_of(tmp_path / "out")


@pytest.mark.parametrize("late", [1, 3, 10])
def test_an_older_recording_stays_where_a_new_one_is_not_clean_in_time(
    late: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_recording(Fixture(REPLY), tmp_path / "a.yaml")
    before = files_of(tmp_path)
    looks = iter(range(late))

    def clock() -> float:
        return 0.0 if next(looks, None) is not None else 1e6

    monkeypatch.setattr("fake_server.relay.redact.clock.monotonic", clock)
    monkeypatch.setattr(saving, "monotonic", clock)
    with pytest.raises(SaveError, match=r"a.yaml is not saved: its [0-9,]+ bytes could not be cleaned"):
        save_recording(Fixture(completion([choice(finish_reason="none")])), tmp_path / "a.yaml")
    assert files_of(tmp_path) == before


def test_the_clock_of_a_caller_goes_on_to_be_his(tmp_path: Path) -> None:
    with pytest.raises(OutOfTime), redacting_until(monotonic() - 1):
        save_recording(Fixture(REPLY), tmp_path / "a.yaml")
    assert not files_of(tmp_path)


def test_a_recorder_goes_on_after_a_reply_that_was_not_clean_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: Iterator[float] = iter([-1.0, 300.0])
    outcomes: list[Saved | SaveError] = []

    def save(*given: object, **options: object) -> Saved:
        monkeypatch.setattr(saving, "CLEANING", next(times))
        return save_recording(*given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("fake_server.relay.recorder.save_recording", save)

    async def target(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)

    async def main() -> None:
        def on_saved(_: Exchange, outcome: Saved | SaveError) -> None:
            outcomes.append(outcome)

        async with (
            listening(target) as port,
            Recorder(f"http://127.0.0.1:{port}", tmp_path, label="x", on_saved=on_saved) as recorder,
        ):
            for _ in range(2):
                await ask(recorder._relay.port, post())
                await recorder.wait_until_idle()

    run(main())
    assert [type(outcome) for outcome in outcomes] == [SaveError, Saved]
    assert len([*tmp_path.glob("*.yaml")]) == 1


def test_what_cannot_be_judged_in_time_is_not_saved_with_half_of_its_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "SECONDS", -1.0)
    with pytest.raises(SaveError, match=r"could not be judged within -1 s; record a shorter reply"):
        save_recording(Fixture(REPLY), tmp_path / "a.yaml", breaks=find_broken_rules)
    assert not files_of(tmp_path)


def test_the_log_shows_the_rules_that_were_found_when_it_was_saved(tmp_path: Path) -> None:
    broken = completion([choice(finish_reason="none")])
    saved = save_recording(Fixture(broken), tmp_path / "a.yaml", breaks=find_broken_rules)
    assert saved.breaks == fixture.load(saved.path).breaks
    assert "chat.finish-reason" in saved.breaks
