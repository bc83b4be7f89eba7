"""Section usage: the token counts of a dict and of a stream's usage chunk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.embeddings import embedding_lists
from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.answers import answers, whole_text
from contract_tests.rules.engine.judge import SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.subjects import CHAT, TEXT, computed_once
from contract_tests.rules.engine.view import View
from contract_tests.rules.shared.reply import harm_of_count
from fake_server.wire.exchange import Aspect
from fake_server.wire.text import format_count

usage = Section("usage", "Token counts", see.CHAT_OBJECT)

COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


def completed_text(view: View) -> str:
    """What a reply adds to the prompt, with which an echoed text begins: that costs no completion tokens."""
    if view.endpoint != "completions" or view.request["echo"].value is not True:
        return whole_text(view)
    if view.request["max_tokens"].value == 0:
        return ""
    given = view.request["prompt"]
    prompts = [given.text] if given.text else [prompt.text for prompt in given]
    each = max(1, view.wanted_choices // max(1, len(prompts)))
    texts = []
    for answer in answers(view):
        place = answer.index // each
        texts.append(answer.text.removeprefix(prompts[place]) if place < len(prompts) else "")
    return "\n".join(text for text in texts if text)


def _whole_replies(view: View) -> Iterable[Node]:
    """The body of a dict of any endpoint that counts tokens."""
    yield from (*CHAT.dicts(view), *TEXT.dicts(view), *embedding_lists(view))


@computed_once
def usages(view: View) -> Iterator[Node]:
    """Every `usage` object of a reply, the dict's and the chunks'."""
    for root in (*_whole_replies(view), *CHAT.chunks(view), *TEXT.chunks(view)):
        if type(root.get("usage")) is dict:
            yield root["usage"]


def final_usages(view: View) -> list[Node]:
    """The `usage` that holds for a reply: a stream that counts as it goes says it last."""
    return list(usages(view))[-1:]


def _counted_replies(view: View) -> Iterable[Node]:
    """The replies that count tokens: those of `/engines/MODEL/…`, the paths before models had names, do not."""
    return () if "/engines/" in view.exchange.request.path else _whole_replies(view)


@usage.rule("present", over=_counted_replies, harm="cost accounting raises or counts nothing")
def present(root: Node) -> Iterable[Complaint]:
    """A reply that is not a stream has the object `usage`."""
    if root["usage"].kind != "object":
        yield root["usage"], str(root["usage"]), "an object"


def _usages_with_names(view: View) -> Iterable[tuple[Node, tuple[str, ...]]]:
    """Usage objects with the counts they must have: embeddings complete nothing, nor does an empty text."""
    silent = view.endpoint == "embeddings" or not completed_text(view)
    for node in usages(view):
        optional = view.endpoint != "chat" and silent and not node["completion_tokens"].there
        yield node, tuple(name for name in COUNTS if not optional or name != "completion_tokens")


@usage.rule("counts", over=_usages_with_names, harm="cost accounting raises")
def counts(node: Node, names: tuple[str, ...]) -> Iterable[Complaint]:
    """`prompt_tokens`, `completion_tokens` and `total_tokens` are non-negative integers."""
    for name in names:
        count = node[name]
        if count.kind != "integer" or count.value < 0:
            yield count, str(count), "a non-negative integer", harm_of_count(count)


def _whole_usages(view: View) -> Iterable[Node]:
    """Usage objects that hold the counts they must have."""
    for node, names in _usages_with_names(view):
        if all(node[name].kind == "integer" for name in names):
            yield node


@usage.rule(
    "adds-up", over=_whole_usages, yields_to=(".completion-counted",), harm="bills and budgets disagree with each other"
)
def adds_up(node: Node) -> Iterable[Complaint]:
    """`total_tokens` is the sum of prompt_tokens and completion_tokens."""
    prompt, completion, total = (node[name].value if node[name].there else 0 for name in COUNTS)
    if prompt + completion != total:
        yield node["total_tokens"], f"{prompt} + {completion} is not {total}", str(prompt + completion)


def counts_unasked_zeros(view: View) -> bool:
    """Whether a stream holds counts that are all zero and that nobody asked for: usage.stream-unasked names them."""
    wanted = view.request["stream_options"]["include_usage"].value is True
    if wanted or not view.is_stream or not view.knows(Aspect.REQUEST):
        return False
    return all(node[name].number == 0 for node in usages(view) for name in COUNTS)


def _usages_of_prompts(view: View) -> Iterable[Node]:
    """Usage objects of replies to a prompt with something in it; after an error nothing is counted."""
    if counts_unasked_zeros(view):
        return ()
    prompt = next((view.request[name].value for name in ("messages", "prompt", "input") if view.request[name]), None)
    return () if view.error_events or prompt in ("", []) else list(_whole_usages(view))[-1:]


@usage.rule(
    "prompt-counted",
    over=_usages_of_prompts,
    level=SHOULD,
    harm="prompts look free: budgets and context limits are never reached",
)
def prompt_counted(node: Node) -> Iterable[Complaint]:
    """A request that says something has more than 0 prompt tokens."""
    if node["prompt_tokens"].value == 0:
        yield node["prompt_tokens"], "0", "more than 0"


def _counts_with_texts(view: View) -> Iterable[tuple[Node, str]]:
    text = completed_text(view)
    for node in () if counts_unasked_zeros(view) else final_usages(view):
        if node["completion_tokens"].kind == "integer" and text:
            yield node["completion_tokens"], text


@usage.rule("completion-counted", over=_counts_with_texts, harm="answers look free: budgets are never reached")
def completion_counted(node: Node, text: str) -> Iterable[Complaint]:
    """An answer with text has more than 0 completion tokens."""
    if node.value == 0:
        yield node, f"0 for {format_count(len(text), 'character')}", "more than 0"


DETAILS = {
    "prompt_tokens_details": ("cached_tokens", "audio_tokens"),
    "completion_tokens_details": (
        "reasoning_tokens",
        "audio_tokens",
        "accepted_prediction_tokens",
        "rejected_prediction_tokens",
    ),
}


@usage.rule("details", over=usages, harm="sums of cached or reasoning tokens raise")
def details(node: Node) -> Iterable[Complaint]:
    """The details, if there are any, are objects of non-negative integers."""
    for name, members in DETAILS.items():
        part = node[name]
        if part and part.kind != "object":
            yield part, str(part), "an object"
        for member in members:
            count = part[member]
            if count and (count.kind != "integer" or count.value < 0):
                yield count, str(count), "a non-negative integer", harm_of_count(count)


def _usages_by_endpoint(view: View) -> Iterable[tuple[Node, str]]:
    return ((node, view.endpoint) for node in usages(view))


@usage.rule(
    "details-members",
    over=_usages_by_endpoint,
    level=SHOULD,
    harm="sums of cached or reasoning tokens raise on None",
)
def details_members(node: Node, endpoint: str) -> Iterable[Complaint]:
    """The details, if any, are objects with a number for what clients read: cached and reasoning tokens."""
    of_embeddings = endpoint == "embeddings"
    for name, members in DETAILS.items():
        if node[name].value is None:
            expected = "no such member: embeddings have no details" if of_embeddings else "an object, or no member"
            harm = "code that reads the usage of chats and embeddings alike raises on None" if of_embeddings else ""
            yield node[name], "null", expected, harm
        for member in members if node[name].kind == "object" else ():
            count = node[name][member]
            if not count and (count.there or member in ("cached_tokens", "reasoning_tokens")):
                yield count, str(count), "an integer"


@usage.rule(
    "details-within",
    over=_whole_usages,
    harm="prices are computed from prompt minus cached tokens: the rest is negative, and so is the bill",
)
def details_within(node: Node) -> Iterable[Complaint]:
    """No part exceeds its whole: cached tokens the prompt's, reasoning tokens the completion's."""
    for name, member, whole in (
        ("prompt_tokens_details", "cached_tokens", "prompt_tokens"),
        ("prompt_tokens_details", "audio_tokens", "prompt_tokens"),
        ("completion_tokens_details", "reasoning_tokens", "completion_tokens"),
        ("completion_tokens_details", "audio_tokens", "completion_tokens"),
    ):
        part = node[name][member]
        if part.kind == "integer" and part.value > (node[whole].number or 0):
            yield part, str(part), f"at most {whole} ({node[whole]})"
