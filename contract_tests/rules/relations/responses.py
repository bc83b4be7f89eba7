"""Section relations, Responses: one request in two forms, as chat, and behind an earlier one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.answers import Answer, answers
from contract_tests.rules.engine.judge import SHOULD, Complaint, musts_of
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.relations.exchanges import relations
from contract_tests.rules.relations.facts import apart, prompt_count
from contract_tests.rules.relations.forms import SAMPLES
from contract_tests.rules.relations.said import Said, said_in, said_of
from contract_tests.rules.responses.events import responses_stream
from contract_tests.rules.responses.reply import COUNTS, DETAILS, MEMBERS, responses
from contract_tests.rules.shared.causes import FINISH_SPOILED, TEXT_SPOILED
from contract_tests.rules.usage.counts import usage
from fake_server.relay.redact import excerpt

about_responses = relations.citing(see.RESPONSES)
SPOILED = (*musts_of(responses), *musts_of(responses_stream), "responses.members", "http.complete", "sse.utf8")
"""What is read of a Response is not what the server made of it."""
_ENDS = {"completed": "stop", "incomplete max_output_tokens": "length", "incomplete content_filter": "content_filter"}
"""How a Response ended, and the finish_reason that says the same."""


T = TypeVar("T")


def _comparable(trace: Trace, left: list[T], right: list[Said]) -> Iterator[tuple[list[T], list[Said], bool]]:
    """Answers to two forms of one request, and whether equal requests have equal answers.

    Where they have not, there are enough of them to compare what does not depend on their wording.
    """
    if left and right and (trace.deterministic or min(len(left), len(right)) >= SAMPLES):
        yield left, right, bool(trace.deterministic)


def _of_both(trace: Trace, first: str, second: str) -> Iterator[tuple[list[Said], list[Said], bool]]:
    """Responses to two forms of one request."""
    return _comparable(trace, said_of(trace.samples(first)), said_of(trace.samples(second)))


def _other_text(other: Said, first: Said | Answer) -> Complaint:
    return other.root["output"], f"{excerpt(other.text, 80)!r}", repr(excerpt(first.text, 80))


def _other_calls(other: Said, first: Said | Answer) -> Complaint:
    return other.root["output"], excerpt(f"calls {list(other.calls)}", 160), excerpt(f"{list(first.calls)}", 160)


def _other_input(first: list[Said], other: list[Said]) -> Iterator[Complaint]:
    """That two forms of a request count other input tokens, where both count them."""
    counts = [[said.input_tokens for said in side if said.input_tokens is not None] for side in (first, other)]
    if all(counts) and apart(*counts):
        yield other[0].root["usage"]["input_tokens"], f"{counts[1][0]} input tokens", str(counts[0][0])


def _dicts_and_streams(trace: Trace) -> Iterator[tuple[list[Said], list[Said], bool]]:
    """The dicts and the streams of one request for a Response."""
    return _of_both(trace, "response", "streamed response")


@about_responses.rule(
    "response-same-output",
    over=_dicts_and_streams,
    yields_to=SPOILED,
    harm="what users read, and what agents do, depends on whether it is streamed",
)
def same_output(wholes: list[Said], streamed: list[Said], equal: bool) -> Iterable[Complaint]:
    """A streamed Response has items of the same types as the dict, and the same if equal requests get equal answers."""
    first, other = wholes[0], streamed[0]
    if apart((said.types for said in wholes), (said.types for said in streamed)):
        yield other.root["output"], f"items {', '.join(other.types) or 'none'}", ", ".join(first.types) or "none"
    elif equal and apart((said.text for said in wholes), (said.text for said in streamed)):
        yield _other_text(other, first)
    elif equal and apart((said.calls for said in wholes), (said.calls for said in streamed)):
        yield _other_calls(other, first)


@about_responses.rule(
    "response-same-end",
    over=_dicts_and_streams,
    yields_to=SPOILED,
    harm="an agent that streams stops where one that does not goes on, or the other way round",
)
def same_end(wholes: list[Said], streamed: list[Said], equal: bool) -> Iterable[Complaint]:
    """A streamed Response ends with the same status, and for the same reason, as the dict."""
    if apart((said.end for said in wholes), (said.end for said in streamed)):
        yield streamed[0].root["status"], streamed[0].end or "no status", wholes[0].end


@about_responses.rule(
    "response-same-usage",
    over=_dicts_and_streams,
    yields_to=SPOILED,
    harm="what the same answer costs depends on whether it is streamed",
)
def same_usage(wholes: list[Said], streamed: list[Said], equal: bool) -> Iterable[Complaint]:
    """A streamed Response counts as many input tokens as the dict."""
    return _other_input(wholes, streamed)


@about_responses.rule(
    "response-same-members",
    over=_dicts_and_streams,
    level=SHOULD,
    yields_to=SPOILED,
    harm="code that reads a member of the dict finds None when it streams",
)
def same_members(wholes: list[Said], streamed: list[Said], equal: bool) -> Iterable[Complaint]:
    """A streamed Response has the members of the dict at its end, and its usage has those of the dict's."""
    parts = [([said.root for said in side], [said.root["usage"] for said in side]) for side in (wholes, streamed)]
    for known, left, right in zip((MEMBERS, (*COUNTS, *DETAILS)), *parts, strict=True):
        for name in known:
            if all(node[name].there for node in left) and not any(node[name].there for node in right):
                yield right[0], f"no {name}", f"{name}, as in the dict"


