"""Defects in free text, planted between the target and the suite: in the stream, never in the dict."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from contract_tests.cases import Case
from contract_tests.lab.mutation.judging import Mark
from contract_tests.lab.mutation.operators.pieces import CARRIERS, pieces, with_texts
from contract_tests.lab.mutation.operators.text import TEXT_OPERATORS
from contract_tests.lab.mutation.reply import read_reply
from contract_tests.rules.engine.judge import NOTE
from contract_tests.rules.engine.view import View
from contract_tests.run.outcome import CaseResult
from contract_tests.run.play import play_case
from contract_tests.target.session import Session
from fake_server.wire.exchange import Exchange


@dataclass(frozen=True)
class Planted:
    """A defect that was planted in the stream of a case, and whether the case noticed."""

    case_id: str
    operator: str
    where: str
    before: str
    after: str
    noticed: bool


class PlantingSession(Session):
    """A session that can change what comes back from the target before the suite sees it."""

    defect: TextDefect | None = None

    async def exchange(self, *request: Any, **options: Any) -> Exchange:
        reply = await super().exchange(*request, **options)
        return self.defect.apply(reply) if self.defect else reply

    async def exchanges_of(self, case: Case) -> tuple[Exchange, ...]:
        """What a case exchanges with the target."""
        return (await play_case(case, self)).exchanges

    async def plant(self, case: Case, seed: int, draws: int) -> AsyncIterator[Planted]:
        """Play a case that asks for dict and stream, once as it is and once with each defect in it."""
        untouched = await play_case(case, self)
        if not comparable(untouched):
            return
        known, seen = _marks(untouched), set()
        for name in TEXT_OPERATORS:
            for draw in range(draws):
                self.defect = defect = TextDefect(name, f"{seed}:{case.id}:{name}:{draw}")
                try:
                    result = await play_case(case, self)
                finally:
                    self.defect = None
                key = (name, defect.where, defect.after)
                if defect.where and key not in seen:
                    seen.add(key)
                    noticed = bool(_marks(result) - known)
                    yield Planted(case.id, name, defect.where, defect.before, defect.after, noticed)


def comparable(result: CaseResult) -> bool:
    """Whether a case asks for one answer as a stream and, to see that answers are equal, twice as a dict."""
    requests = [exchange.request.json() for exchange in result.exchanges]
    bodies = [body for body in requests if isinstance(body, dict)]
    dicts = [body for body in bodies if body.get("stream") is not True]
    streams = [
        {name: value for name, value in body.items() if name not in ("stream", "stream_options")}
        for body in bodies
        if body.get("stream") is True
    ]
    return any(dicts.count(body) > 1 for body in streams)


def _marks(result: CaseResult) -> set[Mark]:
    return {
        (finding.rule.id, repr(finding.place.path)) for finding in result.findings if finding.rule.level is not NOTE
    }


class TextDefect:
    """Applies one operator to the text of every stream; `where` says what it changed, '' if nothing.

    Where a choice makes calls, its text is the arguments of the first.
    """

    def __init__(self, operator: str, dice: str) -> None:
        self.operator, self.dice = operator, dice
        self.where = self.before = self.after = ""

    def apply(self, exchange: Exchange) -> Exchange:
        view = View(exchange)
        if view.form != "events" or not view.ok:
            return exchange
        reply = read_reply(exchange)
        sent = next((sent for name in CARRIERS if (sent := pieces(reply, name))), [])
        texts = [text for _, text in sent]
        edit = TEXT_OPERATORS[self.operator]
        changed = edit(list(texts), random.Random(self.dice)) if texts else texts
        if "".join(changed) == "".join(texts):
            return exchange
        numbers = [number for number, (old, new) in enumerate(zip(texts, changed, strict=True)) if old != new]
        self.where = f"piece {', '.join(map(str, numbers))} of {len(texts)}"
        self.before = repr("".join(texts[number] for number in numbers))[:60]
        self.after = repr("".join(changed[number] for number in numbers))[:60]
        return with_texts(reply, [place for place, _ in sent], changed)
