"""All rules in the order of the API reference, found by id or prefix, applied to exchanges and traces."""

from __future__ import annotations

# A file registers its rules when it is imported: the order here is their order within a section.
# isort: off
from contract_tests.rules.http import message, fields, json_text
from contract_tests.rules import sse
from contract_tests.rules.chat import reply, chunks, course, members, origin
from contract_tests.rules.tools import calls, members as call_members, chunks as tool_chunks, model_mistakes
from contract_tests.rules.usage import counts, size, chunks as usage_chunks
from contract_tests.rules import logprobs
from contract_tests.rules.formats import structured, said
from contract_tests.rules import completions, embeddings, moderations, models, stored
from contract_tests.rules.responses import reply as response, items, asked, built_in, stored as stored_responses
from contract_tests.rules.responses import events, course as response_course, closing, steps as response_steps
from contract_tests.rules.responses import schemas, tools as response_tools, prompt
from contract_tests.rules import conversations
from contract_tests.rules.errors import refusals, streams, provoked, wrong_values
from contract_tests.rules.responses import refused as refused_responses, web_socket as response_frames
from contract_tests.rules.relations import exchanges, forms, arrival, endings, vectors, moderated, main_program
from contract_tests.rules.relations import stored as stored_relations, responses as response_relations, response_state
from contract_tests.rules.relations import conversation_pages, web_socket
from contract_tests.rules import shape
from contract_tests.rules.responses import shapes as response_shapes

# isort: on
from itertools import chain

from contract_tests.rules.engine import judge as engine
from contract_tests.rules.engine.judge import Judgement, Rule, Section
from contract_tests.rules.engine.limits import IsLate
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from fake_server.relay.redact import excerpts_without, known_values
from fake_server.wire.exchange import Exchange

SECTIONS: tuple[Section, ...] = (
    message.http,
    sse.sse,
    reply.chat,
    chunks.chat_stream,
    calls.tools,
    counts.usage,
    logprobs.logprobs,
    structured.formats,
    completions.completions,
    completions.completions_stream,
    embeddings.embeddings,
    moderations.moderations,
    models.models,
    stored.stored,
    response.responses,
    events.responses_stream,
    conversations.conversations,
    refusals.errors,
    exchanges.relations,
    main_program.client,
)
FILES_WITHOUT_A_SECTION = (
    *(fields, json_text, course, members, origin, call_members, tool_chunks, model_mistakes, size, usage_chunks, said),
    *(streams, provoked, wrong_values, forms, arrival, endings, vectors, moderated, stored_relations, shape),
    *(items, asked, built_in, stored_responses, response_course, closing, response_shapes, schemas, response_tools),
    *(refused_responses, response_frames, response_steps, prompt),
    *(response_relations, response_state, conversation_pages, web_socket),
)
"""Files that add to the section of another file."""

RULES: dict[str, Rule] = {rule.id: rule for section in SECTIONS for rule in section.rules}
"""Every rule by its id."""


def find(prefix: str) -> list[Rule]:
    """The rule with this id, or every rule below the prefix ('chat.stream' holds 'chat.stream.done-last')."""
    if prefix in RULES:
        return [RULES[prefix]]
    return [rule for rule in RULES.values() if f"{rule.id}.".startswith(f"{prefix.rstrip('.')}.")]


def judge(exchange: Exchange | View, is_late: IsLate | None = None) -> Judgement:
    """What the rules say of one exchange. Rules that were not asked before `is_late` holds are `left_out`."""
    source = exchange.exchange if isinstance(exchange, View) else exchange
    with excerpts_without(lambda: known_values(source)):
        return engine.judge(RULES.values(), exchange, is_late)


def judge_trace(trace: Trace, is_late: IsLate | None = None) -> Judgement:
    """What the relation rules say of the exchanges of one case."""
    with excerpts_without(lambda: chain.from_iterable(known_values(view.exchange) for view in trace.roles.values())):
        return engine.judge_relation(RULES.values(), trace, trace.case_id, is_late)
