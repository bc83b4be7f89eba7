"""Section client: main(), the one program every target is tried with."""

from __future__ import annotations

from contract_tests.cases.prompts import POEM, POEM_TOKENS
from contract_tests.target.ask import Ask
from contract_tests.target.case import case
from contract_tests.target.errors import NotReached
from contract_tests.target.main_program import run_main_program
from contract_tests.target.session import SLACK
from fake_server.relay.redact import excerpt_end


@case("client.main-dict", title="main(), the poem in one dict", tokens=POEM_TOKENS)
async def main_dict(ask: Ask) -> None:
    await _run_main(ask, "main dict", "--no-stream")


@case("client.main-stream", title="main(), the poem token by token", tokens=POEM_TOKENS)
async def main_stream(ask: Ask) -> None:
    await _run_main(ask, "main stream")


async def _run_main(ask: Ask, role: str, *options: str) -> None:
    """Run main() on the target and note in `ask.troubles[role]` why it had no answer, '' where it had one.

    It asks through a relay of its own, which puts the real key in. Raises NotReached for a 429 or a cap,
    RuntimeError where main() itself failed.
    """
    session, bounds = ask.session, ask.session.options.bounds
    session.count()
    async with session.new_relay() as relay:
        outcome = await run_main_program(
            relay.base_url + session.prefix,
            *("--model", ask.model, "--prompt", POEM, *options),
            # The bounds of the relay are met first: they say more exactly what was missing.
            seconds=bounds.connect + bounds.exchange + 2.0,
            slack=SLACK,
        )
        await relay.wait_until_idle()
    for exchange in relay.exchanges:
        ask.keep(exchange.but(label=ask.case.id), role)
    line = excerpt_end(outcome.stderr.replace(relay.path, ""), 400)  # the relay's token is nobody else's business
    if outcome.is_own_fault:
        raise RuntimeError(f"main() failed by itself, exit code {outcome.code}: {line}")
    if relay.exchanges and relay.exchanges[-1].status == 429:
        raise NotReached(f"main() was answered 429: {line}")
    ask.troubles[role] = f"exit code {outcome.code}: {line}" if outcome.code else ""
