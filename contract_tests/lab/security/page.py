"""The table of SECURITY.md: what was tried in each area, and what held."""

from __future__ import annotations

from collections.abc import Mapping

from contract_tests.lab.pages.marks import between, replaced
from contract_tests.lab.tools.checkout import ROOT
from contract_tests.lab.tools.security_areas import AREAS

PAGE = ROOT / ".github" / "SECURITY.md"


def table(tried: Mapping[str, int], held: Mapping[str, int]) -> str:
    """The table, with a row for each area."""
    rows = [f"| {area} | {promise} | {tried[area]} | {held[area]} |" for area, promise in AREAS.items()]
    return "\n".join(("| area | what must hold | tried | held |", "|---|---|--:|--:|", *rows))


def write(text: str) -> None:
    """Put the table into SECURITY.md. Raises DocumentError where the page lacks its marks."""
    PAGE.write_text(replaced(PAGE.read_text("utf-8"), text), "utf-8")


def written() -> str:
    """The table as it stands in SECURITY.md. Raises DocumentError where the page lacks its marks."""
    return between(PAGE.read_text("utf-8"))
