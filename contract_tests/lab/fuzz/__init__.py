"""Whatever is sent, written or recorded: no 500, no hang, no traceback, no growth.

Run by `python -m contract_tests.fuzz`.
"""
