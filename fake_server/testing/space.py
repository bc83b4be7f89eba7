"""One space of a fake, as a test uses it: what to answer, what was asked, and its URL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fake_server.api.request import ApiRequest, endpoint_of
from fake_server.scripts import book, conditions, match
from fake_server.scripts.model import Script
from fake_server.scripts.when import When
from fake_server.server.control.serialize import api_request_of, api_requests_of
from fake_server.server.settings import Settings
from fake_server.server.state.journal import JournalEntry

if TYPE_CHECKING:
    from fake_server.replay import ReplayTransport, mocked
    from fake_server.server.in_process import InProcess
    from fake_server.server.state.clock import Clock
    from fake_server.server.state.space import Space

Answer = str | Mapping[str, Any] | Callable[..., Any]
"""A text, a reply as a script has it, or a callable that gives one."""
SHOWN = 5
"""Requests that the message of a failed assertion shows at most."""


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
    def clock(self) -> Clock:
        """The time by which responses in the background are worked for: `stop()`, `advance(seconds)`, `run()`."""
        return self._space.clock

    @property
    def requests(self) -> tuple[JournalEntry, ...]:
        """The requests, oldest first; bounded, credentials redacted."""
        return self._space.entries()

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

        A request that goes on from a stored response or in a conversation is met by what was said there, too.
        It fails if there is none, or with `times` if there are not exactly that many; the message shows the
        latest requests and what each lacks.
        """
        __tracebackhide__ = True  # pytest shows the test, not this
        if times is not None and times < 1:
            raise ValueError(f"times is 1 or more, not {times}: assert_not_asked says never")
        judged = self._judge(when)
        matching = [entry for entry, failure in judged if failure is None]
        if matching and times in (None, len(matching)):
            return matching[-1]
        wrong_count = "" if times is None else f", expected {_count(times)}"
        summary = _summary(len(judged), self._space.journal.dropped)
        asked = f"{_count(len(matching))} asked for {_describe(when)}{wrong_count}; {summary}"
        raise AssertionError("\n".join([asked, *_format(judged)]))

    def assert_not_asked(self, when: Mapping[str, Any] | None = None) -> None:
        """Fail if a request meets `when`. Raises AssertionError."""
        __tracebackhide__ = True
        matching = [(entry, failure) for entry, failure in self._judge(when) if failure is None]
        if matching:
            asked = f"{_count(len(matching))} asked for {_describe(when)}, expected none:"
            raise AssertionError("\n".join([asked, *_format(matching)]))

    def _judge(self, when: Mapping[str, Any] | None) -> list[tuple[JournalEntry, str | None]]:
        """Every request, with the first condition that it fails; None if it fails none."""
        wanted, _ = book.parse_when(when or {}, "when")
        return [(entry, _failure(entry, wanted)) for entry in self._space.entries()]

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


def _failure(entry: JournalEntry, wanted: When) -> str | None:
    """The first condition that a request fails; None if it fails none."""
    requests = list(api_requests_of(entry))
    bare = ApiRequest({}, endpoint_of(entry.path), entry.fields, False, entry.method, entry.path)
    failures = [conditions.first_failure(wanted, request) for request in requests or [bare]]
    if None in failures:
        return None
    return failures[0] if requests else "its body is no JSON object"


def _describe(when: Mapping[str, Any] | None) -> str:
    return "anything" if not when else ", ".join(f"{name}: {value!r}" for name, value in when.items())


def _summary(count: int, dropped: int) -> str:
    older = f" ({dropped} older ones are no longer kept)" if dropped else ""
    if not count:
        return f"nothing was asked{older}"
    last = f", the last {SHOWN}:" if count > SHOWN else ":"
    return f"{_count(count)} {'was' if count == 1 else 'were'} made{older}{last}"


def _count(number: int) -> str:
    return {0: "no request", 1: "1 request"}.get(number, f"{number} requests")


def _format(judged: Sequence[tuple[JournalEntry, str | None]]) -> Iterator[str]:
    """The last requests, each with what it lacks."""
    for entry, failure in judged[-SHOWN:]:
        request = api_request_of(entry)
        about = "" if request is None else f"  {match.describe(request.body)}"
        yield f"  {entry.method} {entry.path}{about}  status {entry.status}"
        yield f"    {'this one matches' if failure is None else failure}"
