"""Judging servers by their scripts: small servers made here play the third parties, nothing is installed."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from contract_tests.lab.interop import __main__ as program
from contract_tests.lab.interop import catalogue, expected, judging, starting
from contract_tests.lab.interop.catalogue import KEY, SERVERS, Server
from contract_tests.lab.interop.judging import Verdict, judge_server
from contract_tests.lab.tools import environments, processes
from contract_tests.lab.tools.checkout import ROOT
from contract_tests.lab.tools.environments import NotInstalled
from contract_tests.lab.tools.processes import ProcessFailed
from contract_tests.run.outcome import RunReport
from contract_tests.run.run import Options, run
from fake_server.wire.fixture import load

FORWARD = """\
. "$(dirname "$0")/_lib.sh"
cd "$ROOT" && serve /health "$PYTHON" -m fake_server --port "$PORT" --plain
"""
"""A third party that is no proxy: another fake, in a process of its own."""

BROKEN = """\
. "$(dirname "$0")/_lib.sh"
cat >"$WORK/broken.py" <<'PY'
import http.server, json, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = self.path in ("/", "/v1/models")
        model = {"id": "gpt-3.5-turbo", "object": "model", "created": 1700000000, "owned_by": "me"}
        body = json.dumps({"object": "list", "data": [model]} if found else {"detail": "Not Found"}).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = answer
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
PY
serve / "$PYTHON" "$WORK/broken.py" "$PORT"
"""


class Workshop:
    """A folder of scripts and homes in place of the kit's own."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.scripts, self.patch = folder / "servers", patch
        self.scripts.mkdir()
        shutil.copy(catalogue.SCRIPTS / "_lib.sh", self.scripts)
        patch.setattr(catalogue, "SCRIPTS", self.scripts)
        patch.setattr(catalogue, "WORK_FOLDERS", folder / "work")
        patch.setattr(judging, "install", self.install)
        patch.setattr(expected, "FILE", folder / "expected.toml")
        self.not_installable: set[str] = set()

    def server(self, name: str, script: str, **options: object) -> Server:
        (self.scripts / f"{name}.sh").write_text(script.replace("$ROOT", str(ROOT)))
        server = Server(name, name.title(), "1.0", **options)  # type: ignore[arg-type]
        self.patch.setitem(SERVERS, name, server)
        return server

    def install(self, server: Server) -> Path:
        if server.name in self.not_installable:
            raise NotInstalled("no such version")
        return self.scripts

    def serving(self, server: Server) -> AbstractContextManager[starting.RunningServer]:
        return starting.serving(server, self.scripts, "http://127.0.0.1:1/v1")

    def main(self, *argv: str) -> int:
        return program.main(argv)


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    yield Workshop(tmp_path, monkeypatch)
    for pid in tmp_path.glob("work/*/pid"):
        assert has_ended(int(pid.read_text())), f"{pid.parent.name} is still there"


def has_ended(pid: int, seconds: float = 60.0) -> bool:
    """Whether the process ends within the time."""
    until = time.monotonic() + seconds
    while Path(f"/proc/{pid}").exists() or _alive(pid):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_server_is_asked_and_stopped(workshop: Workshop) -> None:
    leg = judge_server(workshop.server("twin", FORWARD), select=("models",))
    assert leg.report is not None
    assert (leg.verdict, leg.findings, leg.report.requests > 3) == (Verdict.JUDGED, (), True)
    assert leg.start_seconds > 0
    assert leg.memory > 20 * 1024 * 1024 or not Path("/proc").is_dir()


def test_the_server_gets_no_variables_of_ours(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-user")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:1")
    monkeypatch.setenv("PIP_SOMETHING", "kept")
    server = workshop.server("nosy", '. "$(dirname "$0")/_lib.sh"\nenv >"$WORK/serve.env"\nexit 1\n')
    with pytest.raises(ProcessFailed), workshop.serving(server):
        pass
    environment = (server.work_folder / "serve.env").read_text()
    assert "NO_PROXY=127.0.0.1" in environment
    assert not any(secret in environment for secret in ("sk-of-the-user", "proxy.invalid", "PIP_SOMETHING"))
    assert f"SERVER_KEY={KEY}" in environment


def test_a_server_that_is_never_ready_is_ended_with_all_its_children(workshop: Workshop) -> None:
    script = '. "$(dirname "$0")/_lib.sh"\ntrap "" TERM\nsleep 60 & echo $! >"$WORK/pid"; wait; sleep 60\n'
    server = workshop.server("slow", script, start_seconds=0.5)
    workshop.patch.setattr(processes, "STOP_SECONDS", 0.3)
    with pytest.raises(ProcessFailed, match=r"not ready within 0\.5 s"), workshop.serving(server):
        pass


def test_a_server_that_dies_says_its_last_words(workshop: Workshop) -> None:
    script = '. "$(dirname "$0")/_lib.sh"\nserve / bash -c "echo RuntimeError: no luck; exit 3"\n'
    with (
        pytest.raises(ProcessFailed, match="it did not start: RuntimeError: no luck"),
        workshop.serving(workshop.server("frail", script)),
    ):
        pass


