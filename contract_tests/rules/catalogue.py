"""All rules in the order of the API reference, found by id or prefix, applied to exchanges and traces."""

from __future__ import annotations

from contract_tests.rules import (
    chat_stream_course,
    engine,
    errors_provoked,
    http_fields,
    http_json,
    members,
    origin,
    relations_forms,
    relations_leaving,
    relations_stop,
    relations_vectors,
    shape,
    tools_stream,
    tools_strict,
    tools_text,
    usage_size,
    usage_stream,
)
from contract_tests.rules.chat import chat
from contract_tests.rules.chat_stream import chat_stream
from contract_tests.rules.completions import completions, completions_stream
from contract_tests.rules.embeddings import embeddings
from contract_tests.rules.engine import Judgement, Rule, Section
from contract_tests.rules.errors import errors
from contract_tests.rules.formats import formats
from contract_tests.rules.http import http
from contract_tests.rules.logprobs import logprobs
from contract_tests.rules.models import models
from contract_tests.rules.relations import client, relations
from contract_tests.rules.sse import sse
from contract_tests.rules.tools import tools
from contract_tests.rules.trace import Trace
from contract_tests.rules.usage import usage
from contract_tests.rules.view import View
from fake_server.wire.exchange import Exchange

# Their rules stand on other sections' and register when they are imported.
_ADDED = (
    chat_stream_course,
    errors_provoked,
    http_fields,
    http_json,
    members,
    origin,
    relations_forms,
    relations_leaving,
    relations_stop,
    relations_vectors,
    shape,
    tools_stream,
    tools_strict,
    tools_text,
    usage_size,
    usage_stream,
)
SECTIONS: tuple[Section, ...] = (
    http,
    sse,
    chat,
    chat_stream,
    tools,
    usage,
    logprobs,
    formats,
    completions,
    completions_stream,
    embeddings,
    models,
    errors,
    relations,
    client,
)
RULES: dict[str, Rule] = {rule.id: rule for section in SECTIONS for rule in section.rules}


def find(prefix: str) -> list[Rule]:
    """The rule with this id, or every rule below the prefix ('chat.stream' holds 'chat.stream.done-last')."""
    if prefix in RULES:
        return [RULES[prefix]]
    return [rule for rule in RULES.values() if f"{rule.id}.".startswith(f"{prefix.rstrip('.')}.")]


def judge(exchange: Exchange | View) -> Judgement:
    """What the rules say of one exchange."""
    return engine.judge(RULES.values(), exchange)


def judge_trace(trace: Trace) -> Judgement:
    """What the relation rules say of the exchanges of one case."""
    return engine.judge_relation(RULES.values(), trace, trace.case_id)