def _strings_and_messages(trace: Trace) -> Iterator[tuple[list[Said], list[Said], bool]]:
    """The Responses to a text as a string and as one message."""
    return _of_both(trace, "string", "message")


@about_responses.rule(
    "string-as-message",
    over=_strings_and_messages,
    level=SHOULD,
    yields_to=SPOILED,
    see=see.RESPONSE_CREATE,
    harm="the SDK's shortest call and the one with a list of messages get different answers, at different costs",
)
def string_as_message(strings: list[Said], in_messages: list[Said], equal: bool) -> Iterable[Complaint]:
    """A string as `input` counts the tokens, and has the answer, of one user message with that text."""
    complaints = list(_other_input(strings, in_messages))
    if not complaints and equal and apart((said.text for said in strings), (said.text for said in in_messages)):
        complaints = [_other_text(in_messages[0], strings[0])]
    return complaints


def _chats_and_responses(trace: Trace) -> Iterator[tuple[list[Answer], list[Said], bool]]:
    """The first choices of chat, and the Responses to the same messages."""
    chats = [answer for view in trace.samples("chat") for answer in list(answers(view))[:1]]
    return _comparable(trace, chats, said_of(trace.samples("as response")))


@about_responses.rule(
    "as-chat",
    over=_chats_and_responses,
    level=SHOULD,
    yields_to=(*SPOILED, *TEXT_SPOILED, *FINISH_SPOILED),
    harm="an application that moves from one API to the other on the same server gets other answers",
)
def as_chat(chats: list[Answer], given: list[Said], equal: bool) -> Iterable[Complaint]:
    """A Response has the text, the calls and the end that chat has for the same messages."""
    chat, other = chats[0], given[0]
    ends = ["tool_calls" if said.calls else _ENDS.get(said.end, said.end) for said in given]
    if apart(("tool_calls" if answer.calls else answer.finish for answer in chats), ends):
        yield other.root["status"], f"{other.end}, {len(other.calls)} calls", f"what finish_reason {chat.finish!r} says"
    elif equal and apart((answer.calls for answer in chats), (said.calls for said in given)):
        yield _other_calls(other, chat)
    elif equal and apart((answer.text for answer in chats), (said.text for said in given)):
        yield _other_text(other, chat)


