"""Whatever is sent, written or recorded: no 500, no hang, no traceback, no growing memory.

Run by `python -m contract_tests.lab.fuzz`.
"""
