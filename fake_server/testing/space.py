"""One space of a fake, as a test uses it: what to answer, what was asked, and its URL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from fake_server.scripts.model import Script
from fake_server.server.settings import Settings
from fake_server.server.state.journal import JournalEntry
from fake_server.testing import assertions

if TYPE_CHECKING:
    from fake_server.replay import ReplayTransport, mocked
    from fake_server.server.in_process import InProcess
    from fake_server.server.state.space import Space

Answer = str | Mapping[str, Any] | Callable[..., Any]
"""A text, a reply as a script has it, or a callable that gives one."""


class FakeSpace:
    """A space: scripts, uses and requests that no other space sees. Ask it at `base_url`.

    `root` gives the server's URL, or raises RuntimeError while it does not run.
    """

    def __init__(self, settings: Settings, name: str, root: Callable[[], str]) -> None:
        self.settings, self.name = settings, name
        self._root = root

    @property
    def _space(self) -> Space:
        return self.settings.spaces(self.name)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, and `/@NAME` where the space has a name; without `/v1`.

        Raises RuntimeError when the server is not running.
        """
        return self._root() + (f"/@{self.name}" if self.name else "")

    @property
    def base_url(self) -> str:
        """The URL with `/v1`, as the SDKs want it."""
        return f"{self.url}/v1"

    @property
    def requests(self) -> tuple[JournalEntry, ...]:
        """The requests, oldest first; bounded, credentials redacted."""
        return self._space.journal.entries()

    def script(self, *scripts: Mapping[str, Any]) -> tuple[Script, ...]:
        """Add scripts `{name, when, reply, times}` before all others, in this order. Raises ScriptError."""
        return self._space.add(scripts)

    def use(self, scripts: Iterable[Script]) -> None:
        """Add parsed scripts before all others, in their order. Raises ScriptError."""
        self._space.use(tuple(scripts))

    def reply(
        self, said: Answer, *, when: Mapping[str, Any] | None = None, times: int | None = 1
    ) -> tuple[Script, ...]:
        """Answer the next request, or the next that meets `when`, like this. Raises ScriptError.

        Several replies queue up. `times` None answers every such request from now on.
        """
        reply = {"text": said} if isinstance(said, str) else said
        return self._space.queue([{"reply": reply, "when": when or {}, "times": times}])

    def fault(
        self,
        fault: str,
        *,
        when: Mapping[str, Any] | None = None,
        times: int | None = None,
        **parameters: Any,
    ) -> None:
        """Put a fault in force: `fake.fault("cut", after_events=3, times=1)`. Raises FaultError."""
        self._space.activate([{"fault": fault, **parameters, "when": when, "times": times}])

    def bug(self, bug: str, *, when: Mapping[str, Any] | None = None, times: int | None = None) -> None:
        """Reproduce a known bug of a real server: `fake.bug("ikllama-no-done")`. Raises FaultError."""
        self._space.activate([{"bug": bug, "when": when, "times": times}])

    def assert_asked(self, when: Mapping[str, Any] | None = None, *, times: int | None = None) -> JournalEntry:
        """Return the last request that meets `when` (conditions as in a script). Raises AssertionError.

        It fails if there is none, or with `times` if there are not exactly that many; the message shows the
        latest requests and what each lacks.
        """
        __tracebackhide__ = True
        return assertions.assert_asked(self._space, when or {}, times)

    def assert_not_asked(self, when: Mapping[str, Any] | None = None) -> None:
        """Fail if a request meets `when`. Raises AssertionError."""
        __tracebackhide__ = True
        assertions.assert_not_asked(self._space, when or {})

    @property
    def unused(self) -> tuple[Script, ...]:
        """The scripts that have not answered yet in this space."""
        space = self._space
        return tuple(script for script in space.book if not space.state.used(script))

    def transport(self, *, speed: float = 1.0) -> ReplayTransport:
        """A transport for an httpx2 client, which answers without a socket; the server need not run.

        `openai.OpenAI(http_client=httpx2.Client(transport=fake.transport()), api_key="any")`
        """
        from fake_server.replay import ReplayTransport

        return ReplayTransport(self._in_process(), speed=speed)

    def mocked(self, *, base_url: str = "https://api.openai.com/v1", speed: float = 1.0) -> mocked:
        """While entered, requests of any httpx or httpx2 client below `base_url` are answered, by respx.

        The server need not run; a request to anywhere else fails and reaches no network.
        """
        from fake_server.replay import mocked

        return mocked(self._in_process(), base_url=base_url, speed=speed)

    def _in_process(self) -> InProcess:
        from fake_server.server.app import App
        from fake_server.server.in_process import InProcess

        return InProcess(App(self.settings), self.name)

    def reset(self) -> None:
        """Forget requests, uses of scripts, and what was added."""
        self._space.reset()
