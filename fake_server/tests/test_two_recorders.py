"""Two recorders in one folder keep each other's recordings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fake_server.relay.recorder import Recorder
from fake_server.tests.hostile import fixed, target
from fake_server.tests.wire_client import ask, post, run
from fake_server.wire import files, fixture

whole = pytest.mark.security("nothing is lost")
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


def reply(number: int) -> bytes:
    body = json.dumps({"number": number}).encode()
    return REPLY % (len(body), body)


async def record(folder: Path, *numbers: int) -> None:
    """Record the same request with as many recorders at once, each with a target of its own."""
    if not numbers:
        return
    async with target(fixed(reply(numbers[0]))) as url, Recorder(f"{url}/v1", folder) as recorder:
        await record(folder, *numbers[1:])
        port = int(recorder.base_url.removesuffix("/v1").rpartition(":")[2])
        await ask(port, post())
        await recorder.wait_until_idle()


def numbers_in(folder: Path) -> list[int]:
    return sorted(json.loads(fixture.load(path).exchange.payload)["number"] for path in fixture.find(folder))


@whole
@pytest.mark.parametrize("numbers", [(1, 2), (1, 2, 3, 4)])
def test_recorders_of_one_time_number_the_same_request(numbers: tuple[int, ...], tmp_path: Path) -> None:
    run(record(tmp_path, *numbers))
    assert numbers_in(tmp_path) == list(numbers)


@whole
def test_what_was_recorded_before_is_replaced_and_what_was_edited_meanwhile_is_not(tmp_path: Path) -> None:
    run(record(tmp_path, 1))
    run(record(tmp_path, 2))
    assert numbers_in(tmp_path) == [2]
    (path,) = tmp_path.glob("*.yaml")

    async def edit_meanwhile() -> None:
        async with target(fixed(reply(3))) as url, Recorder(f"{url}/v1", tmp_path) as recorder:
            path.write_text(path.read_text() + "notes: mine\n")
            await ask(int(recorder.base_url.removesuffix("/v1").rpartition(":")[2]), post())
            await recorder.wait_until_idle()

    run(edit_meanwhile())
    assert numbers_in(tmp_path) == [2, 3]
    assert fixture.load(path).notes == "mine"


PROCESS = """
import asyncio, sys
from pathlib import Path
from fake_server.relay.recorder import Recorder
from fake_server.tests.hostile import fixed, target
from fake_server.tests.test_two_recorders import reply
from fake_server.tests.wire_client import ask, post, run
async def main():
    async with target(fixed(reply(int(sys.argv[2])))) as url, Recorder(f"{url}/v1", Path(sys.argv[1])) as recorder:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        for _ in range(3):
            await ask(int(recorder.base_url.removesuffix("/v1").rpartition(":")[2]), post())
        await recorder.wait_until_idle()
run(main())
"""


@whole
def test_two_processes_keep_each_others_recordings(tmp_path: Path) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(tmp_path), number],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for number in ("1", "2")
    ]  # fmt: skip
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in both:
        process.communicate(timeout=60)
    assert [process.returncode for process in both] == [0, 0]
    assert numbers_in(tmp_path) == [1, 1, 1, 2, 2, 2]


@whole
def test_a_version_that_is_gone_may_be_written(tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_text("1")
    version = files.stamp_of(path)
    files.require_version(path, version)
    path.write_text("22")
    with pytest.raises(files.Taken):
        files.require_version(path, version)
    with pytest.raises(files.Taken):
        files.require_version(path, None)
    path.unlink()
    files.require_version(path, version)
