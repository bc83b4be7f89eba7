"""A project of somebody else whose own modules have the names that ours have in the checkout."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from contract_tests.lab.packaging import wheels
from contract_tests.lab.tools import processes
from contract_tests.lab.tools.environments import NotInstalled, run_installer

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
_AFRESH = ("--quiet", "--no-deps", "--no-cache-dir")

FILES = {
    "fake_server.py": 'OWN = "module"\n',
    "fixtures/__init__.py": 'OWN = "package"\n',
    "contract_tests/__init__.py": "",
    "contract_tests/cli.py": 'OWN = "command"\n',
    "contract_tests/conftest.py": """\
import pytest


@pytest.fixture
def own_fixture():
    return "own"
""",
    "contract_tests/test_own.py": """\
import json
import urllib.request

import contract_tests.cli
import fake_server as own_module
import fixtures

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "weather in Oslo?"}]}


def ask(base_url):
    data = json.dumps(BODY).encode()
    request = urllib.request.Request(
        f"{base_url}/chat/completions",
        data,
        {"authorization": "Bearer sk-x", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)["choices"][0]["message"]["content"]


def test_own_modules_are_imported(own_fixture):
    assert (contract_tests.cli.OWN, own_module.OWN, fixtures.OWN) == ("command", "module", "package")
    assert own_fixture == "own"


def test_environment(fake_server, openai_env):
    when = {"body": {"$.messages[0].content": {"contains": "oslo"}}}
    fake_server.script({"when": when, "reply": {"text": "rain"}})
    assert ask(openai_env["OPENAI_BASE_URL"]) == "rain"
    fake_server.assert_asked({"model": "gpt-4o"}, times=1)


def test_public_names(fake_server, replay_server):
    from openai_contract_kit import FakeServer, ReplayServer
    from openai_contract_kit.fake_server.wire.fixture import SHIPPED

    assert type(fake_server) is FakeServer
    replay = replay_server(SHIPPED / "conforming" / "dated-dict.yaml", match="any", speed=0)
    assert type(replay) is ReplayServer
    assert ask(replay.base_url)
""",
    "contract_tests/test_client.py": """\
def test_client(fake_server, fake_openai):
    fake_server.reply("rain")
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "weather?"}]}
    assert fake_openai.chat.completions.create(**asked).choices[0].message.content == "rain"
    chunks = list(fake_openai.chat.completions.create(**asked, stream=True))
    assert chunks[-1].choices[0].finish_reason == "stop"
""",
    "contract_tests/test_replay.py": """\
import openai

from openai_contract_kit import mocked
from openai_contract_kit.fake_server.wire.fixture import SHIPPED


def test_mocked():
    recording = SHIPPED / "conforming" / "dated-dict.yaml"
    with mocked(recording, match="any", speed=0), openai.OpenAI(api_key="sk-x") as client:
        reply = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}])
    assert reply.object == "chat.completion"
""",
}
TYPED = """\
from openai_contract_kit import FakeServer, ReplayServer
from openai_contract_kit.fake_server.testing.server import FakeServer as Same

def base_url(server: FakeServer) -> str:
    reveal_type(server.base_url)
    return server.base_url

with FakeServer(seed="no number") as server, ReplayServer("recording.yaml"):
    same: Same = server
    base_url(server)
    server.no_such_method()
"""


def write(folder: Path) -> Path:
    """Lay the project into a folder."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def run(folder: Path, python: Path, *command: str, seconds: float = 120) -> CompletedProcess[str]:
    """A command of the environment that `python` belongs to, in the project."""
    program = python if command[0] == "python" else python.with_name(command[0])
    env = processes.child_environment(folder, PYTHONDONTWRITEBYTECODE="1")
    return processes.run([program, *command[1:]], env=env, seconds=seconds, cwd=folder)


@pytest.fixture(scope="session")
def index() -> None:
    """Without a package index nothing can be installed."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            run_installer(*wheels.PIP, "download", "--quiet", "--no-deps", "--no-cache-dir", "-d", folder, "iniconfig")
        except NotInstalled as error:
            pytest.skip(f"no package index: {error}")


@pytest.fixture(params=PYTHONS)
def python(request: pytest.FixtureRequest) -> str:
    """A version that is on this machine."""
    try:
        wheels.find_python(request.param)
    except LookupError as error:
        pytest.skip(str(error))
    return str(request.param)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path)


@contextmanager
def fake_of(extra: str, project: Path) -> Iterator[int]:
    """The port of the `fake-server` of an install."""
    port = processes.free_port()
    command = [str(wheels.install(extra).with_name("fake-server")), "--port", str(port)]
    env = processes.child_environment(project)
    log = project / "fake-server.log"
    with processes.running(command, ready=lambda: processes.listens(port), env=env, log=log, cwd=project):
        yield port


@pytest.fixture
def serving(project: Path) -> Iterator[str]:
    """The URL of a bare install's `fake-server`."""
    with fake_of("", project) as port:
        yield f"http://127.0.0.1:{port}"
