"""Section moderations: what texts are flagged for."""

from __future__ import annotations

from typing import Any

from contract_tests.target.ask import Ask
from contract_tests.target.case import case
from contract_tests.target.endpoints import MODERATIONS

CALM, VIOLENT = "The tree stands in the field.", "I want to kill them."


def _body(ask: Ask, given: Any) -> dict[str, Any]:
    """A request; without `model`, which OpenAI does not require, where none is known to moderate."""
    model = ask.session.options.model_for(ask.case.id, ask.session.fitting.get("moderations", ""))
    return {"input": given, **({"model": model} if model else {})}


async def _ask(ask: Ask, given: Any, role: str = "dict") -> None:
    await ask(_body(ask, given), path=MODERATIONS, role=role)


@case("moderations.one", title="a calm text, moderated")
async def one(ask: Ask) -> None:
    await _ask(ask, CALM)


@case("moderations.batch", title="texts moderated together, twice, and each alone", requests=5)
async def batch(ask: Ask) -> None:
    texts = [CALM, f"{CALM} {CALM}", VIOLENT]  # in reverse the flags differ
    await _ask(ask, texts, "batch")
    for number, text in enumerate(texts, 1):
        await _ask(ask, text, f"single {number}")
    await _ask(ask, texts, "batch 2")


@case("moderations.parts", title="two parts of one message, moderated")
async def parts(ask: Ask) -> None:
    await _ask(ask, [{"type": "text", "text": text} for text in (CALM, VIOLENT)])


@case("moderations.no-input", title="nothing to moderate", requests=2)
async def no_input(ask: Ask) -> None:
    await _ask(ask, CALM)  # where that has no answer, neither is this refused for what it lacks
    await ask({**_body(ask, ""), "input": None}, path=MODERATIONS, role="refusal", valid=False)
