"""What the suite needs beside the fake: the extra `contract`."""

from __future__ import annotations

from importlib.util import find_spec

MODULES = ("jsonschema", "junitparser", "openai", "rich")
"""The modules that the extra brings and the fake does without."""


def missing() -> str:
    """One line about a requirement that is not installed and how to install it, '' where all are."""
    absent = [name for name in MODULES if find_spec(name) is None]
    return f"{absent[0]} is not installed: pip install 'openai-contract-kit[contract]'" if absent else ""
