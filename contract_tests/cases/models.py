"""Section models: what there is to ask for."""

from __future__ import annotations

from urllib.parse import quote

from contract_tests.rules.errors.provoked import NO_SUCH_MODEL
from contract_tests.target.ask import Ask
from contract_tests.target.case import case


@case("models.list", title="the list of models")
async def list_models(ask: Ask) -> None:
    await ask.get("/models", role="list")


@case("models.retrieve", title="the model that is asked for")
async def retrieve(ask: Ask) -> None:
    # A target may answer by names it does not list (aliases, routes); those need not be found.
    await ask.get(_path(ask.model), role="model", valid=ask.model in ask.session.listed)


@case("models.retrieve-unknown", title="a model that does not exist, looked up")
async def retrieve_unknown(ask: Ask) -> None:
    await ask.get(_path(f"{NO_SUCH_MODEL}-{ask.nonce()}"), role="model", valid=False)


def _path(model: str) -> str:
    return f"/models/{quote(model, safe='')}"
