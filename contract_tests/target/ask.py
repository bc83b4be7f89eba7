"""What a case sends its requests with: `ask` judges nothing and keeps every exchange by its role."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from contract_tests.rules.engine.lacks import lacks_context, lacks_pictures
from contract_tests.rules.engine.refused import refusal_text, refuses_by_status, without_tags
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.rules.errors.mistakes import ANOTHER_TIME
from contract_tests.target.between import ask_between
from contract_tests.target.endpoints import CHAT, MODERATIONS, OPTIONAL, PICTURES, REFUSAL, THRIFTY
from contract_tests.target.errors import NotReached, Refused, Unsupported
from contract_tests.target.refusals import (
    describe_lack,
    endpoint_of,
    is_about_model,
    is_unknown_path,
    no_such_endpoint,
    retry_after,
)
from contract_tests.target.relay_connection import Field
from contract_tests.target.session import LIMITS, Session
from contract_tests.target.support import Lacks, NoModelForIt, lacks_api
from fake_server.wire.exchange import Exchange
from fake_server.wire.room import Share

Body = Mapping[str, Any]
Play = Callable[["Ask"], Awaitable[object]]
ATTEMPTS = 4
"""How often a request that is answered 429 is sent at most."""


@dataclass(frozen=True)
class Case:
    """What a case is called, what it may cost, what it is about, and `play`, which sends its requests.

    `requests` is how many requests it sends at most, `tokens` how many tokens of answer it may cost, `features`
    the parameters it is about: a target may lack those and say so. `alone` is true where answers are timed: no other
    case is played at the same time. `cut` is true where an answer is to end at its limit of tokens.
    """

    id: str
    title: str
    requests: int
    tokens: int
    features: tuple[str, ...]
    play: Play
    alone: bool = False
    cut: bool = False

    @property
    def section(self) -> str:
        """The id without its last part."""
        return self.id.rpartition(".")[0]

    @property
    def endpoint(self) -> str:
        """The first part of the id: embeddings and completions need models of their own."""
        return self.id.partition(".")[0]

    @property
    def has_room(self) -> bool:
        """Whether its answers may be longer, for a model that thinks before it answers."""
        return not (self.alone or self.cut or LIMITS.intersection(self.features))


class Ask:
    """One case's way to the target: `await ask(body, role="dict")` gives the View of the exchange."""

    def __init__(self, case: Case, session: Session) -> None:
        self.case, self.session = case, session
        self.model = session.options.model_for(case.id, session.fitting.get(case.endpoint, session.model))
        self.views: list[View] = []
        self.share = Share(session.replies)
        self.roles: dict[str, View] = {}
        self.valid: set[str] = set()
        self.expected: dict[str, str] = {}
        self.troubles: dict[str, str] = {}
        self.deterministic: bool | None = None
        """As in Trace; filled in by the cases that compare."""

    # -- what cases call

    async def __call__(
        self,
        body: Body,
        *,
        path: str = CHAT,
        role: str = "dict",
        valid: bool = True,
        expect: str | None = None,
        headers: Iterable[Field] = (),
    ) -> View:
        """POST `body` and return the View of the exchange, known as `role` to the relation rules.

        A `valid` body must be answered. Raises Unsupported if the refusal names what the case is about,
        Refused for any other, NotReached if it is still answered 429 or too long for the model. `expect` is
        the text that the answer is to contain.
        """
        send = partial(self._post, body, path, role, valid, expect, headers)
        if path not in OPTIONAL or self.session.control is None:  # before the first case
            return await send()
        views: list[View] = []

        async def probe() -> None:
            views.append(await send())

        await self.session.support.settle(path, probe)
        return views[0] if views else await send()

    async def _post(
        self, body: Body, path: str, role: str, valid: bool, expect: str | None, headers: Iterable[Field]
    ) -> View:
        while True:
            sent = self._economical(body) if path in THRIFTY else dict(body)
            view = await self.raw("POST", path, _as_json(sent), headers, role=role)
            if self._lacks(path, view):
                self.views.remove(view)
                lack = no_such_endpoint("POST", path, view)
                raise Lacks(str(lack), lack.lacks)
            if not valid:
                return view
            if lacks_context(view):
                raise NotReached(f"the model's context is too short for it: status {view.status}: {refusal_text(view)}")
            if path not in THRIFTY or not self.session.learns(view, sent, self.case.features):
                break
        if expect is not None:
            self.expected[role] = expect
        refusal = f"status {view.status}: {refusal_text(view)}"
        if view.status == 411:
            raise Unsupported(f"the target requires a Content-Length: {refusal}")
        named = self._refused_features(view)
        if PICTURES in self.case.features and lacks_pictures(view):
            raise Unsupported(f"the model reads no pictures: {refusal}")
        if named:
            lacks = [describe_lack(endpoint_of(view.exchange), sent, name) for name in named]
            raise Unsupported(f"status {view.status} names {named[0]}: {refusal_text(view)}", lacks)
        nobody_asked = path == MODERATIONS and view.status >= 400 and "model" not in sent  # whom to ask, is not known
        if path != CHAT and (nobody_asked or is_about_model(view)):
            raise NoModelForIt(f"no model is known for it; name one with --model {self.case.endpoint}=NAME ({refusal})")
        return self._accepted(role, view)

    async def get(self, path: str, *, role: str = "dict", valid: bool = True) -> View:
        """GET a path. Raises Unsupported if it is answered like a path that does not exist."""
        view = await self.raw("GET", path, role=role)
        if is_unknown_path(view, self.session.control):
            self.views.remove(view)
            raise no_such_endpoint("GET", path, view)
        return self._accepted(role, view) if valid else view

    async def raw(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Iterable[Field] = (),
        *,
        role: str = "dict",
        keyless: bool = False,
    ) -> View:
        """Send these bytes and wait out any 429. Raises NotReached if the run or its limit ends first."""
        label = self.case.id if self.case.requests == 1 else f"{self.case.id} {role}"
        send = partial(self.session.exchange, label, method, path, body, headers, keyless=keyless)
        for attempt in range(1, ATTEMPTS + 1):
            view = self._view(await send())
            self.views.append(view)
            later, is_bad = view.status in ANOTHER_TIME, role.startswith(REFUSAL)
            if later and is_bad and attempt == 1 and (again := await self._between_valid_requests(role, send)):
                return again
            self.session.puts_off_valid |= later and not is_bad
            if view.status != 429:
                self.roles[role] = view
                return view
            await self._wait(view, attempt)
        raise NotReached(f"still 429 after {ATTEMPTS} requests")

    async def _between_valid_requests(self, role: str, send: Callable[[], Awaitable[Exchange]]) -> View | None:
        data, label = _as_json(self._economical(self.body("Hello", 8))), f"{self.case.id} beside {role}"

        async def send_bad() -> View:
            return self.keep(await send(), role)

        async def is_valid_answered(number: str) -> bool:
            return self.keep(await self.session.exchange(label, "POST", CHAT, data), f"beside {role}{number}").ok

        return await ask_between(send_bad, is_valid_answered, surely=self.session.puts_off_valid)

    async def together(self, requests: Sequence[tuple[str, Body, str]]) -> list[View]:
        """Send several (role, body, expected text) at once and return their Views in order."""
        tasks = [asyncio.ensure_future(self(body, role=role, expect=text)) for role, body, text in requests]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def body(self, prompt: str | Sequence[Any], tokens: int = 32, **more: Any) -> dict[str, Any]:
        """A chat request: `prompt` is a user's text or the messages, `tokens` what its answer may cost."""
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
        return {"model": self.model, "messages": messages, "max_tokens": tokens, **more}

    async def leave(self, body: Body, *, role: str, seconds: float) -> View:
        """Send a chat request and hang up at the first event of the reply, or after so many seconds."""
        label, data = f"{self.case.id} {role}", _as_json(self._economical(body))
        return self.keep(await self.session.exchange(label, "POST", CHAT, data, leave=seconds), role)

    async def in_turn(self, requests: Sequence[tuple[str, Body, str]]) -> None:
        """Send several (role, body, expected text) one after the other over one connection.

        Raises NotReached where it ends before the last of them; what was answered is kept.
        """
        sent = [(f"{self.case.id} {role}", CHAT, _as_json(self._economical(body))) for role, body, _ in requests]
        exchanges, why = await self.session.in_turn(sent)
        views = [(self.keep(exchange, role), role) for exchange, (role, _, _) in zip(exchanges, requests, strict=False)]
        for (view, role), (_, _, text) in zip(views, requests, strict=False):
            self.expected[role] = text
            if view.status == 429:
                raise NotReached(f"{role}: status 429 on a connection that was to stay open")
            self._accepted(role, view)
        if why:
            raise NotReached(why)

    def nonce(self) -> str:
        """A word that nobody has sent before."""
        return "k" + secrets.token_hex(4)

    def keep(self, exchange: Exchange, role: str) -> View:
        """Add an exchange that was not sent by this object, such as one of main()."""
        view = self._view(exchange)
        self.views.append(view)
        self.roles[role] = view
        return view

    def _view(self, exchange: Exchange) -> View:
        self.share.count(exchange.size)
        options = self.session.options
        keys = tuple(value for value in options.secrets if len(value) > 7 and not value.isalpha())  # not "password"
        return View(exchange, options.bounds.json_depth, keys)

    def trace(self) -> Trace:
        """The exchanges of this case by role, for the relation rules."""
        return Trace(
            self.case.id,
            dict(self.roles),
            dict(self.expected),
            self.deterministic,
            frozenset(self.valid),
            dict(self.troubles),
        )

    def _accepted(self, role: str, view: View) -> View:
        self.valid.add(role)
        if not view.ok:
            raise Refused(f"{role}: status {view.status or 'none'}")
        return view

    def _economical(self, body: Body) -> dict[str, Any]:
        """The body without the parameters that this target refuses, or with their replacements, and with room."""
        return self.session.economical(body, self.case.features, self.case.has_room)

    def _lacks(self, path: str, view: View) -> bool:
        """Whether the target has nothing at this path; few have moderations, where a 404 without a model says so."""
        if path.startswith(OPTIONAL):
            support, control = self.session.support, self.session.control
            return control is not None and not support.knows(path) and lacks_api(view, control)
        unmet = path == MODERATIONS and view.status in (404, 405) and not is_about_model(view)
        return unmet or (path != CHAT and is_unknown_path(view, self.session.control))

    def _refused_features(self, view: View) -> list[str]:
        """The features of this case that a refusal names."""
        return [name for name in self.case.features if refuses_by_status(view, name)]

    async def _wait(self, view: View, attempt: int) -> None:
        """Wait as long as a 429 says. Raises NotReached if the run would be over by then."""
        if view.root["error"]["code"].value == "insufficient_quota":
            self.session.stopped = self.session.stopped or "the quota is used up (status 429)"
            raise NotReached(self.session.stopped)
        seconds = retry_after(view.exchange)
        seconds = min(2.0**attempt, 10.0) if seconds is None else seconds
        if attempt == ATTEMPTS or seconds > self.session.seconds_left:
            self.session.put_off(self.case.id, without_tags(refusal_text(view)))
            raise NotReached(f"status 429, with {seconds:g} s to wait (request {attempt})")
        await asyncio.sleep(seconds)


def _as_json(body: Body) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
