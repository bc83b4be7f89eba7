"""Mutants that are no defects: classes of forms that genuine recordings have, each with its evidence."""

from __future__ import annotations

from collections.abc import Callable

from contract_tests.mutants.mutant import Mutant

CLASSES: dict[str, Callable[[Mutant], bool]] = {}


def why_equivalent(mutant: Mutant) -> str:
    """The name of the class a mutant belongs to, '' for none."""
    return next((name for name, holds in CLASSES.items() if holds(mutant)), "")
