"""Whether what a client sends reaches the model: its tools, their outputs, and what the model is told first.

An answer that breaks no rule may come from a model that never saw half of the request. Each thing is witnessed, by a
word that only it has, by the tool that is called or by the tokens counted, beside a control that a model must manage
for its silence to count: of a weak model, and of a target that counts no tokens, nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from contract_tests.ready.asking import CALL, calls_in, send, text_in
from contract_tests.ready.bodies import (
    Body,
    asking,
    change_instructions,
    change_outputs,
    change_question,
    going_on,
    names_of,
    outputs_of,
    tools_of,
    with_tools,
)
from contract_tests.ready.seen import SeenClient, SeenRequest, expand
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.facts import prompt_count
from contract_tests.rules.relations.said import said_in
from contract_tests.target.ask import Ask, Case

TRIES = 3
"""How often something must fail, while its control holds each time, before it counts as lost."""
_CASES = ("tools", "output", "instructions")
_SAY_HELLO, _REMEMBER = "Say hello.", "Repeat the code at the end of the tool's output, word for word."


class State(StrEnum):
    """What is known of a thing that was sent."""

    ARRIVED = "arrived"
    LOST = "lost"
    NOT_SHOWN = "not shown"


@dataclass(frozen=True)
class Arrival:
    """What became of a thing that a client sends; `what` says in words what was seen. `case_id` is `API.NAME`."""

    case_id: str
    thing: str
    state: State
    what: str = ""


def is_witnessing(case_id: str) -> bool:
    """Whether a case asks if something arrives: its requests are no longer those of the client, word for word."""
    return case_id.partition(".")[2].partition("-")[0] in _CASES


@dataclass
class Witness:
    """The cases that ask whether things arrive, and what they have found once they were played."""

    client: SeenClient
    api: str
    found: list[Arrival] = field(default_factory=list)

    def cases(self) -> Sequence[Case]:
        """The cases of the client's requests by this API that have tools, an output of a tool, or instructions."""
        requests = self.client.requests[self.api]
        cases: list[Case] = []
        calling = next((each for each in requests if tools_of(each.body) and not outputs_of(each.body)), None)
        if calling:
            most = 2 + 3 * len(tools_of(calling.body))
            cases.append(self._case("tools", _Tools(self, calling).play, most))
        for request in requests:
            if outputs_of(request.body):
                name = request.name.replace("after-call", "output")
                play = _Output(self, request, name).play
                cases.append(self._case(name, play, 2 * TRIES + (2 if request.after else 0)))
        told = next((each for each in requests if change_instructions(each.body, str)), None)
        if told:
            cases.append(self._case("instructions", _Instructions(self, told).play))
        return cases

    def request(self, begin: str) -> SeenRequest:
        """The first of the client's requests whose name begins like this."""
        return next(each for each in self.client.requests[self.api] if each.name.startswith(begin))

    def add(self, name: str, thing: str, state: State, what: str = "") -> None:
        """Note what became of a thing that the case of this name asks for."""
        self.found.append(Arrival(f"{self.api}.{name}", thing, state, what))

    def _case(self, name: str, play: Callable[[Ask], Any], requests: int = 2 * TRIES) -> Case:
        return Case(f"{self.api}.{name}", "", requests, 0, (), play)


def _without(body: Body, name: str) -> Body:
    return {other: value for other, value in body.items() if other != name}


def _counted(view: View) -> int | None:
    """The tokens of the input that an answer counts."""
    said = said_in(view)
    return said.input_tokens if said else prompt_count(view)


def _has(view: View, word: str) -> bool:
    return view.ok and word.casefold() in text_in(view).casefold()


async def _look_for(ask: Ask, request: SeenRequest, word: str, body: Body, control: Body) -> tuple[State, str]:
    """Whether an answer has a word that only `body` hides; in `control` it stands in the question itself."""
    for number in range(1, TRIES + 1):
        view = await send(ask, request, body, f"claim {number}")
        if _has(view, word):
            return State.ARRIVED, ""
        if not view.ok:
            return State.NOT_SHOWN, f"the request has no answer: status {view.status or 'none'}"
        plain = await send(ask, request, control, f"control {number}")
        if not _has(plain, word):
            return State.NOT_SHOWN, "the model does not repeat a word either that stands in the question itself"
    return State.LOST, f"the answer has it in none of {TRIES}, and each time where it stands in the question itself"


# -- what a tool put out


