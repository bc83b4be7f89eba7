"""A trace: the exchanges of one case with the parts they play, for rules about several exchanges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from contract_tests.rules.engine.view import View


@dataclass(frozen=True)
class Trace:
    """`roles` maps a part ("dict", "again", "stream", "caller 1" …) to the exchange that plays it.

    `expected` maps a part to the text its reply must carry (an echo), where the case asked for one.
    `deterministic` is True where two equal dict requests had equal answers, None where it was not tried.
    `valid` holds the parts whose request must be answered. `troubles` maps "main dict" and "main stream" to
    why main() had no answer, '' where it had one.
    """

    case_id: str
    roles: Mapping[str, View]
    expected: Mapping[str, str] = field(default_factory=dict)
    deterministic: bool | None = None
    valid: frozenset[str] = frozenset()
    troubles: Mapping[str, str] = field(default_factory=dict)
