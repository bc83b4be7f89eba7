"""`python -m contract_tests.lab.security`: run the samples of SECURITY.md and compare its table; `--write` writes it.

`--collect-only` runs nothing and compares how many there are.
"""

from __future__ import annotations

import sys

import pytest

from contract_tests.lab.security import counting, page


def main() -> int:
    """0 where every sample held and the table is up to date (or written); else 1."""
    samples = counting.Samples()
    counting_only = "--collect-only" in sys.argv[1:]
    how = ["-qq", "--collect-only"] if counting_only else ["-q", "-n", "auto", "--dist", "worksteal"]
    code = pytest.main([*how, "-m", "security"], plugins=[samples])
    table = page.table(*([samples.collected] * 2 if counting_only else (samples.tried, samples.held)))
    print(table)
    if code != pytest.ExitCode.OK:
        return 1
    if "--write" in sys.argv[1:]:
        page.write(table)
    elif page.written() != table:
        print("SECURITY.md: out of date, run make security SECURITY=--write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
