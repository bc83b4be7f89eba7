"""How providers of the API differ from its contract: their recordings judged, counted by section.

`python -m contract_tests.compatibility FOLDER` prints the table, with `--write` into COMPATIBILITY.md.
"""
