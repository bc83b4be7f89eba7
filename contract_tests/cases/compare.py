"""One thing asked in two ways, until it is known whether a difference between them is chance."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import chain, cycle
from typing import Any

from contract_tests.rules.engine.answers import answer_texts, says
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.arrival import ALONE, BACK, TRIES, finds
from contract_tests.rules.relations.endings import wrong_end
from contract_tests.rules.relations.facts import differ
from contract_tests.rules.relations.forms import SAMPLES
from contract_tests.target.ask import Ask, Body
from contract_tests.target.endpoints import CHAT

REQUESTS = 2 * SAMPLES

Side = tuple[str, Callable[[str], Awaitable[View]]]
"""The role of its first request, and how to send one in a role."""


async def compare(
    ask: Ask,
    left: Side,
    right: Side,
    *,
    key: Callable[[View], Any] = answer_texts,
    doubtful: Callable[[View, View], bool] = differ,
    apart: Callable[[Sequence[View], Sequence[View]], bool] = lambda lefts, rights: False,
) -> None:
    """Ask twice on the left and once on the right; where that is `doubtful`, both again, up to SAMPLES times.

    Fills in `ask.deterministic`: False once the left says two things (as `key` reads it) or a doubt is not repeated,
    True if there is none or all samples repeat it; None for an answer that says nothing. Of a left that says two
    things it is asked on whether the sides are `apart` in what does not depend on it. The sides do not take turns
    one by one: behind a round robin each would meet a server of its own.
    """
    sides: dict[str, list[View]] = {left[0]: [], right[0]: []}
    lefts, rights = sides.values()
    for role, send in chain((left, left), cycle((right, right, left, left))):
        views = sides[role]
        views.append(await send(f"{role} {len(views) + 1}" if views else role))
        if not rights:
            continue
        said = key(lefts[0])
        steady = all(key(view) == said for view in lefts)
        if not said or not steady:
            ask.deterministic = False if said else None
            if said and apart(lefts, rights) and min(len(lefts), len(rights)) < SAMPLES:
                continue
        elif not doubtful(lefts[0], rights[-1]):
            ask.deterministic = len(rights) == 1
        elif min(len(lefts), len(rights)) >= SAMPLES:
            ask.deterministic = True
        else:
            continue
        return


async def ask_with_control(claim: Side, control: Side, holds: Callable[[View], object]) -> None:
    """Ask the claim once; where it does not hold, the control, and again both in turn, as often as TRIES.

    Ends where the claim holds. A model that does not do in the control what the claim is about is no witness.
    """
    for number in range(1, TRIES + 1):
        number_of = f" {number}" if number > 1 else ""
        if holds(await claim[1](claim[0] + number_of)) or not holds(await control[1](control[0] + number_of)):
            return


async def ask_to_stop(ask: Ask, body: Body, text: str, stop: str | list[str], path: str = CHAT) -> None:
    """Have `text` repeated, which `body` asks for, up to a stop sequence; where it ends wrongly, whole as well."""
    await ask_with_control(
        ("stopped", lambda role: ask({**body, "stop": stop}, path=path, role=role, expect=text)),
        ("whole", lambda role: ask(body, path=path, role=role, expect=text)),
        lambda view: says(view, text) if "stop" not in view.request.value else not wrong_end(view, text),
    )


async def ask_back(ask: Ask, word: str, what: str, body: Body, control: Body, path: str = CHAT) -> None:
    """Ask for `word`, which only `what` says, such as "an earlier message"; in `control` it stands in plainer sight.

    The reply repeats the word, or calls a tool with it.
    """
    await ask_with_control(
        (f"{BACK}{what}", lambda role: ask(body, path=path, role=role, expect=word)),
        (f"{ALONE}{what}", lambda role: ask(control, path=path, role=role, expect=word)),
        lambda view: finds(view, word),
    )
