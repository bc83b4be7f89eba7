"""What a case holds in its hand: `ask` sends, judges nothing, and keeps every exchange with its part."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contract_tests.rules.engine.answers import answer_texts
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.target.brief import Brief
from contract_tests.target.errors import NotReached, Refused, Unsupported
from contract_tests.target.refusals import (
    is_about_model,
    is_unknown_path,
    names_parameter,
    refusal_text,
    retry_after,
)
from contract_tests.target.session import Field, Session
from fake_server.wire.exchange import Exchange

Body = Mapping[str, Any]
CHAT, COMPLETIONS, EMBEDDINGS = "/chat/completions", "/completions", "/embeddings"
ATTEMPTS = 4
"""How often a request is sent at most where the target answers 429."""

_ECONOMY = {"max_tokens": "max_completion_tokens", "temperature": "", "seed": ""}
"""What a case sends only to keep answers short and equal, and what stands in where it is refused."""


class Ask:
    """One case's way to the target: `await ask(body, role="dict")` gives the View of the exchange."""

    def __init__(self, brief: Brief, session: Session) -> None:
        self.brief, self.session = brief, session
        self.model = session.options.model_for(brief.id, session.fitting.get(brief.endpoint, session.model))
        self.views: list[View] = []
        self.roles: dict[str, View] = {}
        self.valid: set[str] = set()
        self.expected: dict[str, str] = {}
        self.troubles: dict[str, str] = {}

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
        """Ask for a chat completion, or what else `path` gives.

        A `valid` body must be answered: raises Unsupported where the refusal names what the case is
        about, Refused for any other, NotReached where 429s do not end. `expect` is the text to find in
        the answer.
        """
        while True:
            sent = self._economical(body) if path == CHAT else dict(body)
            data = json.dumps(sent, ensure_ascii=False).encode()
            view = await self.raw("POST", path, data, headers, role=role)
            if path != CHAT and is_unknown_path(view, self.session.control):
                self.views.remove(view)
                raise Unsupported(f"POST {path} is answered as an unknown path is: status {view.status}")
            if not valid:
                return view
            if path != CHAT or not self._learns(view, sent):
                break
        if expect is not None:
            self.expected[role] = expect
        refusal = f"status {view.status}: {refusal_text(view)}"
        if view.status == 411:
            raise Unsupported(f"the target wants the length of a request beforehand: {refusal}")
        named = self._refused_feature(view)
        if named:
            raise Unsupported(f"status {view.status} names {named}: {refusal_text(view)}")
        if path != CHAT and is_about_model(view):
            raise NotReached(
                f"no model for it is known, name one: --model {self.brief.endpoint}=NAME ({refusal})"
            )
        return self._accepted(role, view)

    async def get(self, path: str, *, role: str = "dict", valid: bool = True) -> View:
        """GET a path; raises Unsupported where it is answered as a path that does not exist."""
        view = await self.raw("GET", path, role=role)
        if is_unknown_path(view, self.session.control):
            self.views.remove(view)
            raise Unsupported(f"GET {path} is answered as an unknown path is: status {view.status}")
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
        """Send these bytes; a 429 is waited out. Raises NotReached where the run or its cap ends first."""
        label = self.brief.id if self.brief.requests == 1 else f"{self.brief.id} {role}"
        for attempt in range(1, ATTEMPTS + 1):
            view = View(await self.session.exchange(label, method, path, body, headers, keyless=keyless))
            self.views.append(view)
            if view.status != 429:
                self.roles[role] = view
                return view
            await self._wait(view, attempt)
        raise NotReached(f"still 429 after {ATTEMPTS} requests")

    async def together(self, requests: Sequence[tuple[str, Body, str]]) -> list[View]:
        """Ask several (role, body, expected text) at once."""
        tasks = [asyncio.ensure_future(self(body, role=role, expect=text)) for role, body, text in requests]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def body(self, prompt: str | Sequence[Any], tokens: int = 32, **more: Any) -> dict[str, Any]:
        """A chat request for `prompt` (one user's text, or messages) with at most `tokens` of answer."""
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
        return {"model": self.model, "messages": messages, "max_tokens": tokens, **more}

    async def leave(self, body: Body, *, role: str) -> View:
        """Ask for a stream and hang up at its first event."""
        sent = self._economical(body)
        data = json.dumps(sent, ensure_ascii=False).encode()
        return self.keep(
            await self.session.exchange(f"{self.brief.id} {role}", "POST", CHAT, data, leave=True), role
        )

    async def in_turn(self, requests: Sequence[tuple[str, Body, str]]) -> None:
        """Ask several (role, body, expected text) one after the other over one connection."""
        sent = [
            (f"{self.brief.id} {role}", CHAT, json.dumps(self._economical(body), ensure_ascii=False).encode())
            for role, body, _ in requests
        ]
        for exchange, (role, _, text) in zip(await self.session.in_turn(sent), requests, strict=True):
            self.expected[role] = text
            view = self.keep(exchange, role)
            if view.status == 429:
                raise NotReached(f"{role}: status 429 on a connection that is to be kept")
            self._accepted(role, view)

    def nonce(self) -> str:
        """A word no one has said before."""
        return "k" + secrets.token_hex(4)

    # -- what the run reads afterwards

    def keep(self, exchange: Exchange, role: str) -> View:
        """Add an exchange that something else than `ask` provoked."""
        view = View(exchange)
        self.views.append(view)
        self.roles[role] = view
        return view

    def trace(self) -> Trace:
        """The parts of this case for the rules about several exchanges."""
        return Trace(
            self.brief.id,
            dict(self.roles),
            dict(self.expected),
            self.deterministic,
            frozenset(self.valid),
            dict(self.troubles),
        )

    @property
    def deterministic(self) -> bool | None:
        """Whether every equal dict request ("dict", "again", "once more") had an equal answer."""
        views = [self.roles[role] for role in ("dict", "again", "once more") if role in self.roles]
        texts = [answer_texts(view) for view in views]
        return all(text == texts[0] for text in texts) if len(texts) > 1 and texts[0] else None

    # -- details

    def _accepted(self, role: str, view: View) -> View:
        self.valid.add(role)
        if not view.ok:
            raise Refused(f"{role}: status {view.status or 'none'}")
        return view

    def _economical(self, body: Body) -> dict[str, Any]:
        """The body with what this target refuses left out or renamed."""
        swap = {name: new for name, new in self.session.dropped.items() if name not in self.brief.features}
        named = ((swap.get(name, name), value) for name, value in body.items())
        return {name: value for name, value in named if name}

    def _learns(self, view: View, sent: Body) -> bool:
        """Whether a refusal names a parameter the case can do without, which is then given up."""
        if view.status not in (400, 422):
            return False
        for name, instead in _ECONOMY.items():
            if name in sent and name not in self.brief.features and names_parameter(view, name):
                self.session.dropped[name] = instead
                self.session.note(
                    f"the target refuses {name}; sent without it" + f" ({instead})" * bool(instead)
                )
                return True
        return False

    def _refused_feature(self, view: View) -> str:
        """The feature of this case that a 400 (422, 501) names."""
        if view.status not in (400, 422, 501):
            return ""
        return next((name for name in self.brief.features if names_parameter(view, name)), "")

    async def _wait(self, view: View, attempt: int) -> None:
        """Wait as long as a 429 says; raises NotReached where that is longer than the run may last."""
        if view.root["error"]["code"].value == "insufficient_quota":
            self.session.stopped = self.session.stopped or "the quota is used up (status 429)"
            raise NotReached(self.session.stopped)
        seconds = retry_after(view.exchange)
        seconds = min(2.0**attempt, 10.0) if seconds is None else seconds
        if attempt == ATTEMPTS or seconds > self.session.seconds_left:
            self.session.put_off(self.brief.id)
            raise NotReached(f"status 429, to be asked again in {seconds:g} s (request {attempt})")
        await asyncio.sleep(seconds)
