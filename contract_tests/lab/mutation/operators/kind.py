"""What an operator is: a kind with its sites, or a function that chooses its own place."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from contract_tests.lab.mutation.json_paths import Path
from contract_tests.lab.mutation.mutant import Mutant
from contract_tests.lab.mutation.reply import Reply
from fake_server.wire.exchange import Exchange


class Site(NamedTuple):
    """A place in a reply; `shape` is the same for all places that play the same part.

    `event` is the number of the event, 0 in a dict; `path` leads into its JSON, and `value` is what the
    operators need to know of the place.
    """

    shape: str = ""
    event: int = 0
    path: Path = ()
    value: Any = None


@dataclass(frozen=True)
class Kind:
    """Operators that are applied at the same sites.

    `sites(reply)` is cheap, for there are many. `mutants(reply, site, seed, only)` applies every operator, or
    the `only` one that is wanted, at a site; the same seed makes the same mutants.
    """

    name: str
    operators: tuple[str, ...]
    sites: Callable[[Reply], Iterator[Site]]
    mutants: Callable[[Reply, Site, int, str], Iterator[Mutant]]


class Change(NamedTuple):
    """What an operator did to a reply: the place, what stood there, what stands there now.

    `original` is what to compare with, where that is not the exchange as it was read.
    """

    where: str
    exchange: Exchange
    before: str
    after: str
    original: Exchange | None = None


Operator = Callable[[Reply, random.Random], Change | None]
