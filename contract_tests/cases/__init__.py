"""What we ask a target: one file per section, each case registered under an id typed by hand."""

from __future__ import annotations

from contract_tests.target.ask import Case
from contract_tests.target.case import CASES, select

# Importing a section registers its cases; the order here is the order of a run and of its report.
# isort: off
from contract_tests.cases import client, http, chat, stream, tools, formats, completions, embeddings
from contract_tests.cases import moderations, relations, models, stored
from contract_tests.cases import (
    responses,
    responses_tools,
    responses_arrival,
    responses_compared,
    responses_stored,
    responses_web_socket,
    conversations,
)
from contract_tests.cases import errors

# isort: on

FILES = (
    *(client, http, chat, stream, tools, formats, completions, embeddings, moderations),
    *(relations, models, stored, responses, responses_tools, responses_arrival, responses_compared),
    *(responses_stored, responses_web_socket, conversations, errors),
)

__all__ = ["CASES", "FILES", "Case", "select"]
