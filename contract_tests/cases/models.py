"""Section models: what there is to ask for."""

from __future__ import annotations

from urllib.parse import quote

from contract_tests.rules.errors.mistakes import NO_SUCH_MODEL
from contract_tests.target.ask import Ask
from contract_tests.target.case import case


@case("models.list", title="the list of models")
async def list_models(ask: Ask) -> None:
    await ask.get("/models", role="list")


@case("models.retrieve", title="a model that is listed", requests=2)
async def retrieve(ask: Ask) -> None:
    # A target may answer by names it does not list (aliases, routes); those need not be found.
    listed = ask.session.listed
    model = ask.model if ask.model in listed or not listed else listed[0]
    if "/" in model and (await ask.raw("GET", f"/models/{quote(model)}", role="by slash")).ok:
        await ask.raw("GET", _path(model), role="model")
    else:
        await ask.get(_path(model), role="model", valid=bool(listed))


@case("models.retrieve-unknown", title="a model that does not exist, looked up")
async def retrieve_unknown(ask: Ask) -> None:
    await ask.get(_path(f"{NO_SUCH_MODEL}-{ask.nonce()}"), role="model", valid=False)


def _path(model: str) -> str:
    return f"/models/{quote(model, safe='')}"
