"""`python -m contract_tests` is the `contract` command."""

from contract_tests.cli import main

main()