@pytest.mark.parametrize("name", ["g4f", "portkey"])
def test_a_server_is_installed_as_its_pins_say_within_its_limit(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[tuple[object, ...]] = []

    def note(*arguments: object) -> Path:
        calls.append(arguments)
        return tmp_path / "bin" / "python"

    for builder in ("python_environment", "locked_node_environment"):
        monkeypatch.setattr(environments, builder, note)
    starting.install(replace(SERVERS[name], install_seconds=7.0))
    expected = {
        "g4f": ("g4f", ("g4f[slim]",), catalogue.SCRIPTS / "g4f.txt", 7.0),
        "portkey": ("portkey", catalogue.SCRIPTS / "portkey", 7.0),
    }
    assert calls == [expected[name]]


def test_the_server_goes_when_whoever_started_it_is_killed(workshop: Workshop) -> None:
    server = workshop.server("orphan", FORWARD)
    with workshop.serving(server) as served:
        process = served.running.process
        assert process.stdin is not None
        process.stdin.close()  # as the system does when a process is killed
        process.wait(60)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_findings_are_printed_and_are_no_failure(
    workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = workshop.server("broken", BROKEN)
    workshop.patch.setattr(
        program,
        "judge_server",
        lambda server: judge_server(server, select=("errors.unknown-path", "models.list")),
    )
    reports = tmp_path / "reports"
    assert workshop.main("broken", "--json", str(reports), "--keep", "--write-expected") == 0
    printed = capsys.readouterr().out
    assert "✗ errors.object   MUST" in printed
    assert "warning: errors.object is new here; read its bytes" in printed
    assert printed.splitlines()[-1].startswith("interop: 1 server judged, 1 MUST finding, 0 SHOULD (")
    summary = json.loads((reports / "interop.json").read_text())[0]
    assert (summary["must"], summary["new"]) == ({"errors.object": 1}, ["errors.object"])
    assert json.loads((reports / "broken.json").read_text())["requests"] > 2
    saved = [load(path) for path in (server.work_folder / "seen").glob("*.yaml")]
    assert [(fixture.breaks, fixture.exchange.payload) for fixture in saved] == [
        (("errors.object", "http.request-id"), b'{"detail": "Not Found"}')
    ]
    assert expected.load()["broken"].must == ("errors.object",)
    assert workshop.main("broken") == 0
    assert "as expected" in capsys.readouterr().out


def test_what_cannot_be_judged_fails_by_name(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    workshop.server("wrong", "exit 1\n")
    workshop.not_installable.add("wrong")
    workshop.server("other", '. "$(dirname "$0")/_lib.sh"\n', tools=("no-such-tool",))
    assert workshop.main("wrong", "other") == 1
    printed = capsys.readouterr().out
    assert "Wrong 1.0: not started: the install failed: no such version" in printed
    assert "Other 1.0: skipped: no-such-tool not found" in printed
    assert "interop: 0 servers judged, 0 MUST findings, 0 SHOULD, skipped: other, failed: wrong" in printed
    assert workshop.main("wrong", "--skip-missing") == 0


def test_a_server_without_chat_is_unreachable(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    script = FORWARD.replace("-m fake_server --port", "-m http.server --bind 127.0.0.1").replace(" --plain", "")
    workshop.server("files", script.replace("/health", "/"))
    assert workshop.main("files", "--skip-missing") == 1
    assert "Files 1.0: unreachable: " in capsys.readouterr().out


def test_ctrl_c_stops_the_server_and_the_run(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    script = FORWARD.replace("serve /health", 'echo $$ >"$WORK/pid"; serve /health')
    workshop.server("twin", script)
    workshop.server("next", script)

    def interrupt(server: Server) -> judging.Leg:
        os.kill(os.getpid(), signal.SIGINT)
        return judge_server(server)

    workshop.patch.setattr(program, "judge_server", interrupt)
    handler = signal.getsignal(signal.SIGTERM)
    assert workshop.main("twin", "next") == program.INTERRUPTED
    assert signal.getsignal(signal.SIGTERM) is handler
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_a_run_leaves_nothing_behind(workshop: Workshop, number: int) -> None:
    server = workshop.server("twin", FORWARD.replace("serve /health", 'echo $$ >"$WORK/pid"; serve /health'))

    async def and_then(options: Options) -> RunReport:
        asyncio.get_running_loop().call_later(0.2, os.kill, os.getpid(), number)
        return await run(replace(options, select=("chat", "relations"), concurrency=1))

    workshop.patch.setattr(judging, "run", and_then)
    assert workshop.main("twin") == program.INTERRUPTED
    assert (server.work_folder / "pid").is_file()


def test_a_heavy_server_is_left_out_by_name_unless_all_are_asked_for(
    workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    light = workshop.server("light", "exit 1\n")
    large = workshop.server("large", "exit 1\n", heavy="it fills a disk")
    workshop.patch.setattr(program, "SERVERS", {"light": light, "large": large})
    judged: list[Server] = []

    def does_not_start(server: Server) -> judging.Leg:
        judged.append(server)
        return judging.Leg(server, Verdict.NOT_STARTED, "for a test")

    workshop.patch.setattr(program, "judge_server", does_not_start)
    assert workshop.main("--skip-missing") == 0
    line = "left out  large: it fills a disk; `make interop ALL=1` judges it too"
    assert line in capsys.readouterr().out
    assert judged == [light]
    assert workshop.main("--skip-missing", "--all") == 0
    assert judged == [light, light, large]
    assert "left out" not in capsys.readouterr().out


def test_an_unknown_server_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        program.main(["nobody"])
    assert caught.value.code == 2
    assert "no server is called 'nobody'; there are g4f, litellm" in capsys.readouterr().err
