"""Section relations, one request in two forms: dict and stream, text and parts; and ids that differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.answers import Answer, answer_texts, answers, first_object, says, whole_text
from contract_tests.rules.engine.judge import SHOULD, Complaint, musts_of
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.rules.logprobs import logprobs
from contract_tests.rules.relations.exchanges import first_difference, relations
from contract_tests.rules.relations.facts import apart, model_of, prompt_count, tokens_of, usage_of
from contract_tests.rules.responses.subjects import CREATED, responses_given
from contract_tests.rules.shared.causes import FINISH_SPOILED, TEXT_SPOILED
from contract_tests.rules.tools.calls import tools
from contract_tests.rules.usage.counts import usage
from fake_server.relay.redact import excerpt
from fake_server.wire.text import format_count

CALLS_SPOILED = (*TEXT_SPOILED, *musts_of(tools))
"""What is read of the text, or of tool calls, is not what the server wrote."""
SAMPLES = 8
"""Answers on each side before a difference counts. A target that words half of its answers in another way, the
worst there is, would have to do so eight times on one side and never on the other: once in 30,000 comparisons."""

Pair = tuple[list[Answer], list[Answer], View]
"""One choice as each dict and as each stream has it, and where to point."""


def _dicts_and_streams(trace: Trace) -> Iterator[tuple[list[View], list[View]]]:
    """The dicts and the streams of one request, enough of them to compare what does not depend on their wording."""
    dicts = trace.samples("dict")
    streams = [view for view in trace.samples("stream") if view.is_stream]
    if dicts and streams and (trace.deterministic or min(len(dicts), len(streams)) >= SAMPLES):
        yield dicts, streams


def _choices_of_both(trace: Trace) -> Iterator[Pair]:
    for dicts, streams in _dicts_and_streams(trace):
        wholes, parts = (zip(*map(answers, views), strict=False) for views in (dicts, streams))
        for whole, streamed in zip(wholes, parts, strict=False):
            yield list(whole), list(streamed), streams[0]


def _pairs(trace: Trace) -> Iterator[Pair]:
    """As above, where equal requests have equal answers: their wording can be compared."""
    return _choices_of_both(trace) if trace.deterministic else iter(())


@relations.rule(
    "same-text", over=_pairs, yields_to=TEXT_SPOILED, harm="what users read depends on whether it is streamed"
)
def same_text(wholes: list[Answer], streamed: list[Answer], stream: View) -> Iterable[Complaint]:
    """If equal requests get equal answers, a stream has the same text as the dict."""
    if apart((whole.text for whole in wholes), (answer.text for answer in streamed)):
        whole, text = wholes[0].text, streamed[0].text
        at = first_difference(whole, text)
        start = max(0, at - 10)
        expected = f"{whole[start : at + 30]!r} ({len(whole)} characters, not {len(text)})"
        yield stream, f"another text from character {at} on: {text[start : at + 30]!r}", expected


@relations.rule(
    "same-calls",
    over=lambda trace: ((*pair, bool(trace.deterministic)) for pair in _choices_of_both(trace)),
    yields_to=CALLS_SPOILED,
    harm="agents act differently when they stream",
)
def same_calls(wholes: list[Answer], streamed: list[Answer], stream: View, equal: bool) -> Iterable[Complaint]:
    """A stream makes as many tool calls as the dict and, if equal requests get equal answers, the same ones."""
    if equal and apart((whole.calls for whole in wholes), (answer.calls for answer in streamed)):
        yield stream, excerpt(f"calls {list(streamed[0].calls)}", 160), excerpt(f"{list(wholes[0].calls)}", 160)
    elif apart((len(whole.calls) for whole in wholes), (len(answer.calls) for answer in streamed)):
        yield stream, format_count(len(streamed[0].calls), "call"), str(len(wholes[0].calls))


@relations.rule(
    "same-finish",
    over=_choices_of_both,
    yields_to=(*CALLS_SPOILED, *FINISH_SPOILED),
    harm="an agent that streams stops where one that does not goes on, or the other way round",
)
def same_finish(wholes: list[Answer], streamed: list[Answer], stream: View) -> Iterable[Complaint]:
    """Each choice of a stream ends with the same finish_reason as that choice of the dict."""
    finish, choice = streamed[0].finish, f"choice {streamed[0].index}: " if streamed[0].index else ""
    if finish and apart((whole.finish for whole in wholes), (answer.finish for answer in streamed)):
        yield stream, f"{choice}finish_reason {finish!r}", repr(wholes[0].finish)


def _models_of_both(trace: Trace) -> Iterator[tuple[list[Node], list[Node]]]:
    for views in _dicts_and_streams(trace):
        first, second = ([node for node in map(model_of, side) if node] for side in views)
        if first and second:
            yield first, second


@relations.rule(
    "same-model",
    over=_models_of_both,
    level=SHOULD,
    see=see.CHAT_OBJECT,
    harm="costs, limits and logs of one model are attributed to two",
)
def same_model(wholes: list[Node], streamed: list[Node]) -> Iterable[Complaint]:
    """A stream names the same model as the dict."""
    if apart((node.text for node in wholes), (node.text for node in streamed)):
        yield streamed[0], str(streamed[0]), f"{wholes[0]}, as in the dict"


def _usages_of_both(trace: Trace) -> Iterator[tuple[list[Node], list[Node], bool]]:
    """The usage of both forms, and whether both say the same."""
    for dicts, streams in _dicts_and_streams(trace):
        first, second = ([usage for usage in map(usage_of, views) if usage] for views in (dicts, streams))
        if first and second:
            yield first, second, all(answer_texts(view) == answer_texts(dicts[0]) for view in (*dicts, *streams))


@relations.rule(
    "same-usage",
    over=_usages_of_both,
    yields_to=musts_of(usage),
    harm="what the same answer costs depends on whether it is streamed",
)
def same_usage(wholes: list[Node], streamed: list[Node], equal: bool) -> Iterable[Complaint]:
    """A stream counts the same tokens as the dict: those of the prompt, and those of an equal answer."""
    for name in ("prompt_tokens", "completion_tokens") if equal else ("prompt_tokens",):
        counts = [[usage[name].value for usage in usages] for usages in (wholes, streamed)]
        if apart(*counts):
            yield streamed[0][name], f"{name} {streamed[0][name]}", str(wholes[0][name])


@relations.rule(
    "same-logprobs",
    over=lambda trace: (pair for pair in _pairs(trace) if pair[0][0].text == pair[1][0].text and tokens_of(pair[0][0])),
    yields_to=musts_of(logprobs),
    harm="confidence depends on whether the answer is streamed",
)
def same_logprobs(wholes: list[Answer], streamed: list[Answer], stream: View) -> Iterable[Complaint]:
    """A stream gives log probabilities for the same tokens as the dict."""
    if apart(map(tokens_of, wholes), map(tokens_of, streamed)):
        yield stream, f"the tokens {tokens_of(streamed[0])[:6]}", f"{tokens_of(wholes[0])[:6]}"


def _counts_of_one_and_two(trace: Trace) -> Iterator[tuple[list[View], list[View]]]:
    """The dicts of one choice and of two, where both count the tokens of their prompt."""
    one, two = ([view for view in trace.samples(role) if prompt_count(view)] for role in ("one choice", "dict"))
    if one and two:
        yield one, two


@relations.rule(
    "prompt-once",
    over=_counts_of_one_and_two,
    yields_to=musts_of(usage),
    see=see.CHAT_OBJECT,
    harm="a prompt that was read once is billed for every choice",
)
def prompt_once(one: list[View], two: list[View]) -> Iterable[Complaint]:
    """A prompt has as many tokens for several choices as for one."""
    if apart(map(prompt_count, one), map(prompt_count, two)):
        yield two[0], f"{prompt_count(two[0])} prompt tokens for two choices", f"{prompt_count(one[0])}, as for one"


def _strings_and_parts(trace: Trace) -> Iterator[tuple[list[View], list[View]]]:
    """The answers to a text as a string and in parts, where equal requests have equal answers."""
    strings, parts = ([view for view in trace.samples(role) if answer_texts(view)] for role in ("dict", "parts"))
    if trace.deterministic and strings and parts:
        yield strings, parts


@relations.rule(
    "parts-as-text",
    over=_strings_and_parts,
    yields_to=TEXT_SPOILED,
    harm="clients that send content in parts (the newer SDKs' helpers do) get another answer",
)
def parts_as_text(strings: list[View], parts: list[View]) -> Iterable[Complaint]:
    """A text sent as content parts is answered as the same text sent as a string."""
    if apart(map(whole_text, strings), map(whole_text, parts)):
        yield parts[0], f"{excerpt(whole_text(parts[0]), 80)!r}", repr(excerpt(whole_text(strings[0]), 80))


def _repeatable_parts(trace: Trace) -> Iterator[tuple[list[View], str]]:
    """The answers to a text in several parts, and the text, where the same text as a string was repeated."""
    wanted, parts = trace.expected.get("parts", ""), [view for view in trace.samples("parts") if view.ok]
    if trace.deterministic and wanted and parts:
        yield parts, wanted


@relations.rule(
    "parts-repeated",
    over=_repeatable_parts,
    yields_to=TEXT_SPOILED,
    harm="the model reads only one part of a message in several parts",
)
def parts_repeated(parts: list[View], wanted: str) -> Iterable[Complaint]:
    """A text that is repeated when sent as a string is repeated when sent in several parts."""
    words = wanted.split()
    if not any(says(view, word) for view in parts for word in (words[0], words[-1])):
        yield parts[0], f"{excerpt(whole_text(parts[0]), 80)!r}", repr(excerpt(wanted, 80))


def _with_and_without_picture(trace: Trace) -> Iterator[tuple[Node, Node]]:
    """The prompt tokens of a question with a picture, and of the question alone."""
    for pictured, plain in trace.together("with image", "without image"):
        seen, alone = usage_of(pictured), usage_of(plain)
        if seen and alone and seen["prompt_tokens"].number and alone["prompt_tokens"].number:
            yield seen["prompt_tokens"], alone["prompt_tokens"]


@relations.rule(
    "image-counted",
    over=_with_and_without_picture,
    level=SHOULD,
    harm="the picture may never have reached the model, which answers all the same",
)
def image_counted(seen: Node, alone: Node) -> Iterable[Complaint]:
    """A question with a picture has more prompt tokens than the question alone."""
    if (seen.number or 0) <= (alone.number or 0):
        yield seen, f"{seen} with the picture, {alone} without", "more with the picture"


def _all_ids(trace: Trace) -> Iterator[list[tuple[str, Node]]]:
    """The ids of all replies of a case that make something new."""
    ids = []
    seen = set[int]()
    for role, view in trace.roles.items():
        if id(view) in seen:  # one exchange may play several parts
            continue
        seen.add(id(view))
        if view.endpoint in ("chat", "completions"):
            identifier = first_object(view)["id"]
            if identifier.text:
                ids.append((role, identifier))
        elif view.endpoint == CREATED and view.ok:
            ids += [(role, root["id"]) for root in responses_given(view) if root["id"].text]
    if len(ids) > 1:
        yield ids


@relations.rule(
    "own-ids",
    over=_all_ids,
    see=see.CHAT_OBJECT,
    basis="the API reference: a unique identifier",
    harm="logs and caches keyed by id keep one answer and drop the others",
)
def own_ids(ids: list[tuple[str, Node]]) -> Iterable[Complaint]:
    """Every reply has an id of its own."""
    first: dict[str, str] = {}
    for role, node in ids:
        if node.text in first:
            yield node, f"{role} and {first[node.text]} both have {node}", "another id"
        first.setdefault(node.text, role)
