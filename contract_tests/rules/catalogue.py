"""All rules in the order of the API reference, found by id or prefix, applied to exchanges and traces."""

from __future__ import annotations

from contract_tests.rules import relations_stop, shape, tools_text
from contract_tests.rules.chat import course, members, origin
from contract_tests.rules.chat.chunks import chat_stream
from contract_tests.rules.chat.reply import chat
from contract_tests.rules.completions import completions, completions_stream
from contract_tests.rules.embeddings import embeddings
from contract_tests.rules.engine import judge as engine
from contract_tests.rules.engine.judge import Judgement, Rule, Section
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.rules.errors import provoked
from contract_tests.rules.errors.refusals import errors
from contract_tests.rules.formats import formats
from contract_tests.rules.http import fields, json_text
from contract_tests.rules.http.message import http
from contract_tests.rules.logprobs import logprobs
from contract_tests.rules.models import models
from contract_tests.rules.relations import forms, leaving, vectors
from contract_tests.rules.relations.exchanges import client, relations
from contract_tests.rules.sse import sse
from contract_tests.rules.tools import chunks as tools_chunks
from contract_tests.rules.tools import strict
from contract_tests.rules.tools.calls import tools
from contract_tests.rules.usage import chunks as usage_chunks
from contract_tests.rules.usage import size
from contract_tests.rules.usage.counts import usage
from fake_server.wire.exchange import Exchange

# Their rules stand on other sections' and register when they are imported.
_ADDED = (
    course,
    provoked,
    fields,
    json_text,
    members,
    origin,
    forms,
    leaving,
    relations_stop,
    vectors,
    shape,
    tools_chunks,
    strict,
    tools_text,
    size,
    usage_chunks,
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
