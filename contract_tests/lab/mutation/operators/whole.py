"""The operators that choose their own place in a reply: those on its bytes and on its relations."""

from __future__ import annotations

import random
from collections.abc import Iterator

from contract_tests.lab.mutation.mutant import Mutant
from contract_tests.lab.mutation.operators.framing import FRAMING
from contract_tests.lab.mutation.operators.kind import Change, Kind, Site
from contract_tests.lab.mutation.operators.relations import RELATIONS
from contract_tests.lab.mutation.reply import Reply

_OPERATORS = FRAMING | RELATIONS
_HTTP = ("content-type", "cut-clean", "cut-broken")
_DRAWS = 6
"""How often an operator is applied to one reply."""


def _sites(reply: Reply) -> Iterator[Site]:
    if reply.documents:
        yield Site()


def _mutants(reply: Reply, site: Site, seed: int, only: str = "") -> Iterator[Mutant]:
    for name in (only,) if only else _OPERATORS:
        seen = [reply.exchange]
        for draw in range(_DRAWS):
            dice = random.Random(f"{seed}:{reply.exchange.label}:{name}:{draw}")
            change = _OPERATORS[name](reply, dice)
            if change and change.exchange not in seen:
                seen.append(change.exchange)
                yield _mutant(reply, name, change, draw)


def _mutant(reply: Reply, name: str, change: Change, draw: int) -> Mutant:
    if name in RELATIONS:
        section = "tools" if name.startswith(("tool", "arguments")) else reply.section
    else:
        section = "sse" if reply.form.endswith(".stream") and name not in _HTTP else "http"
    return Mutant(
        section,
        name,
        reply.section,
        change.where,
        change.original or reply.exchange,
        lambda: change.exchange,
        change.before,
        change.after,
        f"draw {draw}",
    )


WHOLE = Kind("whole", tuple(_OPERATORS), _sites, _mutants)