def _counts_of_both(trace: Trace) -> Iterator[tuple[Node, list[int], list[int]]]:
    """The input tokens of Responses, beside the prompt tokens of chat for the same messages, without tools."""
    prompts = [count for count in map(prompt_count, trace.samples("chat")) if count]
    given = [said for said in said_of(trace.samples("as response")) if said.input_tokens]
    if prompts and given and not any(view.request["tools"] for view in trace.samples("chat")):
        yield given[0].root["usage"]["input_tokens"], prompts, [said.input_tokens or 0 for said in given]


@about_responses.rule(
    "as-chat-counted",
    over=_counts_of_both,
    level=SHOULD,
    yields_to=(*SPOILED, *musts_of(usage)),
    harm="the same messages cost more, or fewer, tokens in one of the two APIs",
)
def as_chat_counted(node: Node, prompts: list[int], counts: list[int]) -> Iterable[Complaint]:
    """A Response counts as many input tokens as chat counts prompt tokens for the same messages."""
    if apart(prompts, counts):
        yield node, f"{node} input tokens", f"{prompts[0]}, the prompt tokens of chat"


def _counted_beforehand(trace: Trace) -> Iterator[tuple[Node, int]]:
    """A count of input tokens, beside what the Response to the same request counted."""
    for counted, made in trace.together("counted", "response"):
        said = said_in(made)
        if counted.is_dict and counted.root["input_tokens"].kind == "integer" and said and said.input_tokens:
            yield counted.root["input_tokens"], said.input_tokens


@about_responses.rule(
    "counted-beforehand",
    over=_counted_beforehand,
    level=SHOULD,
    yields_to=SPOILED,
    see=see.RESPONSE_INPUT_TOKENS,
    harm="callers that count before they ask cut too much of their input, or run into the limit",
)
def counted_beforehand(node: Node, used: int) -> Iterable[Complaint]:
    """`/responses/input_tokens` counts as many tokens as `usage.input_tokens` of the Response to the same request."""
    if node.value != used:
        yield node, str(node), f"{used}, as in usage"


def _input_tokens(trace: Trace, of: str, beside: str) -> Iterator[tuple[Node, int]]:
    """The input tokens of one turn, beside those of another."""
    for views in trace.together(of, beside):
        turn, other = map(said_in, views)
        if turn and other and turn.input_tokens is not None and other.input_tokens:
            yield turn.root["usage"]["input_tokens"], other.input_tokens


def _continued(trace: Trace) -> Iterator[tuple[Node, int]]:
    """A turn behind an earlier one, beside the same input alone."""
    return _input_tokens(trace, "next turn", "by itself")


@about_responses.rule(
    "earlier-turn-counted",
    over=_continued,
    level=SHOULD,
    yields_to=(*SPOILED, "responses.previous"),
    see=see.CONVERSATION_STATE,
    harm="the model answers without the turns before: the conversation is forgotten, and nobody is told",
)
def earlier_turn_counted(node: Node, alone: int) -> Iterable[Complaint]:
    """A Response that goes on from another, or in a conversation, counts the turns before as input."""
    if (node.number or 0) <= alone:
        yield node, f"{node} input tokens, {alone} for the input alone", "more, for what came before"


def _instructed_before(trace: Trace) -> Iterator[tuple[Node, int]]:
    """A turn without instructions, beside the turn before, which had long ones."""
    return _input_tokens(trace, "turn without", "instructed turn")


@about_responses.rule(
    "instructions-once",
    over=_instructed_before,
    level=SHOULD,
    yields_to=(*SPOILED, "responses.previous"),
    see=see.CONVERSATION_STATE,
    harm="a model that was given other instructions follows the old ones as well",
)
def instructions_once(node: Node, instructed: int) -> Iterable[Complaint]:
    """`instructions` do not carry over to the Response that goes on from theirs."""
    if (node.number or 0) >= instructed:
        yield node, f"{node} input tokens, {instructed} with the instructions", "fewer, without them"
