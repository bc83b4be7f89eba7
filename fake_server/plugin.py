"""The pytest plugin: the fixtures `fake_server`, `fake_openai`, `openai_env`, `replay_server`, and markers.

Pytest loads this module in every run, so it imports nothing heavy: the server and the SDK are imported by
the fixtures that need them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import openai

    from fake_server.replay import ReplayServer
    from fake_server.testing.server import FakeServer

KEY = "sk-fake"
_ELSEWHERE = (
    "OPENAI_ADMIN_KEY",
    "OPENAI_API_TYPE",
    "OPENAI_API_VERSION",
    "OPENAI_ORG_ID",
    "OPENAI_ORGANIZATION",
    "OPENAI_PROJECT_ID",
)
"""Variables that make the SDKs use another API, or send what a fake should not see."""
MARKERS = {
    "fake_script(*scripts)": "give the fake_server these scripts for this test: mappings, files or folders",
    "fake_fault(name, **parameters)": "apply this fault to fake_server for this test",
    "openai_bug(*ids)": "reproduce these known bugs of real servers in the fake_server for this test",
}
UNUSED = ("--fake-unused", "list scripts of the fake that answered in no test")
"""The option and its help."""
WORKER = "fake_server_scripts"
"""The key under which a pytest-xdist worker reports which scripts there were and which answered."""


@pytest.fixture(scope="session")
def fake_server_options() -> dict[str, Any]:
    """Arguments of the FakeServer; override it in a conftest: `return {"scripts": ["replies/"]}`."""
    return {}


@pytest.fixture(scope="session")
def _fake_server_of_the_session(fake_server_options: dict[str, Any]) -> Iterator[FakeServer]:
    from fake_server.testing.server import FakeServer

    with FakeServer(**fake_server_options) as server:
        yield server


@pytest.fixture
def fake_server(_fake_server_of_the_session: FakeServer, request: pytest.FixtureRequest) -> Iterator[FakeServer]:
    """A fake OpenAI server: one for the whole run, reset before each test.

    Markers set it up for one test or class: `@pytest.mark.fake_script(…)` adds scripts (mappings, or files
    and folders relative to the test's folder), `@pytest.mark.fake_fault("cut", after_events=3)` a fault, and
    `@pytest.mark.openai_bug("ikllama-no-done")` a known bug of a real server.
    """
    server = _fake_server_of_the_session
    server.reset()
    _set_up(server, request)
    print(f"fake_server: seed {server.seed}")
    yield server
    request.config.stash[_UNUSED].note(server)


@pytest.fixture(autouse=True)
def _marked_for_the_fake(request: pytest.FixtureRequest) -> None:
    """Start the server for a marked test, even if the test does not ask for the fixture."""
    if any(request.node.get_closest_marker(marker.partition("(")[0]) for marker in MARKERS):
        request.getfixturevalue("fake_server")


def _set_up(server: FakeServer, request: pytest.FixtureRequest) -> None:
    """Apply the markers of a test, scripts of the nearest one first. A wrong marker fails the test."""
    from fake_server.bugs.errors import BugError
    from fake_server.faults import FaultError
    from fake_server.scripts.book import ScriptError
    from fake_server.testing.server import book_of

    def apply(marker: pytest.Mark) -> None:
        if marker.name == "fake_script":
            folder = request.path.parent
            server.use(book_of([folder / item if isinstance(item, str) else item for item in marker.args]))
        elif marker.name == "fake_fault":
            server.fault(*marker.args, **marker.kwargs)
        else:
            for bug in marker.args:
                server.bug(bug, **marker.kwargs)

    scripts = reversed(list(request.node.iter_markers("fake_script")))
    faults = (marker for name in ("fake_fault", "openai_bug") for marker in request.node.iter_markers(name))
    for marker in (*scripts, *faults):
        try:
            apply(marker)
        except (BugError, FaultError, ScriptError) as error:
            wrong = str(error)
        except TypeError as error:
            form = next(form for form in MARKERS if form.startswith(marker.name))
            wrong = f"it is written {form}: {error}"
        else:
            continue
        pytest.fail(f"@pytest.mark.{marker.name}: {wrong}", pytrace=False)


class _Unused:
    """Which scripts answered in no test of the run."""

    def __init__(self) -> None:
        self._places: dict[str, str] = {}
        self._used: set[str] = set()

    def note(self, server: FakeServer) -> None:
        """Note, at the end of a test, which scripts there were and which of them answered."""
        for space in server.settings.spaces.known():
            for script in space.book:
                self._places.setdefault(script.name, script.place)
                if space.state.used(script):
                    self._used.add(script.name)

    def serialize(self) -> tuple[dict[str, str], list[str]]:
        """The notes, in a form that a pytest-xdist worker can send."""
        return self._places, sorted(self._used)

    def merge(self, notes: tuple[dict[str, str], list[str]]) -> None:
        """Add the notes of a worker."""
        self._places = {**notes[0], **self._places}
        self._used.update(notes[1])

    def lines(self) -> list[str]:
        """The unused scripts, each with its place."""
        return [f"{place}: {name}" for name, place in self._places.items() if name not in self._used]


_UNUSED = pytest.StashKey[_Unused]()


def pytest_addoption(parser: pytest.Parser) -> None:
    option, meaning = UNUSED
    parser.getgroup("fake_server").addoption(option, action="store_true", help=meaning)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_UNUSED] = _Unused()
    for marker, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{marker}: {meaning}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)  # there in a worker of pytest-xdist
    if output is not None:
        output[WORKER] = session.config.stash[_UNUSED].serialize()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    notes = getattr(node, "workeroutput", {}).get(WORKER)
    if notes:
        node.config.stash[_UNUSED].merge(notes)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    unused = config.stash[_UNUSED].lines()
    if config.getoption("fake_unused") and unused:
        terminalreporter.section("scripts of the fake server that answered in no test")
        for line in unused:
            terminalreporter.line(line)


@pytest.fixture
def fake_openai(fake_server: FakeServer) -> Iterator[openai.OpenAI]:
    """An `openai.OpenAI` client pointed at `fake_server`; it does not retry and ignores proxies.

    A test that asks for it fails where openai is not installed.
    """
    try:
        from openai import DefaultHttpxClient, OpenAI
    except ImportError:
        pytest.fail("the fixture fake_openai needs openai 1 or newer: pip install openai", pytrace=False)

    with OpenAI(
        base_url=fake_server.base_url,
        api_key=_key(fake_server),
        max_retries=0,
        http_client=DefaultHttpxClient(trust_env=False),
    ) as client:
        yield client


@pytest.fixture
def openai_env(fake_server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Environment variables for code that makes its own client of `fake_server`; returns what was set."""
    no_proxy = ",".join(filter(None, ["127.0.0.1", os.environ.get("NO_PROXY", "")]))
    values = {
        "OPENAI_BASE_URL": fake_server.base_url,
        "OPENAI_API_BASE": fake_server.base_url,  # what openai 0.x and some frameworks read
        "OPENAI_API_KEY": _key(fake_server),
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    for name in _ELSEWHERE:
        monkeypatch.delenv(name, raising=False)
    return values


@pytest.fixture
def replay_server() -> Iterator[Callable[..., ReplayServer]]:
    """Serve recordings until the test ends: `server = replay_server("fixtures/bugs/cut.yaml", speed=0)`.

    Each call takes the arguments of ReplayServer and starts another server: `server.base_url` is for the
    client, `server.misses` has the requests that no recording answered, and `server.unplayed` the recordings
    that were not used.
    """
    from fake_server.replay import ReplayServer

    with ExitStack() as running:
        yield lambda *recordings, **options: running.enter_context(ReplayServer(*recordings, **options))


def _key(server: FakeServer) -> str:
    return server.settings.api_key or KEY
