"""Section embeddings: vectors of texts."""

from __future__ import annotations

from typing import Any

from contract_tests.cases.prompts import UNUSUAL
from contract_tests.rules.relations.vectors import batch_counts
from contract_tests.target.ask import Ask
from contract_tests.target.case import case, request_case
from contract_tests.target.endpoints import EMBEDDINGS

TEXTS = ("A tree stands in the field.", "The stock market fell today.", UNUSUAL)


async def _ask(ask: Ask, given: str | list[str], role: str, **more: Any) -> None:
    await ask({"model": ask.model, "input": given, **more}, path=EMBEDDINGS, role=role)


def vector_case(case_id: str, title: str, given: str | list[str], refused: bool = False, **more: Any) -> None:
    """Register a case of one request, about the parameters in `more`."""
    body = {"input": given, **more}
    request_case(case_id, title, lambda ask: {"model": ask.model, **body}, 0, more, path=EMBEDDINGS, refused=refused)


vector_case("embeddings.one", "the embedding of one text", TEXTS[0])
vector_case("embeddings.list", "the embedding of a list of one text", [TEXTS[0]])


@case("embeddings.batch", title="a batch beside each of its texts alone", requests=2 + 2 * len(TEXTS))
async def batch(ask: Ask) -> None:
    for again in ("", " again"):
        await _ask(ask, list(TEXTS), f"batch{again}")
        for place, text in enumerate(TEXTS):
            await _ask(ask, text, f"single {place + 1}{again}")
        if all(count == wanted for _, count, wanted in batch_counts(ask.roles)):
            return


@case("embeddings.encodings", title="numbers and Base64", requests=2, features=["encoding_format", "base64"])
async def encodings(ask: Ask) -> None:
    await _ask(ask, TEXTS[0], "float", encoding_format="float")
    await _ask(ask, TEXTS[0], "base64", encoding_format="base64")


@case("embeddings.dimensions", title="a shorter vector, and the whole one", requests=2, features=["dimensions"])
async def dimensions(ask: Ask) -> None:
    await _ask(ask, TEXTS[0], "cut", dimensions=256)
    await _ask(ask, TEXTS[0], "whole")


request_case(
    "embeddings.no-input", "no text to embed", lambda ask: {"model": ask.model}, 0, path=EMBEDDINGS, refused=True
)
vector_case("embeddings.empty-input", "an empty list of texts", [], refused=True)
vector_case("embeddings.unknown-encoding", "an encoding that does not exist", TEXTS[0], True, encoding_format="md5")
