"""Section stored: a completion is stored, found, labelled anew and deleted, as `store` asks for."""

from __future__ import annotations

import json
from typing import Any

from contract_tests.cases.kept import check_id, is_found, is_gone, look, remove, try_request
from contract_tests.cases.prompts import SHORT
from contract_tests.rules.engine.refused import refusal_text
from contract_tests.target.ask import Ask
from contract_tests.target.case import case
from contract_tests.target.endpoints import CHAT
from contract_tests.target.errors import NotReached, Unsupported

TOKENS = 16
_FEATURES = ("store", "metadata")


async def _check_support(ask: Ask) -> None:
    """Ask for the list. Raises Unsupported where it does not exist, NotReached where it is refused otherwise."""
    view = await ask.raw("GET", f"{CHAT}?limit=1", role="list")
    if view.is_dict and (view.root["object"].there or view.root["data"].there):
        return
    ask.views.remove(view)  # whatever stands there is not this endpoint
    if view.status in (404, 405, 501) or view.ok:
        raise Unsupported(f"GET {CHAT} is answered like an unknown path: status {view.status}")
    raise NotReached(f"stored completions are not listed: status {view.status}: {refusal_text(view)}")


async def _create(ask: Ask, role: str, **more: Any) -> str:
    """Ask for a completion and return its id; raises NotReached where it has none."""
    view = await ask(ask.body(SHORT, TOKENS, **more), role=role)
    roots = view.chunks if more.get("stream") else [view.root]
    name = roots[0]["id"].text if roots else ""
    return check_id(name)


@case(
    "stored.life",
    title="a completion stored, found, updated and deleted",
    requests=19,
    tokens=2 * TOKENS,
    features=_FEATURES,
)
async def life(ask: Ask) -> None:
    await _check_support(ask)
    label = ask.nonce()
    name = await _create(ask, "created", store=True, metadata={"topic": label})
    path = f"{CHAT}/{name}"
    if (await look(ask, path, "stored", is_found)).ok:
        # What the list must leave out: without it a target that ignores the filter fails only beside other cases.
        another = await _create(ask, "another", store=True, metadata={"topic": ask.nonce()})
        query = f"{CHAT}?metadata%5Btopic%5D={label}&limit=5"
        await look(ask, query, "listed", lambda view: any(entry["id"].text == name for entry in view.root["data"]))
        await try_request(ask, "GET", f"{path}/messages", "messages")
        if await try_request(ask, "POST", path, "updated", json.dumps({"metadata": {"topic": ask.nonce()}}).encode()):
            await ask.raw("GET", path, role="reread")
        if await remove(ask, path, "deleted"):
            await look(ask, path, "gone", is_gone)
        await remove(ask, f"{CHAT}/{another}", "another deleted")


@case("stored.stream", title="a stream that is stored", requests=6, tokens=TOKENS, features=_FEATURES)
async def stream(ask: Ask) -> None:
    await _check_support(ask)
    name = await _create(ask, "created", store=True, metadata={"topic": ask.nonce()}, stream=True)
    if (await look(ask, f"{CHAT}/{name}", "stored", is_found)).ok:
        await remove(ask, f"{CHAT}/{name}", "deleted")


@case("stored.off", title="a completion that is not to be stored", requests=3, tokens=TOKENS, features=["store"])
async def off(ask: Ask) -> None:
    await _check_support(ask)
    name = await _create(ask, "unstored", store=False)
    await ask.raw("GET", f"{CHAT}/{name}", role="looked up")


@case("stored.unknown", title="a completion that was never stored, looked up", requests=2)
async def unknown(ask: Ask) -> None:
    await _check_support(ask)
    await ask.raw("GET", f"{CHAT}/chatcmpl-{ask.nonce()}", role="unknown")
