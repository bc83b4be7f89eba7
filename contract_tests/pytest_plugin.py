"""Lets `pytest --pyargs openai_contract_kit.contract_tests --target URL` know the options of the suite.

They stand in its conftest.py, which pytest reads before the command line only where an argument is a path.
Loaded in every run of pytest, so nothing else happens here.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from contract_tests.requirements import missing

SUITE = "openai_contract_kit.contract_tests"


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Load the suite's conftest under the name that pytest gives it when it comes to it."""
    options = early_config.known_args_namespace
    if not options.pyargs or not any(name.startswith(SUITE) for name in options.file_or_dir):
        return
    if line := missing():
        raise pytest.UsageError(line)
    conftest = import_module(f"{__package__}.conftest")
    early_config.pluginmanager.register(conftest, str(Path(__file__).with_name("conftest.py")))
