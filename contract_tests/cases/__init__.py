"""What we ask a target: one file per section, each case registered under an id typed by hand."""

from __future__ import annotations

from contract_tests.cases.registry import CASES, Case, select

# Importing a section registers its cases; the order here is the order of a run and of its report.
# isort: off
from contract_tests.cases import client, chat, stream, tools, relations, models, errors

# isort: on

__all__ = ["CASES", "Case", "chat", "client", "errors", "models", "relations", "select", "stream", "tools"]
