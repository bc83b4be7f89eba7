"""Sections completions and completions.stream: the text completion object, as a dict and as chunks."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import chain, islice, pairwise

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.answers import Answer, answers
from contract_tests.rules.engine.judge import NOTE, SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.stream import StreamedChoice, cumulative_text
from contract_tests.rules.engine.subjects import TEXT
from contract_tests.rules.engine.view import View
from contract_tests.rules.shared.limits import LimitedReplies, limits, stop_sequences
from contract_tests.rules.shared.reply import (
    NOTHING_SAID,
    choice_list,
    choices_with_reason,
    dict_reply,
    envelope,
)
from contract_tests.rules.shared.stream import stream
from contract_tests.rules.shared.streamed_choices import complain_unless_in_pieces, is_long, streamed_choices
from fake_server.relay.redact import excerpt
from fake_server.wire.exchange import Aspect
from fake_server.wire.text import format_count

completions = Section("completions", "The text completion object", see.COMPLETION_OBJECT)
completions_stream = Section("completions.stream", "The text completion objects of a stream", see.COMPLETION_OBJECT)

FINISH_REASONS = frozenset({"stop", "length", "content_filter"})
OBJECT, OBJECT_OF_CHAT_MODELS = "text_completion", "completion"
"""The second is what api.openai.com says where gpt-4o-mini completes a text (2025)."""

dict_reply.add_to(completions, TEXT)
envelope(completions, TEXT.dicts, OBJECT, OBJECT_OF_CHAT_MODELS, TEXT.dicts_and_strays)
choice_list.add_to(completions, TEXT, see.COMPLETION_CREATE)
limits.add_to(completions, LimitedReplies(TEXT, streamed=False), see.COMPLETION_CREATE)
stream.add_to(completions_stream, TEXT, see.COMPLETION_CREATE)
envelope(completions_stream, TEXT.chunks, OBJECT, OBJECT_OF_CHAT_MODELS, TEXT.chunks_and_strays)
streamed_choices.add_to(completions_stream, TEXT)
limits.add_to(completions_stream, LimitedReplies(TEXT, streamed=True), see.COMPLETION_CREATE)


def _first_objects(view: View) -> Iterable[Node]:
    """The text completion, or the first chunk of it."""
    return islice(chain(TEXT.dicts(view), TEXT.chunks(view)), 1)


@completions.rule("id-prefix", over=_first_objects, level=NOTE, harm="logs that are searched by prefix mix answers up")
def id_prefix(root: Node) -> Iterable[Complaint]:
    """`id` of a text completion does not begin like that of a chat completion."""
    if root["id"].text.startswith("chatcmpl-"):
        yield root["id"], str(root["id"]), '"cmpl-…"'


def _text_complaints(choice: Node) -> Iterable[Complaint]:
    if choice["text"].kind != "string":
        chat = next((name for name in ("message", "delta") if choice[name].there), "")
        seen = f"{chat}, as in a chat completion" if chat else str(choice["text"])
        yield choice["text"], seen, "a string"


@completions.rule("text", over=TEXT.choices, harm="`reply.choices[0].text` is None")
def text(choice: Node) -> Iterable[Complaint]:
    """Each choice has its answer in the string `text`."""
    return _text_complaints(choice)


@completions_stream.rule("text", over=TEXT.chunk_choices, harm="`chunk.choices[0].text` is None")
def chunk_text(choice: Node) -> Iterable[Complaint]:
    """Each choice of a chunk has its new text in the string `text`."""
    return _text_complaints(choice)


@completions.rule(
    "finish-reason",
    over=partial(choices_with_reason, TEXT),
    harm="clients cannot tell a whole answer from a cut one",
)
def finish_reason(choice: Node) -> Iterable[Complaint]:
    """`finish_reason` is stop, length or content_filter."""
    if choice["finish_reason"].text not in FINISH_REASONS:
        yield choice["finish_reason"], str(choice["finish_reason"]), ", ".join(sorted(FINISH_REASONS))


def _may_be_empty(view: View) -> bool:
    """Whether the text ends where the caller says: at a stop sequence, or where a suffix goes on."""
    return bool(stop_sequences(view) or view.request["suffix"].text)


def _ended_texts(view: View) -> Iterable[tuple[Node, Node]]:
    """The only choice of a dict that ended by itself, beside the tokens that it cost."""
    for root in () if _may_be_empty(view) else TEXT.dicts(view):
        for choice in root["choices"] if len(list(root["choices"])) == 1 else ():
            if choice["finish_reason"].text == "stop" and choice["text"].kind == "string":
                yield choice["text"], root["usage"]["completion_tokens"]


@completions.rule("not-blank", over=_ended_texts, level=SHOULD, needs=[Aspect.REQUEST], harm=NOTHING_SAID)
def not_blank(text: Node, tokens: Node) -> Iterable[Complaint]:
    """A text that ended by itself says something, or cost tokens."""
    # api.openai.com leaves the count out where nothing was generated: it does not say 0.
    if tokens.number == 0 and not text.text:
        yield text, f'{text}, 0 completion tokens, and finish_reason "stop"'


def _ended_streams(view: View) -> Iterable[tuple[StreamedChoice, Node]]:
    """The only choice of a stream that ended by itself, beside the tokens that it cost."""
    streamed = [] if _may_be_empty(view) else list(TEXT.whole_streamed_choices(view))
    counts = [chunk["usage"]["completion_tokens"] for chunk in TEXT.chunks(view) if chunk.says("usage")]
    if len(streamed) == 1 and streamed[0].finish_reason == "stop" and counts:
        yield streamed[0], counts[-1]


@completions_stream.rule("not-blank", over=_ended_streams, level=SHOULD, needs=[Aspect.REQUEST], harm=NOTHING_SAID)
def stream_not_blank(choice: StreamedChoice, tokens: Node) -> Iterable[Complaint]:
    """A streamed text that ended by itself says something, or cost tokens."""
    if tokens.number == 0 and not choice.text:
        yield choice.entries[-1], '0 completion tokens, no text, and finish_reason "stop"'


@completions_stream.rule("not-cumulative", over=TEXT.whole_streamed_choices, harm="the text appears again and again")
def not_cumulative(choice: StreamedChoice) -> Iterable[Complaint]:
    """The `text` of a chunk is what is new, not the text so far."""
    second = cumulative_text(choice.entries, "text")
    if second is not None:
        yield second, f"{second} begins with the text before it, as do all that follow"


def _long_texts(view: View) -> Iterable[StreamedChoice]:
    """The long texts of a stream; a prompt that is repeated may come in one piece."""
    return () if view.request["echo"].value is True else filter(is_long, TEXT.whole_streamed_choices(view))


@completions_stream.rule(
    "in-pieces",
    over=_long_texts,
    level=SHOULD,
    see=see.STREAMING_GUIDE,
    harm="users look at an empty page until the whole text is there: it streams in name only",
)
def in_pieces(choice: StreamedChoice) -> Iterable[Complaint]:
    """A long text comes in more than one chunk, not nearly all of it in one."""
    return complain_unless_in_pieces(choice)


@completions_stream.rule(
    "finish-reason",
    over=TEXT.chunk_choices,
    yields_to=(".finishes",),
    harm="code that indexes `finish_reason` raises KeyError",
)
def chunk_finish_reason(choice: Node) -> Iterable[Complaint]:
    """Every choice of a chunk has `finish_reason`: null, or at its end stop, length or content_filter."""
    node = choice["finish_reason"]
    if not node.there or (node and node.text not in FINISH_REASONS):
        harm = "clients cannot tell a whole answer from a cut one" if node.there else ""
        yield node, str(node), f"null, {', '.join(sorted(FINISH_REASONS))}", harm


_LISTS = ("tokens", "token_logprobs", "top_logprobs", "text_offset")


def _choices_and_first_parts(view: View) -> Iterable[Node]:
    """The choices of a dict, and the first part of each that is streamed without the member."""
    yield from TEXT.choices(view)
    for choice in TEXT.streamed_choices(view):
        if not any(entry["logprobs"].there for entry in choice.entries[1:]):  # else it is steady-logprobs' to say
            yield choice.entries[0]


@completions.rule(
    "logprobs-member",
    over=_choices_and_first_parts,
    level=SHOULD,
    harm="decoders generated from the reference, which requires the member, refuse the reply",
)
def logprobs_member(choice: Node) -> Iterable[Complaint]:
    """Each choice has the member `logprobs`, null unless the request asks for them."""
    if not choice["logprobs"].there:
        yield choice["logprobs"], "missing", "null"


def _logprob_objects(view: View) -> Iterable[Node]:
    for choice in (*TEXT.choices(view), *TEXT.chunk_choices(view)):
        if choice["logprobs"]:
            yield choice["logprobs"]


@completions.rule("logprobs", over=_logprob_objects, harm="clients that zip the lists lose tokens or raise")
def logprobs(node: Node) -> Iterable[Complaint]:
    """`logprobs`, unless it is null, holds lists of one length: tokens, token_logprobs and text_offset."""
    if node.kind != "object" or node["content"].there:
        yield node, str(node), f"an object of the lists {', '.join(_LISTS)}"
        return
    lengths = {name: len(node[name].value) for name in _LISTS if node[name].kind == "array"}
    for name in _LISTS:
        if name not in lengths and (name != "top_logprobs" or node[name]):  # null where 0 were asked for
            yield node[name], str(node[name]), "an array"
    for name, length in lengths.items():
        if length != lengths.get("tokens", length):
            yield node[name], format_count(length, "entry", "entries"), f"{lengths['tokens']}, one for each token"


def _answers_with_logprobs(view: View) -> Iterable[Answer]:
    wanted = view.request["logprobs"].value
    if view.endpoint == "completions" and isinstance(wanted, int) and not isinstance(wanted, bool):
        yield from (answer for answer in answers(view) if answer.text)


@completions.rule(
    "logprobs-given",
    over=_answers_with_logprobs,
    see=see.COMPLETION_CREATE,
    harm="`choice.logprobs.tokens` raises on None: evaluation harnesses stop",
)
def logprobs_given(answer: Answer) -> Iterable[Complaint]:
    """An answer that is requested with `logprobs: N` has log probabilities."""
    if not answer.logprobs:
        yield answer.where, "text without log probabilities", "an object with tokens and token_logprobs"


def _answers_of_readable_tokens(view: View) -> Iterable[tuple[Answer, list[Node], list[Node], str]]:
    """Answers whose tokens are all text, the tokens, their offsets, and the prompt.

    `bytes:` begins a token that is part of a character.
    """
    for answer in answers(view) if view.endpoint == "completions" else ():
        tokens, offsets = (
            [entry for node in answer.logprobs for entry in node[name]] for name in ("tokens", "text_offset")
        )
        if tokens and not any(token.text.startswith("bytes:") or "\ufffd" in token.text for token in tokens):
            yield answer, tokens, offsets, view.request["prompt"].text


@completions.rule(
    "logprobs-tell-the-text",
    over=_answers_of_readable_tokens,
    level=SHOULD,
    see=see.COMPLETION_OBJECT,
    harm="evaluation harnesses score other words than those of the answer",
)
def logprobs_tell_the_text(answer: Answer, tokens: list[Node], offsets: list[Node], prompt: str) -> Iterable[Complaint]:
    """The tokens, joined, begin with the text, and each `text_offset` is where its token begins."""
    joined = "".join(token.text for token in tokens)
    if not joined.startswith(answer.text):  # a stop sequence, or the end of the text, may come last
        yield tokens[0], f"the tokens say {excerpt(joined, 50)!r}", repr(excerpt(answer.text, 50))
    if len(offsets) != len(tokens) or any(offset.kind != "integer" for offset in offsets):
        return
    first = offsets[0].value
    if first < 0 or (prompt.isascii() and first not in (0, len(prompt)) and prompt):
        yield offsets[0], f"{first} for the first token", f"0, or {len(prompt)} after the prompt"
    for token, (here, after) in zip(tokens, pairwise(offsets), strict=False):
        wanted = here.value + len(token.text)
        # Beyond ASCII some count UTF-16 units.
        if after.value < here.value or (token.text.isascii() and after.value != wanted):
            yield after, f"{after} after {here} and {token.text!r}", f"{wanted}"
            return


def _choices_with_prompts(view: View) -> Iterable[tuple[Node, str]]:
    """Each choice with the prompt it goes on with: those of the first prompt come first."""
    given = view.request["prompt"]
    prompts = [given.text] if given.text else [prompt.text for prompt in given]
    if view.request["echo"].value is True and prompts and all(prompts):
        each = max(1, view.wanted_choices // len(prompts))
        for place, choice in enumerate(TEXT.choices(view)):
            index = choice["index"].number
            at = int(place if index is None else index) // each
            if 0 <= at < len(prompts):
                yield choice, prompts[at]


@completions.rule(
    "echo",
    over=_choices_with_prompts,
    yields_to=(".text",),
    see=see.COMPLETION_CREATE,
    harm="evaluation harnesses that cut the prompt off cut off part of the answer instead",
)
def echo(choice: Node, prompt: str) -> Iterable[Complaint]:
    """With `echo: true` the text begins with the prompt."""
    if not choice["text"].text.startswith(prompt):
        yield choice["text"], f"the text begins {excerpt(choice['text'].text, 40)!r}", repr(excerpt(prompt, 40))
