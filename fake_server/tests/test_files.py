"""Files of strangers: only regular files are read, no link is followed, and what is written is whole."""

from __future__ import annotations

import errno
import os
import random
import resource
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from contract_tests.lab.hostile_files import NO_FILES, SECRET, fifo, link_outside, outside
from fake_server.scripts.book import ScriptError
from fake_server.scripts.book import load as load_scripts
from fake_server.tests.test_keeping import EXCHANGE
from fake_server.wire import files, fixture
from fake_server.wire.fixture import FixtureError

HEAD = """\
openai-contract-fixture: 1
request: {method: GET, target: /v1/models}
response: {status: 200, body: {file: one.body}}
"""
hostile = pytest.mark.security("hostile files")
whole = pytest.mark.security("nothing is lost")


@hostile
@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_is_not_read(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PATIENCE", 0.01)
    NO_FILES[kind](tmp_path / "one")
    for follow in (False, True):
        if kind == "link outside" and follow:  # named by the user
            assert files.read_bytes(tmp_path / "one", 100).startswith(SECRET.encode())
            continue
        with pytest.raises(OSError, match=r"^\[Errno \d+\] .+") as caught:
            files.read_bytes(tmp_path / "one", 100, follow=follow)
        assert caught.value.strerror


@hostile
@pytest.mark.parametrize("kind", NO_FILES)
def test_a_body_that_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "one.yaml").write_text(HEAD)
    NO_FILES[kind](tmp_path / "one.body")
    with pytest.raises(FixtureError, match=r"one\.yaml:3: response\.body\.file: 'one\.body' cannot be read: .+"):
        fixture.load(tmp_path / "one.yaml")


@hostile
@pytest.mark.parametrize(
    "name", ["../outside.txt", "/etc/passwd", "..", ".", "", "in/one.body", "a\\0b", "\\x00", "./one.body"]
)
def test_a_body_stands_beside_its_head(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "one.body").write_text("x")
    (tmp_path / "one.yaml").write_text(HEAD.replace("one.body", f'"{name}"'))
    with pytest.raises(FixtureError, match=r"one\.yaml:3: response\.body\.file: .*(same folder|cannot be read)"):
        fixture.load(tmp_path / "one.yaml")


@hostile
@pytest.mark.parametrize("kind", [*NO_FILES, "link to a folder"])
def test_a_folder_is_read_without_what_is_no_file(tmp_path: Path, kind: str) -> None:
    (tmp_path / "in").mkdir()
    good = tmp_path / "in" / "good.yaml"
    good.write_text(HEAD.replace("{file: one.body}", "{text: good}"))
    if kind == "link to a folder":
        (tmp_path / "bad.yaml").symlink_to("/etc")
        (tmp_path / "again").symlink_to(tmp_path / "in")
    else:
        NO_FILES[kind](tmp_path / "bad.yaml")
    if kind == "link outside":
        with pytest.raises(FixtureError, match=r"bad\.yaml: cannot be read: it is a symbolic link, .* name the file"):
            fixture.find(tmp_path)
        with pytest.raises(ScriptError, match=r"bad\.yaml: cannot be read: it is a symbolic link"):
            load_scripts([tmp_path])
    else:
        assert fixture.find(tmp_path) == [good]
    (tmp_path / "named").symlink_to(tmp_path / "in")
    assert [path.name for path in fixture.find(tmp_path / "named")] == ["good.yaml"]


@hostile
@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../outside.txt", "link", "inner/link", "linked/x.bin", "pipe", "in/.."]
)
def test_a_script_sends_only_what_stands_in_its_folder(tmp_path: Path, name: str) -> None:
    scripts = tmp_path / "scripts"
    (scripts / "inner").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.bin").write_text(SECRET)
    (tmp_path / "outside.txt").write_text(SECRET)
    (scripts / "linked").symlink_to(tmp_path / "elsewhere")
    fifo(scripts / "pipe")
    for link in ("link", "inner/link"):
        (scripts / link).symlink_to(tmp_path / "outside.txt")
    (scripts / "s.yaml").write_text(f"- {{name: a, reply: {{raw: {{file: '{name}'}}}}}}\n")
    with pytest.raises(ScriptError, match=r"s\.yaml:1: .*cannot be read: .+") as caught:
        load_scripts([scripts])
    assert SECRET not in str(caught.value)


@hostile
def test_a_file_that_grows_while_it_is_read_stays_in_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "growing"
    path.write_bytes(b"x" * 50)
    opened = files.open_regular

    def grow(path: Path, *, follow: bool = True) -> object:
        file = opened(path, follow=follow)
        with path.open("ab") as more:
            more.write(b"x" * 1000)
        return file

    monkeypatch.setattr(files, "open_regular", grow)
    with pytest.raises(OSError, match="larger than 100 bytes"):
        files.read_bytes(path, 100)


