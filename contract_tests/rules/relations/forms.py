"""Section relations, one request in two forms: dict and stream, text and parts; and ids that differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.answers import Answer, answers, whole_text
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.exchanges import relations

Pair = tuple[Answer, Answer, View]


def _dict_and_stream(trace: Trace) -> Iterator[tuple[View, View]]:
    """The dict and the stream of one request, where equal requests have equal answers."""
    reply, stream = trace.roles.get("dict"), trace.roles.get("stream")
    if trace.deterministic and reply and stream and stream.is_stream:
        yield reply, stream


def _pairs(trace: Trace) -> Iterator[Pair]:
    """Each choice as the dict and as the stream says it."""
    for reply, stream in _dict_and_stream(trace):
        for pair in zip(answers(reply), answers(stream), strict=False):
            yield *pair, stream


@relations.rule("same-text", over=_pairs, relation=True, harm="what users read depends on whether it is streamed")
def same_text(pair: Pair) -> Iterable[Complaint]:
    """If equal requests get equal answers, a stream has the same text as the dict."""
    whole, streamed, stream = pair
    if whole.text != streamed.text:
        at = next((i for i, (a, b) in enumerate(zip(whole.text, streamed.text, strict=False)) if a != b), None)
        at = min(len(whole.text), len(streamed.text)) if at is None else at
        start = max(0, at - 10)
        yield (
            stream,
            f"from character {at}: {streamed.text[start : at + 30]!r}",
            f"{whole.text[start : at + 30]!r} ({len(whole.text)} characters, not {len(streamed.text)})",
        )


@relations.rule("same-calls", over=_pairs, relation=True, harm="agents act differently when they stream")
def same_calls(pair: Pair) -> Iterable[Complaint]:
    """If equal requests get equal answers, a stream makes the same tool calls as the dict."""
    whole, streamed, stream = pair
    if whole.calls != streamed.calls:
        yield stream, f"calls {list(streamed.calls)}"[:160], f"{list(whole.calls)}"[:160]


@relations.rule(
    "same-finish",
    over=_pairs,
    relation=True,
    harm="an agent that streams stops where one that does not goes on, or the other way round",
)
def same_finish(pair: Pair) -> Iterable[Complaint]:
    """If equal requests get equal answers, a stream ends with the same finish_reason as the dict."""
    whole, streamed, stream = pair
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


@relations.rule("same-usage", over=_usages_of_both, relation=True, harm="the same answer costs more when it streams")
def same_usage(part: tuple[Node, Node, bool]) -> Iterable[Complaint]:
    """A stream counts the same tokens as the dict: those of the prompt, and those of an equal answer."""
    whole, streamed, equal = part
    for name in ("prompt_tokens", "completion_tokens") if equal else ("prompt_tokens",):
        if whole[name].value != streamed[name].value:
            yield streamed[name], f"{name} {streamed[name]}", str(whole[name])


def _tokens(answer: Answer) -> list[str]:
    return [token["token"].text for node in answer.logprobs for token in node["content"]]


def _pairs_with_logprobs(trace: Trace) -> Iterator[Pair]:
    """Pairs with equal texts whose dict has log probabilities."""
    for whole, streamed, stream in _pairs(trace):
        if whole.text == streamed.text and _tokens(whole):
            yield whole, streamed, stream


@relations.rule(
    "same-logprobs",
    over=_pairs_with_logprobs,
    relation=True,
    harm="confidence depends on whether the answer is streamed",
)
def same_logprobs(pair: Pair) -> Iterable[Complaint]:
    """A stream gives log probabilities for the same tokens as the dict."""
    whole, streamed, stream = pair
    if _tokens(whole) != _tokens(streamed):
        yield stream, f"the tokens {_tokens(streamed)[:6]}", f"{_tokens(whole)[:6]}"


def _string_and_parts(trace: Trace) -> Iterator[tuple[View, View]]:
    if trace.deterministic and "dict" in trace.roles and "parts" in trace.roles:
        yield trace.roles["dict"], trace.roles["parts"]


@relations.rule(
    "parts-as-text",
    over=_string_and_parts,
    relation=True,
    harm="clients that send content in parts (the newer SDKs' helpers do) get another answer",
)
def parts_as_text(pair: tuple[View, View]) -> Iterable[Complaint]:
    """A text sent as content parts is answered as the same text sent as a string."""
    text, parts = pair
    if whole_text(text) != whole_text(parts):
        yield parts, f"{whole_text(parts)[:80]!r}", repr(whole_text(text)[:80])


def _repeatable_parts(trace: Trace) -> Iterator[tuple[View, str]]:
    """The answer to a text in several parts, and the text, where the same text as a string was repeated."""
    string, parts = trace.roles.get("string"), trace.roles.get("parts")
    wanted = trace.expected.get("parts", "")
    if string and parts and parts.ok and wanted and wanted in whole_text(string):
        yield parts, wanted


@relations.rule(
    "parts-repeated",
    over=_repeatable_parts,
    relation=True,
    harm="the model reads only one part of a message in several parts",
)
def parts_repeated(subject: tuple[View, str]) -> Iterable[Complaint]:
    """A text that is repeated when sent as a string is repeated when sent in several parts."""
    view, wanted = subject
    answer, words = whole_text(view), wanted.split()
    if words[0] not in answer and words[-1] not in answer:
        yield view, f"{answer[:80]!r}", repr(wanted[:80])


def _with_and_without_picture(trace: Trace) -> Iterator[tuple[Node, Node]]:
    """The usage of a question with a picture, and of the question alone."""
    usages = [_usage(trace.roles[role]) for role in ("with image", "without image") if role in trace.roles]
    if len(usages) == 2 and usages[0] and usages[1] and all(usage["prompt_tokens"].number for usage in usages if usage):
        yield usages[0]["prompt_tokens"], usages[1]["prompt_tokens"]


@relations.rule(
    "image-counted",
    over=_with_and_without_picture,
    relation=True,
    level=SHOULD,
    harm="the picture may never have reached the model, which answers all the same",
)
def image_counted(part: tuple[Node, Node]) -> Iterable[Complaint]:
    """A question with a picture has more prompt tokens than the question alone."""
    seen, alone = part
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
    relation=True,
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
