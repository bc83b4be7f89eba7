"""What `make test` leaves out is run by CI all the same."""

from __future__ import annotations

import re

from contract_tests.lab.tools.checkout import ROOT


def test_ci_runs_the_tests_and_the_slow_proofs() -> None:
    makefile = (ROOT / "Makefile").read_text()
    selected = dict(re.findall(r"^(\w+):.*\n\t.*-m pytest .*-m (\S.*)$", makefile, re.MULTILINE))
    assert selected == {"test": '"not slow"', "proofs": "slow"}
    steps = re.search(r"^steps=\((.*)\)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert steps
    assert {"check", "test", "proofs"} <= set(steps[1].split())
