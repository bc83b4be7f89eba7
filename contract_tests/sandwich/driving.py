"""Drives a proxy with probes while the fake is its upstream, and judges both sides of each."""

from __future__ import annotations

import asyncio
import secrets
import shlex
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from statistics import median
from time import monotonic

from contract_tests.rules.engine.view import View
from contract_tests.run.find import prepare, session_for
from contract_tests.run.outcome import CaseResult, Outcome, RunReport
from contract_tests.run.together import work_together
from contract_tests.sandwich.judging import judge_probe
from contract_tests.sandwich.pair import Pair
from contract_tests.sandwich.probe import NAMES, PLAIN, Probe
from contract_tests.sandwich.probes import probes
from contract_tests.sandwich.upstream import KEY, PAIR_HEADER, Upstream
from contract_tests.target.endpoints import CHAT
from contract_tests.target.errors import NotReached, Unreachable, UsageError
from contract_tests.target.options import Options, Plan, below
from contract_tests.target.refusals import is_unknown_path, no_such_endpoint
from fake_server.relay.redact import excerpts_without
from fake_server.wire.exchange import Exchange
from fake_server.wire.text import did_you_mean

BETWEEN_TRIES = 0.5
"""Seconds between two attempts to reach the upstream through the proxy."""


@dataclass(frozen=True)
class Drive:
    """What a proxy is driven with: the options of a run, the port of the upstream, and what the proxy declares.

    `wait` is how many seconds the proxy may take to be there and to reach the upstream, `retries` how often it
    declares to ask again where the upstream fails.
    """

    options: Options
    port: int = 0
    wait: float = 60.0
    seed: int = 0
    retries: int = 0

    @property
    def command(self) -> str:
        """The command line by which a probe is sent again, to which `--select PROBE` can be added."""
        words = shlex.split(self.options.command)
        return shlex.join(["contract", "sandwich", "--proxy", *words[2:], "--upstream-port", str(self.port)])


@dataclass
class _Played:
    """What came of a probe: the caller's exchange, or why it was not sent."""

    probe: Probe
    token: str
    front: Exchange | None = None
    reason: str = ""
    seconds: float = 0.0


OnUpstream = Callable[[Upstream], None]


async def drive(
    given: Drive,
    on_upstream: OnUpstream | None = None,
    on_plan: Callable[[Plan], None] | None = None,
    on_result: Callable[[CaseResult], None] | None = None,
) -> RunReport:
    """Send every selected probe through the proxy and judge both sides.

    `on_upstream` is called when the upstream listens, before anything is sent; `on_plan` when the proxy has reached
    it, `on_result` when a probe was answered. Raises UsageError for options that cannot be used, Unreachable where the
    proxy is not there or does not reach the upstream.
    """
    given.options.check()
    chosen = select(given.options.select)
    with excerpts_without(lambda: given.options.secrets):
        session_for(given.options)  # a target that is no URL is named before anything listens
        scripts = [probe.script for probe in chosen if probe.script is not None]
        async with Upstream(scripts, port=given.port, seed=given.seed) as upstream:
            if on_upstream:
                on_upstream(upstream)
            return await _Driver(given, upstream, chosen).drive(on_plan, on_result)


def select(prefixes: Iterable[str]) -> tuple[Probe, ...]:
    """The probes with these ids or below these prefixes, all for none. Raises UsageError for no match."""
    wanted = tuple(prefixes)
    for prefix in wanted:
        if not any(below(probe.id, prefix) for probe in probes()):
            known = {end for probe in probes() for end in (probe.id, probe.section, probe.id.partition(".")[0])}
            hint = did_you_mean(prefix, known, "--list shows them all", 3)
            raise UsageError(f"no probe is called {prefix!r} or lies below it; {hint}")
    return tuple(each for each in probes() if not wanted or any(below(each.id, prefix) for prefix in wanted))


