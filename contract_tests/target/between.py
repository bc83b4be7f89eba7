"""A bad request that is put off, sent again between valid ones: is it that request, or has the target no time?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from contract_tests.rules.engine.view import View
from contract_tests.rules.errors.mistakes import ANOTHER_TIME

ROUNDS, SURELY = 2, 4
"""How often a bad request that is put off is sent again between valid ones; where valid ones are put off as well."""


async def ask_between(
    send_bad: Callable[[], Awaitable[View]], is_valid_answered: Callable[[str], Awaitable[bool]], *, surely: bool
) -> View | None:
    """What a bad request gets between valid ones; None where a valid one is put off too.

    Where others of the run were (`surely`), that could be chance: it has to come again more often.
    `is_valid_answered` takes what is added to the role of the valid request.
    """
    if not await is_valid_answered(""):
        return None
    for _ in range(SURELY if surely else ROUNDS):
        again = await send_bad()
        if not await is_valid_answered(" 2"):
            return None
        if again.status not in ANOTHER_TIME:
            break
    return again