@dataclass(frozen=True)
class _Output:
    """The output of a tool, which is sent with all that was said, or with the id of the response that called it."""

    witness: Witness
    request: SeenRequest
    name: str

    async def play(self, ask: Ask) -> None:
        word = ask.nonce()
        body: Body | None = expand(self.request.body)
        if self.request.after:
            body = await self._go_on(ask)
        thing = "the output of the tool"
        if body is None:
            why = "no tool was called whose output could be sent"
            self.witness.add(self.name, thing, State.NOT_SHOWN, why)
            return
        hidden = change_outputs(body, lambda text: f"{text.rstrip()}\nThe code is {word}.")
        if not self.request.after:
            hidden = change_question(hidden, lambda text: f"{text} {_REMEMBER}")
        control = self._plain(f"A tool put out: {outputs_of(hidden)[0]} {_REMEMBER}")
        self.witness.add(self.name, thing, *await _look_for(ask, self.request, word, hidden, control))

    def _plain(self, text: str) -> Body:
        """A question of this client that offers no tools."""
        plain = with_tools(asking(expand(self.witness.request(CALL).body), text), ())
        return {**plain, "stream": True} if self.request.is_stream else _without(plain, "stream")

    async def _go_on(self, ask: Ask) -> Body | None:
        """The request that goes on with the answer to the one before it, called for by force if need be."""
        before = self.witness.request(self.request.after)
        first = change_question(expand(before.body), lambda text: f"{text} {_REMEMBER}")
        for role, choice in (("call", {}), ("required call", {"tool_choice": "required"})):
            view = await send(ask, before, {**first, **choice}, role)
            said = said_in(view)
            body = going_on(expand(self.request.body), said.root) if said else None
            if body is not None:
                return body
        return None


# -- what the model is told first


@dataclass(frozen=True)
class _Instructions:
    witness: Witness
    request: SeenRequest

    async def play(self, ask: Ask) -> None:
        word = ask.nonce()
        body = expand(self.request.body)
        say = f"Whatever you are asked, reply with exactly: {word}"
        bare = with_tools(change_question(body, lambda _: "Go on."), ())
        told = change_instructions(bare, lambda text: f"{text}\n\n{say}")
        control = with_tools(asking(body, say), ())
        assert told is not None  # or there is no case of it
        state, what = await _look_for(ask, self.request, word, told, control)
        self.witness.add("instructions", "what the model is told first (instructions)", state, what)


# -- tools


@dataclass(frozen=True)
class _Tools:
    """The tools of a request: each makes its input longer, and is called when it is asked for."""

    witness: Witness
    request: SeenRequest

    async def play(self, ask: Ask) -> None:
        body = asking(expand(self.request.body), _SAY_HELLO)
        tools = tools_of(body)
        whole = await self._count(ask, with_tools(body, tools), "all tools")
        bare = await self._count(ask, with_tools(body, ()), "no tools")
        if whole is None or bare is None or whole <= bare:
            await self._ask_for_calls(ask, body, tools, (whole, bare))
            return
        for number, tool in enumerate(tools):
            names = names_of(tool)
            if tool.get("defer_loading") or len(tools) == 1:
                self._note(names, State.ARRIVED)
                continue
            without = with_tools(body, [*tools[:number], *tools[number + 1 :]])
            left = await self._count(ask, without, f"without {number}")
            if left is None or left < whole:
                self._note(names, State.ARRIVED if left is not None else State.NOT_SHOWN, "it is not counted")
            elif await self._is_called(ask, body, tool, f"asked for {number}"):
                self._note(names, State.ARRIVED)
            else:
                what = (
                    f"the input has {whole} tokens with it and {left} without it, and it is not called when asked for"
                )
                self._note(names, State.LOST, what)

    async def _ask_for_calls(
        self, ask: Ask, body: Body, tools: Sequence[Mapping[str, Any]], counts: tuple[int | None, int | None]
    ) -> None:
        """Where tokens tell nothing: a tool that is called has arrived, and of the others nothing is known."""
        called = [await self._is_called(ask, body, tool, f"asked for {at}") for at, tool in enumerate(tools)]
        if not any(called) and None not in counts:
            what = (
                f"the input has {counts[0]} tokens with them and {counts[1]} without them, and none is called, be it "
                "asked for or required"
            )
            self.witness.add("tools", f"the {len(tools)} tools" if len(tools) > 1 else "the tool", State.LOST, what)
            return
        for tool, is_called in zip(tools, called, strict=True):
            why = "it is not called when it is asked for, and the tokens of the input do not tell"
            self._note(names_of(tool), State.ARRIVED if is_called else State.NOT_SHOWN, why)

    def _note(self, names: Sequence[str], state: State, what: str = "") -> None:
        shown = f"the tool {names[0]}" if len(names) == 1 else f"the tools {', '.join(names)}"
        self.witness.add("tools", shown, state, "" if state is State.ARRIVED else what)

    async def _count(self, ask: Ask, body: Body, role: str) -> int | None:
        if "messages" in body and body.get("stream"):
            body = {**body, "stream_options": {"include_usage": True}}
        return _counted(await send(ask, self.request, body, role))

    async def _is_called(self, ask: Ask, body: Body, tool: Mapping[str, Any], role: str) -> bool:
        """Whether a tool is called that is asked for by name, and then required as well."""
        names = names_of(tool)
        asked = change_question(body, lambda _: f"Call the tool {names[0]} now. Make its arguments up. Use the tool.")
        for how, choice in (("", {}), (", required", {"tool_choice": "required"})):
            view = await send(ask, self.request, {**asked, **choice}, role + how)
            if any(name in names for name in calls_in(view)):
                return True
        return False
