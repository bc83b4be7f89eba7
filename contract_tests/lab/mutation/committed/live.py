"""Defects in free text, planted between the target and the suite: in the stream, never in the dict."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from contract_tests.cases import Case
from contract_tests.lab.mutation.committed.mutant import source_of
from contract_tests.lab.mutation.committed.pieces import CARRIERS, Piece, pieces, with_texts
from contract_tests.lab.mutation.genuine.measure import Mark
from contract_tests.lab.mutation.genuine.reading import Reply
from contract_tests.rules.engine.judge import NOTE
from contract_tests.rules.engine.view import View
from contract_tests.run.outcome import CaseResult
from contract_tests.run.play import play
from contract_tests.target.session import Session
from fake_server.wire.exchange import Exchange

Bug = Callable[[Exchange], Exchange]


@dataclass(frozen=True)
class Planted:
    """A defect that was planted in the stream of a case, and whether the case noticed."""

    case_id: str
    operator: str
    where: str
    before: str
    after: str
    noticed: bool


class Spoiling(Session):
    """A session that can spoil what comes back from the target before the suite sees it."""

    bug: Bug | None = None

    async def exchange(self, *asked: Any, **options: Any) -> Exchange:
        found = await super().exchange(*asked, **options)
        return self.bug(found) if self.bug else found

    async def exchanges_of(self, case: Case) -> tuple[Exchange, ...]:
        """What a case exchanges with the target."""
        return (await play(case, self)).exchanges

    async def planted(self, case: Case, seed: int, draws: int) -> AsyncIterator[Planted]:
        """Play a case that asks for dict and stream, once as it is and once with each defect in it."""
        untouched = await play(case, self)
        if not comparable(untouched):
            return
        known, seen = _marks(untouched), set()
        for name in TEXT_OPERATORS:
            for draw in range(draws):
                bug = TextBug(name, f"{seed}:{case.id}:{name}:{draw}")
                self.bug = bug
                try:
                    result = await play(case, self)
                finally:
                    self.bug = None
                told = (name, bug.where, bug.after)
                if bug.where and told not in seen:
                    seen.add(told)
                    noticed = bool(_marks(result) - known)
                    yield Planted(case.id, name, bug.where, bug.before, bug.after, noticed)


def comparable(result: CaseResult) -> bool:
    """Whether a case asks for one answer as a stream and, to see that answers are equal, twice as a dict."""
    asked = [one.request.json() for one in result.exchanges]
    bodies = [body for body in asked if isinstance(body, dict)]
    dicts = [body for body in bodies if body.get("stream") is not True]
    streams = [
        {name: value for name, value in body.items() if name not in ("stream", "stream_options")}
        for body in bodies
        if body.get("stream") is True
    ]
    return any(dicts.count(body) > 1 for body in streams)


def _marks(result: CaseResult) -> set[Mark]:
    return {(one.rule.id, repr(one.place.path)) for one in result.findings if one.rule.level is not NOTE}


class TextBug:
    """Changes one piece of text in every stream; `where` tells what it did, '' where it could do nothing."""

    def __init__(self, operator: str, dice: str) -> None:
        self.operator, self.dice = operator, dice
        self.where = self.before = self.after = ""

    def __call__(self, exchange: Exchange) -> Exchange:
        view = View(exchange)
        if view.form != "events" or not view.ok:
            return exchange
        reply = source_of(exchange).reply
        found = _said(reply) if reply else []
        texts = [text for _, text in found]
        changed = TEXT_OPERATORS[self.operator](list(texts), random.Random(self.dice)) if texts else texts
        if "".join(changed) == "".join(texts):
            return exchange
        places = [place for place, (old, new) in enumerate(zip(texts, changed, strict=True)) if old != new]
        self.where = f"piece {', '.join(map(str, places))} of {len(texts)}"
        self.before = repr("".join(texts[one] for one in places))[:60]
        self.after = repr("".join(changed[one] for one in places))[:60]
        assert reply is not None
        return with_texts(reply, [where for where, _ in found], changed)


def _said(reply: Reply) -> list[tuple[Piece, str]]:
    """The pieces of what a stream's first choice says: of its arguments where it calls, else of its text."""
    return next((found for name in CARRIERS if (found := pieces(reply, name))), [])


# -- what becomes of the pieces; as many come back as went in

Edit = Callable[[list[str], random.Random], list[str]]


def lose_piece(texts: list[str], dice: random.Random) -> list[str]:
    texts[dice.randrange(len(texts))] = ""
    return texts


def repeat_piece(texts: list[str], dice: random.Random) -> list[str]:
    texts[dice.randrange(len(texts))] *= 2
    return texts


def swap_pieces(texts: list[str], dice: random.Random) -> list[str]:
    if len(texts) > 1:
        place = dice.randrange(len(texts) - 1)
        texts[place], texts[place + 1] = texts[place + 1], texts[place]
    return texts


def lose_end(texts: list[str], dice: random.Random) -> list[str]:
    keep = dice.randrange(len(texts))
    return [*texts[:keep], *("" for _ in texts[keep:])]


def strip_pieces(texts: list[str], dice: random.Random) -> list[str]:
    return [text.strip() for text in texts]


def wrong_encoding(texts: list[str], dice: random.Random) -> list[str]:
    return [text.encode("utf-8", "replace").decode("latin-1") for text in texts]


def escape_twice(texts: list[str], dice: random.Random) -> list[str]:
    return [text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for text in texts]


def escape_markup(texts: list[str], dice: random.Random) -> list[str]:
    return [text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;") for text in texts]


def _character(change: Callable[[str], str]) -> Edit:
    """One character of the whole text becomes what `change` makes of it."""

    def edit(texts: list[str], dice: random.Random) -> list[str]:
        piece = dice.choice([place for place, text in enumerate(texts) if text])
        at = dice.randrange(len(texts[piece]))
        text = texts[piece]
        texts[piece] = text[:at] + change(text[at]) + text[at + 1 :]
        return texts

    return edit


TEXT_OPERATORS: dict[str, Edit] = {
    **{
        edit.__name__.replace("_", "-"): edit
        for edit in (
            lose_piece,
            repeat_piece,
            swap_pieces,
            lose_end,
            strip_pieces,
            wrong_encoding,
            escape_twice,
            escape_markup,
        )
    },
    "lose-character": _character(lambda one: ""),
    "double-character": _character(lambda one: one * 2),
    "other-character": _character(lambda one: "x" if one != "x" else "y"),
    "other-case": _character(str.swapcase),
    "replacement-character": _character(lambda one: "\N{REPLACEMENT CHARACTER}"),
}
