"""Section client: main(), the one program every target is tried with."""

from __future__ import annotations

from contract_tests.target.ask import Ask
from contract_tests.target.case import case
from contract_tests.target.main_program import POEM_TOKENS, main_program


@case("client.main-dict", title="main(), the poem in one dict", tokens=POEM_TOKENS)
async def main_dict(ask: Ask) -> None:
    await main_program(ask, "main dict", "--no-stream")


@case("client.main-stream", title="main(), the poem token by token", tokens=POEM_TOKENS)
async def main_stream(ask: Ask) -> None:
    await main_program(ask, "main stream")
