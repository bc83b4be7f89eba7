"""`python -m contract_tests.lab.pages [--write]`: compare or write the pages made from code."""

from __future__ import annotations

import sys
from pathlib import Path

from contract_tests.lab.pages import bugs_page as bugs
from contract_tests.lab.pages import faults_page as faults
from contract_tests.lab.pages import sandwich_page, scripts_page, testing_page

IN_PART = (scripts_page, testing_page, sandwich_page)
"""The pages of which only a part is made from code."""


def pages() -> dict[Path, str]:
    """The text that each page should have."""
    return {
        faults.PAGE: faults.page(),
        **{module.PAGE: module.page(module.PAGE.read_text("utf-8")) for module in IN_PART},
        bugs.PAGE: bugs.page(),
        bugs.README: bugs.with_worst(bugs.README.read_text("utf-8")),
    }


def main() -> int:
    """Name the pages that are out of date and return 1; with `--write`, write them instead."""
    write = "--write" in sys.argv[1:]
    stale = {path: text for path, text in pages().items() if path.read_text("utf-8") != text}
    for path, text in stale.items():
        if write:
            path.write_text(text, "utf-8")
        print(f"{path.name}: {'written' if write else 'out of date, run make pages'}")
    return int(bool(stale) and not write)


if __name__ == "__main__":
    sys.exit(main())
