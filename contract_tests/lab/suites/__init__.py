"""Other people's test suites, run against the fake: `python -m contract_tests.lab.suites`."""
