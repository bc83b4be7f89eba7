"""Section embeddings: vectors of texts."""

from __future__ import annotations

from typing import Any

from contract_tests.cases.prompts import UNUSUAL
from contract_tests.rules.engine.view import View
from contract_tests.target.ask import EMBEDDINGS, Ask
from contract_tests.target.case import case

TEXTS = ("A tree stands in the field.", "The stock market fell today.", UNUSUAL)


async def _ask(ask: Ask, given: Any, *, role: str = "dict", valid: bool = True, **more: Any) -> View:
    body = {"model": ask.model, "input": given, **more}
    return await ask(body, path=EMBEDDINGS, role=role, valid=valid)


@case("embeddings.one", title="the embedding of one text")
async def one(ask: Ask) -> None:
    await _ask(ask, TEXTS[0])


@case("embeddings.list", title="the embedding of a list of one text")
async def list_of_one(ask: Ask) -> None:
    await _ask(ask, [TEXTS[0]])


@case("embeddings.batch", title="a batch beside each of its texts alone", requests=1 + len(TEXTS))
async def batch(ask: Ask) -> None:
    await _ask(ask, list(TEXTS), role="batch")
    for place, text in enumerate(TEXTS):
        await _ask(ask, text, role=f"single {place + 1}")


@case("embeddings.encodings", title="numbers and Base64", requests=2, features=["encoding_format", "base64"])
async def encodings(ask: Ask) -> None:
    await _ask(ask, TEXTS[0], role="float", encoding_format="float")
    await _ask(ask, TEXTS[0], role="base64", encoding_format="base64")


@case("embeddings.dimensions", title="a shorter vector", features=["dimensions"])
async def dimensions(ask: Ask) -> None:
    await _ask(ask, TEXTS[0], dimensions=256)


@case("embeddings.no-input", title="no text to embed")
async def no_input(ask: Ask) -> None:
    await ask({"model": ask.model}, path=EMBEDDINGS, role="refusal", valid=False)


@case("embeddings.empty-input", title="an empty list of texts")
async def empty_input(ask: Ask) -> None:
    await _ask(ask, [], role="refusal", valid=False)
