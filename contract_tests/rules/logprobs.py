"""Section logprobs: log probabilities of the tokens of a chat answer, and of the texts of a Response."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.answers import Answer, answers
from contract_tests.rules.engine.judge import SHOULD, Complaint, Section
from contract_tests.rules.engine.kinds import is_early
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.subjects import CHAT, choices, chunk_choices, computed_once, dicts
from contract_tests.rules.engine.view import View
from contract_tests.rules.responses.subjects import CREATED, finished, includes, messages, streams, text_parts
from fake_server.relay.redact import excerpt, holds_dummy
from fake_server.wire.exchange import Aspect
from fake_server.wire.text import format_count

logprobs = Section("logprobs", "Log probabilities", see.CHAT_OBJECT)

ROUNDING = 2**-14
"""How far a probability of 1 may come out above it in binary: api.openai.com is recorded to be 2**-15 off."""


@computed_once
def _objects(view: View) -> Iterator[Node]:
    """Every `logprobs` object of a chat reply."""
    for choice in (*choices(view), *chunk_choices(view)):
        if type(choice.get("logprobs")) is dict:
            yield choice["logprobs"]


ASKED_OF_RESPONSES = "message.output_text.logprobs"
"""What `include` of a request for a Response names to have log probabilities."""


def _asks_for_response_logprobs(view: View) -> bool:
    return includes(view, ASKED_OF_RESPONSES) or bool(view.request["top_logprobs"].number)


@computed_once
def _texts(view: View) -> Iterator[Node]:
    """The parts of a Response that are text, of a stream those that its end has."""
    return text_parts(messages(view))


def _answers_of_response(view: View) -> Iterator[Answer]:
    """Each text of a finished Response as an answer."""
    for place, part in enumerate(_texts(view) if any(finished(view)) else ()):
        held = (part["logprobs"],) if part["logprobs"] else ()
        yield Answer(part["text"], place, part.text_of("text"), "", "", (), held)


def _listed(node: Node) -> Node:
    """The tokens of a `logprobs` member: those of a chat stand in its `content`, a text's in itself."""
    return node if node.kind == "array" else node["content"]


def _objects_with_names(view: View) -> Iterable[tuple[Node, tuple[str, ...]]]:
    """Each `logprobs` object with its members: before 2025 there was no refusal in it."""
    roots = (*CHAT.dicts(view), *CHAT.chunks(view))
    names = ("content",) if any(is_early(root) for root in roots[:1]) else ("content", "refusal")
    yield from ((node, names) for node in _objects(view))


_WITHOUT = re.compile(r"(?:^|/)(?:o\d|gpt-[5-9]|gpt-oss)|audio|search|preview")
"""Models that api.openai.com is recorded to answer for without the member: those that give no log probabilities."""


def _choices_with_the_member(view: View) -> Iterable[Node]:
    """The choices of replies whose model gives log probabilities, or null for those."""
    for root in dicts(view):
        if not (is_early(root) or _WITHOUT.search(root["model"].text) or _WITHOUT.search(view.request["model"].text)):
            yield from choices(view)


@logprobs.rule(
    "member",
    over=_choices_with_the_member,
    level=SHOULD,
    see=see.CHAT_OBJECT,
    harm="decoders generated from the reference, which requires the member, refuse the reply",
)
def member(choice: Node) -> Iterable[Complaint]:
    """A choice has the member `logprobs`, null unless the request asks for them."""
    if not choice["logprobs"].there:
        yield choice["logprobs"], "missing", "null"


@logprobs.rule("members", over=_objects_with_names, level=SHOULD, harm="typed clients miss a required member")
def members(node: Node, names: tuple[str, ...]) -> Iterable[Complaint]:
    """A `logprobs` object has the members content and refusal, null where there are none."""
    for name in names:
        if not node[name].there:
            yield node[name], "missing", "an array or null"


def _answers_with_logprobs(view: View) -> Iterable[Answer]:
    if view.endpoint == "chat" and view.request["logprobs"].value is True:
        yield from (answer for answer in answers(view) if answer.text.strip())
    if view.endpoint == CREATED and includes(view, ASKED_OF_RESPONSES):
        yield from (answer for answer in _answers_of_response(view) if answer.text.strip())


@logprobs.rule("given", over=_answers_with_logprobs, see=see.CHAT_CREATE, harm="`choice.logprobs.content` raises")
def given(answer: Answer) -> Iterable[Complaint]:
    """A text answer that is requested with `logprobs: true`, or with the `include` for them, has log probabilities."""
    if not any(list(_listed(node)) for node in answer.logprobs):
        held = (node["content"] if node.kind == "object" else node for node in answer.logprobs)
        where = next((node for node in held if node.kind not in ("array", "null", "missing")), answer.where)
        yield where, "text without log probabilities", "`logprobs` with those of its tokens"


def _not_asked_for(view: View) -> Iterator[Node]:
    """The `logprobs` members of replies to requests that do not ask for any."""
    if view.request["logprobs"].value is not True:
        yield from _objects(view)
    if view.endpoint == CREATED and not _asks_for_response_logprobs(view):
        yield from (part["logprobs"] for part in _texts(view) if part["logprobs"])


@logprobs.rule(
    "unasked",
    over=_not_asked_for,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    see=see.CHAT_CREATE,
    harm="replies grow many times over with data that nobody asked for",
)
def unasked(node: Node) -> Iterable[Complaint]:
    """`logprobs` is null, or of a Response's text empty, unless the request asks for them."""
    if list(_listed(node)):
        yield node, "log probabilities that nobody asked for", "[]" if node.kind == "array" else "null"


