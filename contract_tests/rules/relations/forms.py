"""Section relations, one request in two forms: dict and stream, text and parts; and ids that differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.answers import Answer, answers, whole_text
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.exchanges import first_difference, relations

Pair = tuple[Answer, Answer, View]


def _dict_and_stream(trace: Trace) -> Iterator[tuple[View, View]]:
    """The dict and the stream of one request, where equal requests have equal answers."""
    for reply, stream in trace.together("dict", "stream"):
        if trace.deterministic and stream.is_stream:
            yield reply, stream


def _pairs(trace: Trace) -> Iterator[Pair]:
    """Each choice as the dict and as the stream says it."""
    for reply, stream in _dict_and_stream(trace):
        for pair in zip(answers(reply), answers(stream), strict=False):
            yield *pair, stream


@relations.rule("same-text", over=_pairs, harm="what users read depends on whether it is streamed")
def same_text(whole: Answer, streamed: Answer, stream: View) -> Iterable[Complaint]:
    """If equal requests get equal answers, a stream has the same text as the dict."""
    if whole.text != streamed.text:
        at = first_difference(whole.text, streamed.text)
        start = max(0, at - 10)
        expected = f"{whole.text[start : at + 30]!r} ({len(whole.text)} characters, not {len(streamed.text)})"
        yield stream, f"from character {at}: {streamed.text[start : at + 30]!r}", expected


@relations.rule("same-calls", over=_pairs, harm="agents act differently when they stream")
def same_calls(whole: Answer, streamed: Answer, stream: View) -> Iterable[Complaint]:
    """If equal requests get equal answers, a stream makes the same tool calls as the dict."""
    if whole.calls != streamed.calls:
        yield stream, f"calls {list(streamed.calls)}"[:160], f"{list(whole.calls)}"[:160]


@relations.rule(
    "same-finish",
    over=_pairs,
    harm="an agent that streams stops where one that does not goes on, or the other way round",
)
def same_finish(whole: Answer, streamed: Answer, stream: View) -> Iterable[Complaint]:
    """If equal requests get equal answers, a stream ends with the same finish_reason as the dict."""
    if whole.finish != streamed.finish and streamed.finish:
        yield stream, f"finish_reason {streamed.finish!r}", repr(whole.finish)


def _usage(view: View) -> Node | None:
    """The usage of a reply in either form."""
    roots = [view.root] if view.is_dict else view.chunks
    return next((root["usage"] for root in roots if root["usage"].kind == "object"), None)


def _usages_of_both(trace: Trace) -> Iterator[tuple[Node, Node, bool]]:
    """The usage of both forms, and whether both say the same."""
    for reply, stream in _dict_and_stream(trace):
        first, second = _usage(reply), _usage(stream)
        if first and second:
            yield first, second, whole_text(reply) == whole_text(stream)


@relations.rule("same-usage", over=_usages_of_both, harm="the same answer costs more when it streams")
def same_usage(whole: Node, streamed: Node, equal: bool) -> Iterable[Complaint]:
    """A stream counts the same tokens as the dict: those of the prompt, and those of an equal answer."""
    for name in ("prompt_tokens", "completion_tokens") if equal else ("prompt_tokens",):
        if whole[name].value != streamed[name].value:
            yield streamed[name], f"{name} {streamed[name]}", str(whole[name])


def _tokens(answer: Answer) -> list[str]:
    return [token["token"].text for node in answer.logprobs for token in node["content"]]


@relations.rule(
    "same-logprobs",
    over=lambda trace: (pair for pair in _pairs(trace) if pair[0].text == pair[1].text and _tokens(pair[0])),
    harm="confidence depends on whether the answer is streamed",
)
def same_logprobs(whole: Answer, streamed: Answer, stream: View) -> Iterable[Complaint]:
    """A stream gives log probabilities for the same tokens as the dict."""
    if _tokens(whole) != _tokens(streamed):
        yield stream, f"the tokens {_tokens(streamed)[:6]}", f"{_tokens(whole)[:6]}"


@relations.rule(
    "parts-as-text",
    over=lambda trace: trace.together("dict", "parts") if trace.deterministic else (),
    harm="clients that send content in parts (the newer SDKs' helpers do) get another answer",
)
def parts_as_text(text: View, parts: View) -> Iterable[Complaint]:
    """A text sent as content parts is answered as the same text sent as a string."""
    if whole_text(text) != whole_text(parts):
        yield parts, f"{whole_text(parts)[:80]!r}", repr(whole_text(text)[:80])


def _repeatable_parts(trace: Trace) -> Iterator[tuple[View, str]]:
    """The answer to a text in several parts, and the text, where the same text as a string was repeated."""
    wanted = trace.expected.get("parts", "")
    for string, parts in trace.together("string", "parts"):
        if parts.ok and wanted and wanted in whole_text(string):
            yield parts, wanted


@relations.rule(
    "parts-repeated",
    over=_repeatable_parts,
    harm="the model reads only one part of a message in several parts",
)
def parts_repeated(view: View, wanted: str) -> Iterable[Complaint]:
    """A text that is repeated when sent as a string is repeated when sent in several parts."""
    answer, words = whole_text(view), wanted.split()
    if words[0] not in answer and words[-1] not in answer:
        yield view, f"{answer[:80]!r}", repr(wanted[:80])


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
