"""The register of cases: each has an id typed by hand, a title, and what it may cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from contract_tests.target.ask import Ask, Body, Case, Play
from contract_tests.target.endpoints import CHAT
from contract_tests.target.options import below
from contract_tests.target.relay_connection import Field

CASES: dict[str, Case] = {}
"""Every case by its id, in the order of a run."""


def case(
    case_id: str,
    *,
    title: str,
    requests: int = 1,
    tokens: int = 0,
    features: Iterable[str] = (),
    alone: bool = False,
    cut: bool = False,
) -> Callable[[Play], Case]:
    """Register the decorated coroutine function, which gets an `Ask`, as a case.

    Raises ValueError where the id is taken.
    """

    def register(play: Play) -> Case:
        if case_id in CASES:
            raise ValueError(f"there are two cases {case_id}")
        CASES[case_id] = Case(case_id, title, requests, tokens, tuple(features), play, alone, cut)
        return CASES[case_id]

    return register


def request_case(
    case_id: str,
    title: str,
    make_body: Callable[[Ask], Body],
    tokens: int,
    features: Iterable[str] = (),
    *,
    path: str = CHAT,
    headers: Iterable[Field] = (),
    refused: bool = False,
) -> None:
    """Register a case of one request, in the role "refusal", "stream" or "dict", about all `features` but `stream`."""

    async def play(ask: Ask) -> None:
        body = make_body(ask)
        role = "refusal" if refused else "stream" if body.get("stream") else "dict"
        await ask(body, path=path, role=role, valid=not refused, headers=headers)

    about = [name for name in features if name != "stream"]  # which no target may lack
    case(case_id, title=title, tokens=tokens, features=about)(play)


def chat_case(
    case_id: str,
    title: str,
    prompt: str | Sequence[Any],
    tokens: int = 32,
    *,
    also: Iterable[str] = (),
    headers: Iterable[Field] = (),
    **more: Any,
) -> None:
    """Register a case of one chat request, about the parameters in `more` and the features `also`."""
    request_case(
        case_id,
        title,
        lambda ask: ask.body(prompt, tokens, **more),
        tokens * more.get("n", 1),
        (*more, *also),
        headers=headers,
    )


def select(prefixes: Iterable[str]) -> list[Case]:
    """The cases with these ids or below these prefixes, all for none. Raises KeyError for no match."""
    wanted = tuple(prefixes)
    for prefix in wanted:
        if not any(below(case_id, prefix) for case_id in CASES):
            raise KeyError(prefix.rstrip("."))
    return [case for case in CASES.values() if not wanted or any(below(case.id, prefix) for prefix in wanted)]
