"""How providers of the API differ from its contract: their recordings, judged and counted by section.

`python -m contract_tests.lab.compatibility FOLDER` prints the table, with `--write` into COMPATIBILITY.md.
"""