@computed_once
def _tokens(view: View) -> Iterator[Node]:
    """Every token with a log probability; those it was chosen from come beside it."""
    for node in _objects(view):
        for name in ("content", "refusal"):
            yield from (token for token in node[name] if token.kind == "object")
    for part in _texts(view):
        yield from (token for token in part["logprobs"] if token.kind == "object")


def _all_tokens(view: View) -> Iterator[Node]:
    """Every token, and those of the events of a streamed Response, of which nothing but the number is promised."""
    yield from _tokens(view)
    for stream in streams(view):
        for event in stream.events:
            if event.text_of("type").startswith("response.output_text."):
                yield from (token for token in event["logprobs"] if token.kind == "object")


@logprobs.rule("logprob", over=_all_tokens, harm="`math.exp(token.logprob)` raises or is above 1")
def logprob(token: Node) -> Iterable[Complaint]:
    """`logprob` of every token is a number that is not above 0."""
    for candidate in (token, *(other for other in token["top_logprobs"] if other.kind == "object")):
        number = candidate["logprob"].number
        if number is None or number > ROUNDING:
            yield candidate["logprob"], str(candidate["logprob"]), "a number, at most 0"


@logprobs.rule("top", over=_tokens, harm="`token.top_logprobs[0]` raises")
def top(token: Node) -> Iterable[Complaint]:
    """`top_logprobs` of every token is an array of objects."""
    node = token["top_logprobs"]
    if node.kind != "array" or any(candidate.kind != "object" for candidate in node):
        yield node, str(node), "an array of objects"


def _alternatives_with_limit(view: View) -> Iterable[tuple[Node, int]]:
    wanted = view.request["top_logprobs"].value
    if view.endpoint == "chat" and view.request["logprobs"].value is True:
        most = wanted if isinstance(wanted, int) else 0
        yield from ((token["top_logprobs"], most) for token in _tokens(view))
    if view.endpoint == CREATED and _asks_for_response_logprobs(view):
        yield from ((token["top_logprobs"], int(view.request["top_logprobs"].number or 0)) for token in _tokens(view))


@logprobs.rule(
    "top-count",
    over=_alternatives_with_limit,
    needs=[Aspect.REQUEST],
    see=see.CHAT_CREATE,
    harm="tables and arrays made for N alternatives overflow or show the wrong columns",
)
def top_count(node: Node, most: int) -> Iterable[Complaint]:
    """There are at most as many `top_logprobs` for a token as the request asks for."""
    if len(list(node)) > most:
        yield node, format_count(len(list(node)), "token"), f"at most {most}"


@logprobs.rule(
    "top-given",
    over=_alternatives_with_limit,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    see=see.CHAT_CREATE,
    harm="callers that asked for alternatives get none to choose from",
)
def top_given(node: Node, most: int) -> Iterable[Complaint]:
    """If `top_logprobs` asks for alternatives, each token has at least one."""
    if most > 0 and node.value == []:
        yield node, "[]", f"1 to {most} tokens" if most > 1 else "1 token"


@logprobs.rule("top-order", over=_tokens, level=SHOULD, harm="the first is not the most likely token")
def top_order(token: Node) -> Iterable[Complaint]:
    """`top_logprobs` go from the most likely token down."""
    numbers = [candidate["logprob"].number or 0.0 for candidate in token["top_logprobs"]]
    if numbers != sorted(numbers, reverse=True):
        yield token["top_logprobs"], f"{numbers[:5]}", "the highest first"


@logprobs.rule("bytes", over=_tokens, level=SHOULD, harm="clients that join the bytes show another text")
def bytes_(token: Node) -> Iterable[Complaint]:
    """`bytes` of a token are its UTF-8 bytes, or null; they alone can hold part of a character."""
    for candidate in (token, *token["top_logprobs"]):
        node, text = candidate["bytes"], candidate["token"].text
        if not node.there:
            yield node, "missing", "an array of bytes, or null"
        whole = text and "\\x" not in text and "\ufffd" not in text
        wanted = list(text.encode("utf-8", "replace"))
        if whole and node.kind == "array" and node.value != wanted:
            yield node, f"{str(node)[:60]} for {text!r}", str(wanted)


def _answers_with_tokens(view: View) -> Iterable[tuple[Answer, bytes]]:
    """The answers with the bytes of their tokens, less those of which a recording's redaction changed the text."""
    for answer in answers(view) if view.endpoint == "chat" else _answers_of_response(view):
        tokens = [token for node in answer.logprobs for token in _listed(node) if token.kind == "object"]
        if tokens and answer.text and not holds_dummy(answer.text):
            yield answer, b"".join(_bytes(token) for token in tokens)


def _bytes(token: Node) -> bytes:
    listed = token["bytes"].value
    if isinstance(listed, list) and all(isinstance(number, int) and 0 <= number < 256 for number in listed):
        return bytes(listed)
    return token["token"].text.encode("utf-8", "replace")


@logprobs.rule(
    "tell-the-text",
    over=_answers_with_tokens,
    basis="the API reference: a list of message content tokens",
    harm="confidence is shown on the wrong words",
)
def tell_the_text(answer: Answer, joined: bytes) -> Iterable[Complaint]:
    """The tokens of `logprobs.content`, or of a text's `logprobs`, joined, are the text of the answer."""
    if joined != answer.text.encode("utf-8", "replace"):
        shown = joined.decode("utf-8", "replace")
        yield answer.where, f"the tokens say {excerpt(shown, 50)!r}", repr(excerpt(answer.text, 50))
