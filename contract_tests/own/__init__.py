"""Own rules and cases, from a module that a company writes; this is what such a module imports."""

from __future__ import annotations

from contract_tests.rules.engine.judge import MUST, NOTE, SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.subjects import CHAT, messages, only, replies
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.target.ask import Ask
from contract_tests.target.case import case, chat_case

__all__ = [
    "CHAT",
    "MUST",
    "NOTE",
    "SHOULD",
    "Ask",
    "Complaint",
    "Node",
    "Section",
    "Trace",
    "View",
    "case",
    "chat_case",
    "messages",
    "only",
    "replies",
]