class _Driver:
    """One run against one proxy."""

    def __init__(self, given: Drive, upstream: Upstream, chosen: Sequence[Probe]) -> None:
        self._given, self._upstream, self._chosen = given, upstream, chosen
        self._session, self._prefixes = session_for(given.options)
        self._lacks: dict[str, str] = {}
        self._delays: list[float] = []

    async def drive(
        self, on_plan: Callable[[Plan], None] | None, on_result: Callable[[CaseResult], None] | None
    ) -> RunReport:
        began, started = monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
        session = self._session
        async with session:
            await self._find_proxy()
            if on_plan:
                requests = session.requests + len(self._chosen)
                on_plan(Plan(len(self._chosen), requests, 0, session.base_url, session.model))
            played: list[_Played] = []
            session.stopped = await self._play_all(played, on_result) or session.stopped
            await self._upstream.settle()  # a request may be sent again when the caller is gone
            self._delays.clear()
            results = {each.probe.id: self._judge(each) for each in played}
            if self._delays:
                session.note(f"the upstream is asked {median(self._delays):.1f} ms after the proxy, in the median")
        for probe in self._chosen:
            results.setdefault(probe.id, _not_judged(probe, Outcome.NOT_REACHED, session.stopped))
        ordered = tuple(results[probe.id] for probe in self._chosen)
        return RunReport(
            session.base_url,
            session.model,
            ordered,
            session.requests,
            monotonic() - began,
            tuple(session.notes),
            session.stopped,
            Counter(rule for result in ordered for rule in result.applied),
            command=self._given.command,
            started=started,
            selected=tuple(f"--select {prefix}" for prefix in self._given.options.select),
            left_out=Counter(probe.section for probe in probes() if probe.id not in results),
        )

    # -- before the first probe

    async def _find_proxy(self) -> None:
        """Wait until the proxy is there, and until a plain request gets through it. Raises Unreachable."""
        deadline = monotonic() + self._given.wait
        while True:
            try:
                await prepare(self._session, self._prefixes)
                await self._reach_upstream(CHAT)
                break
            except Unreachable as error:
                if monotonic() > deadline:
                    raise Unreachable(f"{error} (--wait {self._given.wait:g})") from None
            await asyncio.sleep(BETWEEN_TRIES)
        for path in {probe.path for probe in self._chosen} - {CHAT}:
            try:
                await self._reach_upstream(path)
            except Unreachable as error:
                self._lacks[path] = str(error)

    async def _reach_upstream(self, path: str) -> None:
        """Send a plain request. Raises Unreachable where it does not reach the upstream, with what was answered."""
        probe, token = Probe(f"plain.{NAMES[path]}", "", path, PLAIN[path]), secrets.token_hex(8)
        try:
            view = View(await self._send(probe, token))
        except NotReached as error:
            raise Unreachable(f"the run ended before the proxy was found: {error}") from error
        if self._upstream.exchanges_with(token):
            return
        if is_unknown_path(view, self._session.control):
            raise Unreachable(str(no_such_endpoint("POST", path, view)))
        answer = f"status {view.status}" if view.status else view.exchange.problem or "no reply"
        message = view.root["error"]["message"].text if view.form == "json" else ""
        shown = self._given.options.mask(f"{answer}: {message}" if message else answer)
        place = f"{self._upstream.base_url} with the key {KEY}"
        raise Unreachable(
            f"POST {path} for the model {self._model(path)} did not reach the upstream (the proxy answered {shown}); "
            f"point the proxy to {place}, or name a model that it sends there with --model"
        )

    # -- probes

    async def _play_all(self, played: list[_Played], on_result: Callable[[CaseResult], None] | None) -> str:
        """Fill `played`. Returns why not all probes were sent, '' if they were."""
        waiting = deque(self._chosen)

        async def work() -> None:
            while waiting and not self._session.is_late():
                each = await self._play(waiting.popleft())
                played.append(each)
                if on_result:
                    on_result(self._judge(each))

        return await work_together(work, waiting, self._session)

    async def _play(self, probe: Probe) -> _Played:
        played, began = _Played(probe, secrets.token_hex(8)), monotonic()
        if probe.path in self._lacks:
            played.reason = self._lacks[probe.path]
            return played
        try:
            played.front = await self._send(probe, played.token)
            self._session.strike(probe.id, () if probe.id.startswith("failure.") else (played.front,))
        except NotReached as error:
            played.reason = str(error)
        except (ConnectionError, TimeoutError) as error:
            played.reason = f"the relay before the proxy: {type(error).__name__} {error}".rstrip()
        played.seconds = monotonic() - began
        return played

    async def _send(self, probe: Probe, token: str) -> Exchange:
        body = probe.marked(token, self._model(probe.path))
        fields = ((PAIR_HEADER, token), *probe.headers)
        return await self._session.exchange(probe.id, "POST", probe.path, body, fields, leave=probe.leave)

    def _model(self, path: str) -> str:
        name = NAMES[path]
        return self._given.options.model_for(name, self._session.fitting.get(name, self._session.model))

    # -- judging

    def _judge(self, played: _Played) -> CaseResult:
        """What the rules say of both sides."""
        probe, front = played.probe, played.front
        if front is None:
            lacks = probe.path in self._lacks
            return _not_judged(probe, Outcome.UNSUPPORTED if lacks else Outcome.NOT_REACHED, played.reason)
        behind = enumerate(self._upstream.exchanges_with(played.token), 1)
        upstream = tuple(each.but(label=f"{probe.id} upstream {number}") for number, each in behind)
        options = self._given.options
        pair = Pair(probe.id, front, upstream, probe.member, self._given.retries, options.api_key or "", KEY)
        if upstream and (delay := pair.milliseconds_after(upstream[0])) is not None:
            self._delays.append(delay)
        result = judge_probe(probe, pair, options.secrets)
        exchanges = (front, *(_without_key(each) for each in upstream))
        return replace(result, exchanges=exchanges, seconds=played.seconds)


def _without_key(exchange: Exchange) -> Exchange:
    """An exchange with the upstream without the field that holds a key."""
    fields = tuple(each for each in exchange.request.headers or () if each[0].lower() != "authorization")
    return exchange.but(request=replace(exchange.request, headers=fields))


def _not_judged(probe: Probe, outcome: Outcome, reason: str) -> CaseResult:
    return CaseResult(probe.id, probe.section, probe.title, outcome, reason=reason)
