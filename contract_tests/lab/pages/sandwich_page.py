"""The rules about both sides of a proxy, in the README of their folder."""

from __future__ import annotations

from contract_tests.lab.pages.marks import replaced
from contract_tests.lab.tools.checkout import ROOT
from contract_tests.sandwich.rules.catalogue import RULES

PAGE = ROOT / "contract_tests" / "sandwich" / "README.md"


def page(text: str) -> str:
    """The page with an up-to-date table of rules."""
    rows = "".join(f"| `{rule.id}` | {rule.level} | {rule.clause} | {rule.harm} |\n" for rule in RULES.values())
    return replaced(text, f"| rule | level | what must hold | or else |\n|---|---|---|---|\n{rows}")
