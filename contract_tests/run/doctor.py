"""Why a target cannot be judged: its name, the connection, TLS, the key, its models, a dict and a stream, step by step.

Each step says what was seen, and what to do where it fails. All requests go through the relay of a run, so they are
bounded in time and size; together they are at most ten.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from time import monotonic

from contract_tests.rules.engine.answers import is_silent, is_wordless
from contract_tests.rules.engine.failures import is_failure
from contract_tests.rules.engine.view import View
from contract_tests.run.doctor_answer import describe_no_list, find_no_answer, find_page, lists_models
from contract_tests.run.doctor_key import ABOUT_KEY, tell_of_key
from contract_tests.run.doctor_step import Seen, State, Step, failed, ok, warning
from contract_tests.run.doctor_text import describe_reply, describe_tls, some
from contract_tests.run.find import models_by_endpoint, session_for
from contract_tests.run.outcome import ExitCode
from contract_tests.run.preflight import (
    MODELS,
    NO_ENDPOINT,
    advise,
    ask_plainly,
    describe_answer,
    is_refused,
)
from contract_tests.run.stages import find_stage_hint
from contract_tests.target.endpoints import CHAT
from contract_tests.target.errors import NotReached, Unreachable
from contract_tests.target.options import DEFAULT_MODEL, Options
from contract_tests.target.relay_connection import Field
from contract_tests.target.session import PlainRequest
from fake_server.relay.redact import excerpt
from fake_server.relay.upstream import Target, connect, parse_target, tls_context
from fake_server.wire.exchange import Ending, Exchange, Request
from fake_server.wire.text import format_count

NOT_YET = (0, 502, 503, 504)
"""Statuses of a target that is still starting; 0: no reply."""
PAUSE = 0.5
"""Seconds between two looks whether a target has started."""


NAMES = ("name", "connect", "TLS", "auth", "models", "dict", "stream")


class Examination:
    """One target, step by step: `async for step in Examination(options).steps()`; before them it is waited for.

    `code` is 0 if a dict and a stream were answered, 1 if one of them was, 3 if neither. Raises UsageError for options
    that cannot be used.
    """

    def __init__(self, options: Options, wait: float = 0.0) -> None:
        options.check()
        self.session, self.prefixes = session_for(options)
        self.options = options
        self.target: Target = parse_target(self.session.root)
        self.steps_done: list[Step] = []
        self._wait = wait
        self.session.model = options.model_for("chat", options.model or DEFAULT_MODEL)
        self._has_replied = False

    @property
    def code(self) -> ExitCode:
        chat = [step.state for step in self.steps_done if step.name in ("dict", "stream")]
        answered = sum(state in (State.OK, State.WARNING) for state in chat)
        return (ExitCode.UNREACHABLE, ExitCode.FINDINGS, ExitCode.OK)[answered]

    async def steps(self) -> AsyncIterator[Step]:
        """Each step when it ends; after one without which nothing can follow, the others are skipped."""
        looks = (self._name, self._connect, self._tls, self._auth, self._models, self._dict, self._stream)
        stopped = ""
        async with self.session:
            if self._wait:
                self.steps_done.append(await self._await_start())
                yield self.steps_done[-1]
            for name, look in zip(NAMES, looks, strict=True):
                step = Step(name, State.SKIPPED, 0.0, stopped) if stopped else await self._look(name, look)
                if step.state is State.FAILED and not (stopped or self._has_replied):
                    stopped = f"not tried: {name} failed"
                self.steps_done.append(step)
                yield step

    async def _look(self, name: str, look: Callable[[], Awaitable[Seen]]) -> Step:
        began = monotonic()
        try:
            async with asyncio.timeout(max(0.0, self.session.seconds_left)):
                state, seen, todo = await look()
        except TimeoutError:
            state, seen = State.FAILED, f"no end within {self.options.run_seconds:g} s"
            todo = "see the target's log; --run-timeout SECONDS waits longer"
        except (NotReached, Unreachable) as error:
            state, seen, todo = State.FAILED, str(error), "try again later"
        return Step(name, state, monotonic() - began, self.options.mask(seen), self.options.mask(todo))

    async def _await_start(self) -> Step:
        """Wait until there is a reply, and none that says that the target is not ready, `wait` seconds at most."""
        session, began, met = self.session, monotonic(), "no reply"
        session.prefix = self.prefixes[0]
        state, todo = State.FAILED, "see below"
        with suppress(TimeoutError):
            async with asyncio.timeout(self._wait):
                while (view := await self._list()).status in NOT_YET:
                    met = describe_answer(view)
                    session.requests = 0
                    await asyncio.sleep(PAUSE)
                state, met, todo = State.OK, f"status {view.status}", ""
        session.requests = 0
        session.deadline = monotonic() + self.options.run_seconds
        return Step("wait", state, monotonic() - began, self.options.mask(met), todo)

    # -- below HTTP

    async def _name(self) -> Seen:
        host, seconds = self.target.host, self.options.bounds.connect
        with suppress(ValueError):
            ipaddress.ip_address(host)
            return ok(f"{host} is an address")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                found = await loop.getaddrinfo(host, self.target.port, type=socket.SOCK_STREAM)
        except TimeoutError:
            return failed(f"no answer about {host} within {seconds:g} s", "check the DNS server")
        except (OSError, UnicodeError) as error:
            todo = "check the host's name, and from where it can be resolved: a container has names of its own"
            return failed(f"{host} cannot be resolved: {getattr(error, 'strerror', None) or error}", todo)
        return ok(f"{host} is {some(list(dict.fromkeys(str(address[4][0]) for address in found)))}")

    async def _connect(self) -> Seen:
        try:
            connection = await connect(replace(self.target, encrypted=False), None, self.options.bounds.connect)
        except OSError as error:
            todo = await self._hint(str(error))
            return failed(str(error), todo or "check the port, and what lies between: a firewall, a VPN, a proxy")
        connection.drop()
        return ok(f"{self.target.host} port {self.target.port} accepts connections")

    async def _tls(self) -> Seen:
        if not self.target.encrypted:
            return State.SKIPPED, "the URL begins with http://", ""
        try:
            connection = await connect(self.target, tls_context(self.options.ca_file), self.options.bounds.connect)
        except OSError as error:
            return failed(str(error), await self._hint(str(error)) or "see what the port speaks")
        try:
            return ok(describe_tls(connection.get_extra_info("ssl_object")))
        finally:
            connection.drop()

    async def _hint(self, problem: str) -> str:
        exchange = Exchange(Request("GET", "/"), None, ending=Ending.UNREACHABLE, problem=problem)
        return await find_stage_hint(self.session.root, exchange)

    # -- requests

    async def _auth(self) -> Seen:
        """Ask for the models with the key, and where there is one, without it."""
        session = self.session
        for session.prefix in self.prefixes:
            view = await self._list()
            if view.status not in NO_ENDPOINT and find_page(view) is None:
                break
        if not view.status or (view.status == 400 and b"https" in view.body.lower()):
            todo = await find_stage_hint(session.root, view.exchange)
            return failed(f"no reply: {describe_answer(view)}", todo or "see the target's log")
        self._has_replied = True
        if view.status in ABOUT_KEY:
            return failed(describe_answer(view), await advise(session, self._plain(), view))
        if page := find_page(view):
            return failed(*page)
        bare = None
        if self.options.sends_key and lists_models(view):
            bare = await self._list([("Authorization", None)], keyless=True)
        return tell_of_key(view, bare, sends_key=self.options.sends_key)

    async def _list(self, headers: Iterable[Field] = (), keyless: bool = False) -> View:
        return View(await self.session.exchange("doctor", "GET", MODELS, headers=headers, keyless=keyless))

    async def _models(self) -> Seen:
        """Find the base URL whose list of models can be read, and choose the model to ask."""
        seen, session = [], self.session
        named = self.options.model_for("chat", self.options.model or "")
        for session.prefix in self.prefixes:
            view = await self._list()
            if lists_models(view):
                entries = view.root["data"]
                names = tuple(entry["id"].text for entry in entries if entry["id"].text)
                if names or not entries.value:
                    return self._choose(names, named)
            seen.append(f"{session.prefix}{MODELS}: {describe_no_list(view)}")
        session.prefix = self.prefixes[0]
        todo = "" if named else f"{DEFAULT_MODEL} is asked for: name another with --model"
        return warning(f"no list of models ({'; '.join(seen)})", todo)

    def _choose(self, listed: tuple[str, ...], named: str) -> Seen:
        session, session.listed = self.session, listed
        base = "" if session.prefix == self.prefixes[0] else f"; the base URL is {session.base_url}"
        seen = f"{format_count(len(listed), 'model')}: {some(listed)}{base}" if listed else f"an empty list{base}"
        if not listed or session.model in listed:
            return ok(f"{seen}; {excerpt(session.model, 100)} is asked for")
        if named:
            return warning(f"{seen}; {excerpt(named, 100)} is not listed", "check --model, if it is refused")
        others = models_by_endpoint(listed).values()
        session.model = next((model for model in listed if model not in others), listed[0])
        todo = "give `contract run` a model of these with --model"
        return warning(f"{seen}; {excerpt(session.model, 100)} is asked for", todo)

    async def _dict(self) -> Seen:
        view = await self._ask()
        if is_refused(view) and (
            view.status in NO_ENDPOINT or find_page(view)
        ):  # models may be listed where chat is not
            before = self.session.prefix
            self.session.prefix = next(prefix for prefix in self.prefixes if prefix != before)
            other = await self._ask()
            if is_refused(other):
                self.session.prefix = before
            else:
                view = other
        return await self._judge(view)

    async def _stream(self) -> Seen:
        return await self._judge(await self._ask(stream=True), stream=True)

    def _plain(self, stream: bool = False) -> PlainRequest:
        return PlainRequest(CHAT, self.session.model, stream)

    async def _ask(self, stream: bool = False) -> View:
        return await ask_plainly(self.session, self._plain(stream))

    async def _judge(self, view: View, stream: bool = False) -> Seen:
        if page := find_page(view):
            return failed(*page)
        is_error = is_failure(view.root.value) or bool(view.error_events and is_refused(view))
        if not view.ok or is_error:
            return failed(describe_answer(view), await advise(self.session, self._plain(stream), view))
        seen = "; ".join(describe_reply(view, stream))
        if view.exchange.ending is not Ending.CLEAN:
            todo = "see the target's log; --first-byte-timeout, --idle-timeout and --timeout wait longer"
            return failed(f"{seen}; {view.exchange.problem or view.exchange.ending}", todo)
        if found := find_no_answer(view, stream=stream):
            return failed(f"{seen}: {found.seen}", found.todo)
        if is_wordless(view):
            return warning(f"{seen}; no word within the limit", "none, if it thinks first: a run makes room for it")
        if is_silent(view):
            return warning(f"{seen}; an answer without a word", "ask the model by hand: it says nothing to `Hi`")
        return ok(seen)
