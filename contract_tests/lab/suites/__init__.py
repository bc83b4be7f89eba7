"""Other people's test suites and clients, run against the fake: `python -m contract_tests.lab.suites`."""
