"""Section relations, one request in two forms: dict and stream, text and parts; and ids that differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.answers import Answer, answer_texts, answers, says, whole_text
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.exchanges import first_difference, relations

Pair = tuple[list[Answer], list[Answer], View]
"""One choice as each dict and as each stream has it, and where to point."""


def _dicts_and_streams(trace: Trace) -> Iterator[tuple[list[View], list[View]]]:
    """The dicts and the streams of one request, where equal requests have equal answers."""
    dicts = trace.samples("dict")
    streams = [view for view in trace.samples("stream") if view.is_stream]
    if trace.deterministic and dicts and streams:
        yield dicts, streams


def _pairs(trace: Trace) -> Iterator[Pair]:
    for dicts, streams in _dicts_and_streams(trace):
        wholes, parts = (zip(*map(answers, views), strict=False) for views in (dicts, streams))
        for whole, streamed in zip(wholes, parts, strict=False):
            yield list(whole), list(streamed), streams[0]


def _apart(lefts: Iterable[Any], rights: Iterable[Any]) -> bool:
    """Whether no value on the left is ever met on the right: what the two have in common once is no difference."""
    values = list(rights)
    return not any(left in values for left in lefts)


@relations.rule("same-text", over=_pairs, harm="what users read depends on whether it is streamed")
def same_text(wholes: list[Answer], streamed: list[Answer], stream: View) -> Iterable[Complaint]:
    """If equal requests get equal answers, a stream has the same text as the dict."""
    if _apart((whole.text for whole in wholes), (answer.text for answer in streamed)):
        whole, text = wholes[0].text, streamed[0].text
        at = first_difference(whole, text)
        start = max(0, at - 10)
        expected = f"{whole[start : at + 30]!r} ({len(whole)} characters, not {len(text)})"
        yield stream, f"from character {at}: {text[start : at + 30]!r}", expected


@relations.rule("same-calls", over=_pairs, harm="agents act differently when they stream")
def same_calls(wholes: list[Answer], streamed: list[Answer], stream: View) -> Iterable[Complaint]:
    """If equal requests get equal answers, a stream makes the same tool calls as the dict."""
    if _apart((whole.calls for whole in wholes), (answer.calls for answer in streamed)):
        yield stream, f"calls {list(streamed[0].calls)}"[:160], f"{list(wholes[0].calls)}"[:160]


@relations.rule(
    "same-finish",
    over=_pairs,
    harm="an agent that streams stops where one that does not goes on, or the other way round",
)
def same_finish(wholes: list[Answer], streamed: list[Answer], stream: View) -> Iterable[Complaint]:
    """If equal requests get equal answers, a stream ends with the same finish_reason as the dict."""
    finish = streamed[0].finish
    if finish and _apart((whole.finish for whole in wholes), (answer.finish for answer in streamed)):
        yield stream, f"finish_reason {finish!r}", repr(wholes[0].finish)


def _usage(view: View) -> Node | None:
    """The usage of a reply in either form."""
    roots = [view.root] if view.is_dict else view.chunks
    return next((root["usage"] for root in roots if root["usage"].kind == "object"), None)


def _usages_of_both(trace: Trace) -> Iterator[tuple[list[Node], list[Node], bool]]:
    """The usage of both forms, and whether both say the same."""
    for dicts, streams in _dicts_and_streams(trace):
        first, second = ([usage for usage in map(_usage, views) if usage] for views in (dicts, streams))
        if first and second:
            yield first, second, all(whole_text(view) == whole_text(dicts[0]) for view in (*dicts, *streams))


@relations.rule("same-usage", over=_usages_of_both, harm="what the same answer costs depends on whether it is streamed")
def same_usage(wholes: list[Node], streamed: list[Node], equal: bool) -> Iterable[Complaint]:
    """A stream counts the same tokens as the dict: those of the prompt, and those of an equal answer."""
    for name in ("prompt_tokens", "completion_tokens") if equal else ("prompt_tokens",):
        counts = [[usage[name].value for usage in usages] for usages in (wholes, streamed)]
        if _apart(*counts):
            yield streamed[0][name], f"{name} {streamed[0][name]}", str(wholes[0][name])


def _tokens(answer: Answer) -> list[str]:
    return [token["token"].text for node in answer.logprobs for token in node["content"]]


@relations.rule(
    "same-logprobs",
    over=lambda trace: (pair for pair in _pairs(trace) if pair[0][0].text == pair[1][0].text and _tokens(pair[0][0])),
    harm="confidence depends on whether the answer is streamed",
)
def same_logprobs(wholes: list[Answer], streamed: list[Answer], stream: View) -> Iterable[Complaint]:
    """A stream gives log probabilities for the same tokens as the dict."""
    if _apart(map(_tokens, wholes), map(_tokens, streamed)):
        yield stream, f"the tokens {_tokens(streamed[0])[:6]}", f"{_tokens(wholes[0])[:6]}"


def differ(left: View, right: View) -> bool:
    """Whether two answers to one request differ in anything that the rules above compare."""
    if answer_texts(left) != answer_texts(right):
        return True
    counts = [
        (usage["prompt_tokens"].value, usage["completion_tokens"].value)
        for usage in map(_usage, (left, right))
        if usage
    ]
    tokens = [[_tokens(answer) for answer in answers(view)] for view in (left, right)]
    return len(set(counts)) > 1 or (any(tokens[0]) and tokens[0] != tokens[1])


def _strings_and_parts(trace: Trace) -> Iterator[tuple[list[View], list[View]]]:
    """The answers to a text as a string and in parts, where equal requests have equal answers."""
    strings, parts = ([view for view in trace.samples(role) if answer_texts(view)] for role in ("dict", "parts"))
    if trace.deterministic and strings and parts:
        yield strings, parts


@relations.rule(
    "parts-as-text",
    over=_strings_and_parts,
    harm="clients that send content in parts (the newer SDKs' helpers do) get another answer",
)
def parts_as_text(strings: list[View], parts: list[View]) -> Iterable[Complaint]:
    """A text sent as content parts is answered as the same text sent as a string."""
    if _apart(map(whole_text, strings), map(whole_text, parts)):
        yield parts[0], f"{whole_text(parts[0])[:80]!r}", repr(whole_text(strings[0])[:80])


def _repeatable_parts(trace: Trace) -> Iterator[tuple[list[View], str]]:
    """The answers to a text in several parts, and the text, where the same text as a string was repeated."""
    wanted, parts = trace.expected.get("parts", ""), [view for view in trace.samples("parts") if view.ok]
    if trace.deterministic and wanted and parts:
        yield parts, wanted


@relations.rule(
    "parts-repeated",
    over=_repeatable_parts,
    harm="the model reads only one part of a message in several parts",
)
def parts_repeated(parts: list[View], wanted: str) -> Iterable[Complaint]:
    """A text that is repeated when sent as a string is repeated when sent in several parts."""
    words = wanted.split()
    if not any(says(view, word) for view in parts for word in (words[0], words[-1])):
        yield parts[0], f"{whole_text(parts[0])[:80]!r}", repr(wanted[:80])


def _with_and_without_picture(trace: Trace) -> Iterator[tuple[Node, Node]]:
    """The prompt tokens of a question with a picture, and of the question alone."""
    for pictured, plain in trace.together("with image", "without image"):
        seen, alone = _usage(pictured), _usage(plain)
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
    """The ids of all replies of a case."""
    ids = []
    for role, view in trace.roles.items():
        if view.endpoint in ("chat", "completions"):
            root = view.root if view.is_dict else next(iter(view.chunks), view.root)
            if root["id"].text:
                ids.append((role, root["id"]))
    if len(ids) > 1:
        yield ids


@relations.rule(
    "own-ids",
    over=_all_ids,
    level=SHOULD,
    see=see.CHAT_OBJECT,
    harm="logs and caches keyed by id keep one answer and drop the others",
)
def own_ids(ids: list[tuple[str, Node]]) -> Iterable[Complaint]:
    """Every reply has an id of its own."""
    first: dict[str, str] = {}
    for role, node in ids:
        if node.text in first:
            yield node, f"{role} and {first[node.text]} both have {node}", "another id"
        first.setdefault(node.text, role)