@hostile
@pytest.mark.parametrize("make", [fifo, link_outside])
def test_what_is_replaced_between_look_and_opening_is_seen(
    tmp_path: Path, make: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one"
    path.write_text("mine")
    look = os.stat

    def swap(where: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        seen = look(where, follow_symlinks=follow_symlinks)
        path.unlink()
        make(path)
        return seen

    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", swap)
        with pytest.raises(OSError, match=r".+"):
            files.open_regular(path, follow=False)


@hostile
def test_a_torn_body_is_refused(tmp_path: Path) -> None:
    fixture.save(fixture.Fixture(EXCHANGE.but(writes=EXCHANGE.writes[:1])), tmp_path / "one.yaml")
    (body,) = tmp_path.glob("*.body")
    for data in (b"", body.read_bytes()[:-1]):
        body.write_bytes(data)
        with pytest.raises(FixtureError, match=r"one\.yaml:\d+: response\.body\.file: .* cut off, or was edited"):
            fixture.load(tmp_path / "one.yaml")


# -- writing


@whole
@pytest.mark.parametrize("room", [0, 1, 4096, 99_999])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, room: int) -> None:
    path = tmp_path / "report.json"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for there in (None, b"the previous report"):
        if there:
            path.write_bytes(there)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
        try:
            with pytest.raises(OSError, match=r"File too large") as caught:
                files.write_whole(path, b"x" * 100_000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert caught.value.errno == errno.EFBIG
        assert [one.read_bytes() for one in tmp_path.iterdir()] == ([there] if there else [])


@whole
@pytest.mark.parametrize("step", ["fsync", "replace", "fchmod"])
def test_an_error_at_any_step_leaves_what_was_there(tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"before")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space left"):
        files.write_whole(path, b"after")
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"before"]


@whole
def test_the_mode_stays_and_that_of_a_new_file_is_the_usual(tmp_path: Path) -> None:
    path, usual = tmp_path / "report.json", tmp_path / "usual"
    usual.write_text("")
    files.write_whole(path, b"1")
    assert path.stat().st_mode == usual.stat().st_mode
    path.chmod(0o640)
    files.write_whole(path, b"2")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@hostile
@pytest.mark.parametrize("link", ["symbolic", "hard", "dangling"])
def test_a_link_is_replaced_and_its_target_stays(tmp_path: Path, link: str) -> None:
    target, path = outside(tmp_path), tmp_path / "report.json"
    if link == "hard":
        os.link(target, path)
    else:
        path.symlink_to(target if link == "symbolic" else tmp_path / "nowhere")
    files.write_whole(path, b"mine")
    assert path.read_bytes() == b"mine"
    assert not path.is_symlink()
    assert target.read_text() == f"{SECRET}\n"
    assert not (tmp_path / "nowhere").exists()


@hostile
def test_links_with_the_names_of_unfinished_files_are_not_followed(tmp_path: Path) -> None:
    target = outside(tmp_path)
    fixture.save(fixture.Fixture(EXCHANGE), tmp_path / "one.yaml")
    for name in [path.name for path in tmp_path.iterdir()]:
        (tmp_path / f".{name}.part").symlink_to(target)
        (tmp_path / name).unlink()
        (tmp_path / name).symlink_to(target)
    fixture.save(fixture.Fixture(EXCHANGE), tmp_path / "one.yaml")
    assert target.read_text() == f"{SECRET}\n"
    assert fixture.load(tmp_path / "one.yaml", follow=False).exchange == EXCHANGE
    assert len(list(tmp_path.iterdir())) == 2


@whole
@pytest.mark.parametrize("kind", ["folder", "socket"])
def test_a_name_that_is_taken_by_no_file_is_an_error(tmp_path: Path, kind: str) -> None:
    NO_FILES[kind](tmp_path / "report.json")
    with pytest.raises(OSError, match=r".+"):
        files.write_whole(tmp_path / "report.json", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


@hostile
def test_a_fifo_that_nobody_reads_is_not_awaited_and_one_that_is_read_is_written(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    fifo(path)
    with pytest.raises(OSError, match=r".+"):
        files.write_whole(path, b"x")
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    files.write_whole(path, b"report")
    assert os.read(reader, 100) == b"report"
    os.close(reader)


@whole
def test_streams_of_the_shell_are_written_and_read_as_they_are(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from fake_server.wire import files\n"
        "files.write_whole(Path('/dev/stdout'), files.read_bytes(Path('/dev/stdin'), 100)); "
        "files.write_whole(Path('/dev/null'), b'x')"
    )
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", code], input=b"piped", stdout=out, timeout=60, check=True)
    assert (tmp_path / "out").read_bytes() == b"piped"
    piped = subprocess.run([sys.executable, "-c", code], input=b"piped", capture_output=True, timeout=60, check=True)
    assert piped.stdout == b"piped"


WRITER = """
import sys
from pathlib import Path
from fake_server.wire.files import write_whole
number = 0
while True:
    number += 1
    write_whole(Path(sys.argv[1]), b"%d\\n" % number * 20_000)
    print(number, flush=True)
"""


@whole
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_kill_at_any_moment_leaves_a_whole_report(tmp_path: Path, number: signal.Signals) -> None:
    path, dice = tmp_path / "report.json", random.Random(5)
    for _ in range(4):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(dice.random() * 0.02)
        writer.send_signal(number)
        writer.communicate()
        lines = path.read_bytes().splitlines()
        assert len(lines) == 20_000
        assert len(set(lines)) == 1
