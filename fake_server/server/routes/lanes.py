"""What a WebSocket keeps of its responses: the last one of each lane can be gone on from, though it is not stored."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fake_server.api.render.style import Style
from fake_server.api.request import ApiRequest
from fake_server.server.routes.response_state import Made, save_response
from fake_server.server.state.responses import ResponseStore, Saved
from fake_server.server.state.space import Space

TURN = "fake_server.turn"
"""Where the scope of a turn holds its Turn."""


class Kept:
    """The last response of each lane of one connection that was not to be stored, until another takes its place."""

    def __init__(self) -> None:
        self.last: dict[str | None, tuple[ResponseStore, str]] = {}

    def turn(self, lane: str | None, body: Mapping[str, Any]) -> Turn:
        """The turn that begins now in a lane."""
        return Turn(
            self,
            lane,
            body.get("previous_response_id"),
            body.get("store") is not False,
            body.get("generate") is not False,
        )

    def replace(self, lane: str | None, last: tuple[ResponseStore, str] | None) -> None:
        """Forget the last response of a lane, and keep another."""
        before = self.last.pop(lane, None)
        if last is not None:
            self.last[lane] = last
        if before is not None and before not in self.last.values():
            before[0].delete(before[1])

    def forget(self) -> None:
        """Forget all: the connection has ended."""
        for lane in tuple(self.last):
            self.replace(lane, None)


@dataclass
class Turn:
    """One `response.create`: its lane, what it goes on from, and whether its response is stored and generated."""

    kept: Kept
    lane: str | None
    previous: Any
    stored: bool
    generates: bool
    response: tuple[Space, str] | None = None

    def refused(self) -> None:
        """Forget what a refused turn went on from, if that was the last response of the same lane."""
        last = self.kept.last.get(self.lane)
        if last is not None and last[1] == self.previous:
            self.kept.replace(self.lane, None)

    def failed(self) -> None:
        """Forget the response of a turn that its client saw fail: nobody goes on from it."""
        if self.response is not None:
            space, name = self.response
            space.responses.delete(name)
            last = self.kept.last.get(self.lane)
            if last is not None and last[1] == name:
                self.kept.replace(self.lane, None)

    def as_post(self, request: ApiRequest) -> ApiRequest:
        """The request without the member that only a WebSocket has."""
        return request.but({name: value for name, value in request.body.items() if name != "generate"})

    def view(self, space: Space) -> Space:
        """The space as this turn sees it: with the responses that its connection keeps."""
        view = copy.copy(space)
        view.responses = _Responses(space, self)  # type: ignore[assignment]
        return view

    def save(
        self, request: ApiRequest, space: Space, style: Style, made: Made, earlier: Sequence[Mapping[str, Any]]
    ) -> Made:
        """Save an answer: in the space, or for this connection alone."""
        if not self.generates:
            usage = dict(made.response["usage"])
            details = {**usage["output_tokens_details"], "reasoning_tokens": 0}
            usage |= {"output_tokens": 0, "total_tokens": usage["input_tokens"], "output_tokens_details": details}
            made = replace(made, response={**made.response, "output": [], "usage": usage})
        self.response = space, made.response["id"]
        if self.stored:
            return save_response(request, space, style, made)
        view = self.view(space)
        view.responses.earlier = tuple(earlier)  # type: ignore[attr-defined]
        return save_response(request.but({**request.body, "store": True}), view, style, made)


class _Responses:
    """The responses of a space together with those that a connection keeps; what is saved is kept there alone."""

    def __init__(self, space: Space, turn: Turn) -> None:
        self._space, self._turn = space, turn
        self.take_finished = space.responses.take_finished
        self.earlier: tuple[Mapping[str, Any], ...] = ()

    def get(self, name: str) -> Saved | None:
        known = (self._space.unsaved, name) in self._turn.kept.last.values()
        return (self._space.unsaved.get(name) if known else None) or self._space.responses.get(name)

    def find_item(self, name: str) -> Mapping[str, Any] | None:
        return self._space.responses.find_item(name)

    def save(self, saved: Saved) -> None:
        name = str(saved.response["id"])
        whole = {**saved.response, "previous_response_id": None}  # what came before is among its items
        saved = replace(saved, response=whole, items=(*self.earlier, *saved.items), conversation=None)
        self._space.unsaved.save(saved)
        self._turn.kept.replace(self._turn.lane, (self._space.unsaved, name))
