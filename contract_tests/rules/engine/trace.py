"""A trace: the exchanges of one case by role, for rules about several exchanges."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from contract_tests.rules.engine.view import View


@dataclass(frozen=True)
class Trace:
    """`roles` maps a role ("dict", "again", "stream", "caller 1" …) to the exchange that plays it.

    `expected` maps a role to the text that its reply is to repeat, if the case asked for that.
    `deterministic` is True if equal requests had equal answers and each difference between two ways to ask was
    repeated until it could not be chance, False if it was chance, None if that was not tried. `valid` holds
    the roles whose request must be answered. `troubles` maps "main dict" and "main stream" to why main()
    had no answer, '' if it had one. `only_beside` maps the rules that a case broke beside other cases, and kept
    when it was played alone, to what was seen; None if it was not played again. `broken` holds the MUST
    rules that exchanges of the case break by themselves: what follows from that is no finding of its own.
    """

    case_id: str
    roles: Mapping[str, View]
    expected: Mapping[str, str] = field(default_factory=dict)
    deterministic: bool | None = None
    valid: frozenset[str] = frozenset()
    troubles: Mapping[str, str] = field(default_factory=dict)
    only_beside: Mapping[str, str] | None = None
    broken: frozenset[str] = frozenset()

    def together(self, *roles: str) -> Iterator[tuple[View, ...]]:
        """The exchanges that play these roles, once; nothing where one of them is missing."""
        if all(role in self.roles for role in roles):
            yield tuple(self.roles[role] for role in roles)

    def samples(self, role: str) -> list[View]:
        """Every exchange that plays a role: "stream" and, where it was repeated, "stream 2", "stream 3" …"""
        return [view for name, view in self.roles.items() if re.fullmatch(rf"{re.escape(role)}( \d+)?", name)]
