"""Cases of a company, for `contract run --cases acme_cases.py`."""

from __future__ import annotations

from contract_tests.own import Ask, case, chat_case

chat_case("acme.brief", "a brief answer for Acme", "Say hello.", 16)


@case("acme.echo", title="a word repeated for Acme", tokens=16)
async def echo(ask: Ask) -> None:
    word = ask.nonce()
    await ask(ask.body(f"Repeat this word: {word}", 16), expect=word)
