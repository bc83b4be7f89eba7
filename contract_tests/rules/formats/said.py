"""Section formats, the text of an answer, its refusal and its reasoning: each in its own member, and in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.answers import Answer, answers
from contract_tests.rules.engine.judge import NOTE, SHOULD, Complaint
from contract_tests.rules.engine.kinds import is_early
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.subjects import (
    CHAT,
    TEXT,
    choices,
    computed_once,
    deltas,
    dicts,
    messages,
    only,
    streamed_choices,
    whole_streamed_choices,
)
from contract_tests.rules.engine.view import View
from contract_tests.rules.errors.refusals import IN_THE_CODE
from contract_tests.rules.formats.structured import formats
from fake_server.relay.redact import excerpt


@formats.rule(
    "refusal-alone",
    over=only(answers, lambda answer: answer.refusal),
    level=SHOULD,
    harm="clients show the refusal and parse the text",
)
def refusal_alone(answer: Answer) -> Iterable[Complaint]:
    """A refusal stands in `refusal` alone: the choice has no text and calls nothing."""
    if answer.text or answer.calls:
        beside = f"the text {excerpt(answer.text, 40)!r}" if answer.text else f"a call of {answer.calls[0][0]}"
        yield answer.where, f"a refusal, and {beside}", "the refusal alone"


_LEAKS = ("<|im_end|>", "<|im_start|>", "<|endoftext|>", "<|eot_id|>", "</s>", "<end_of_turn>", "[/INST]")


@computed_once
def _answers_with_requests(view: View) -> Iterator[tuple[Answer, str]]:
    request = view.exchange.request.body.decode("utf-8", "replace")
    yield from ((answer, request) for answer in answers(view) if answer.text)


def _answers_with_tokens(view: View) -> Iterable[tuple[Answer, list[str]]]:
    """The answers, with the tokens that the request does not have."""
    request = view.exchange.request.body.decode("utf-8", "replace")
    tokens = [token for token in _LEAKS if token not in request]
    return ((answer, tokens) for answer in answers(view) if answer.text)


@formats.rule("no-control-tokens", over=_answers_with_tokens, level=SHOULD, harm="users read the model's template")
def no_control_tokens(answer: Answer, tokens: list[str]) -> Iterable[Complaint]:
    """The text is free of the tokens that mark turns in a model's prompt."""
    for token in tokens:
        if token in answer.text:
            yield answer.where, f"the text contains {token}"


@formats.rule(
    "no-replacement",
    over=_answers_with_requests,
    level=SHOULD,
    yields_to=("http.json-utf8", "sse.utf8"),
    harm="a character is lost for good",
)
def no_replacement(answer: Answer, request: str) -> Iterable[Complaint]:
    """The text holds no U+FFFD, which stands for bytes that a server cut in the middle of a character."""
    if "\ufffd" in answer.text and "\ufffd" not in request and "\\ufffd" not in request:
        at = answer.text.index("\ufffd")
        yield answer.where, f"U+FFFD after {answer.text[max(0, at - 20) : at]!r}"


@formats.rule(
    "no-thinking",
    over=_answers_with_requests,
    level=SHOULD,
    harm="users read the model's draft as its answer",
)
def no_thinking(answer: Answer, request: str) -> Iterable[Complaint]:
    """The text does not begin with a `<think>` block: reasoning has members of its own."""
    if answer.text.lstrip().startswith("<think>") and "<think>" not in request:
        yield answer.where, f"the text begins {excerpt(answer.text.lstrip(), 40)!r}", "the answer alone"


# -- reasoning and refusals in members of their own


@formats.rule(
    "one-reasoning",
    over=lambda view: chain(messages(view), deltas(view)),
    level=SHOULD,
    harm="clients that read both names show the reasoning twice",
)
def one_reasoning(node: Node) -> Iterable[Complaint]:
    """Reasoning comes under one name, `reasoning_content` or `reasoning`, not under both."""
    if node.text_of("reasoning") and node.text_of("reasoning_content"):
        yield node["reasoning"], "reasoning beside reasoning_content", "one of them"


_REASONING = ("reasoning", "reasoning_content", "reasoning_details", "thinking")
_ANSWERS = ("content", "refusal", "tool_calls", "function_call", "audio")


def _ended_choices(view: View) -> Iterable[tuple[Node, tuple[Node, ...]]]:
    """Each choice that ends with "stop": where to point, and its message or its deltas."""
    for choice in choices(view):
        if choice["finish_reason"].text == "stop":
            yield choice["message"], (choice["message"],)
    for streamed in whole_streamed_choices(view):
        if streamed.finish_reason == "stop":
            yield streamed.entries[-1], tuple(entry["delta"] for entry in streamed.entries)


@formats.rule(
    "reasoning-alone",
    over=_ended_choices,
    level=SHOULD,
    yields_to=("chat.says-something", "chat.content"),
    harm="clients show nothing: the official SDKs do not know the member that the answer stands in",
)
def reasoning_alone(where: Node, parts: tuple[Node, ...]) -> Iterable[Complaint]:
    """An answer with reasoning that ends with "stop" has text, a call or a refusal besides."""
    said = {name for part in parts if type(part.value) is dict for name, value in part.value.items() if value}
    if said.intersection(_REASONING) and not said.intersection(_ANSWERS):
        yield where, "the reasoning alone", "the answer in content"


@formats.rule(
    "refusal-member",
    over=lambda view: (node for root in dicts(view) if not is_early(root) for node in messages(view)),
    level=SHOULD,
    see=see.CHAT_OBJECT,
    harm="decoders generated from the reference, which requires the member, refuse the reply",
)
def refusal_member(message: Node) -> Iterable[Complaint]:
    """The message has the member `refusal`: a string, or null."""
    if not message["refusal"].there:
        yield message["refusal"], "missing", "null, or a string"


_REPR = re.compile(
    r"\[?\{'(?:type|text|role|content|message|error|choices)': "  # a dict, or a list of parts
    r"|\[?[A-Z]\w*(?:Message|Block|Choice|Part|Response|Completion)\((?:id|content|role|text|type|citations)="
    r"|(?:id|content|role|text|choices|type)=(?:'[^']*'|\"[^\"]*\"|None|\[[A-Z]\w*\(.*\])(?: \w+=|$)"  # of pydantic
    r"|<[\w.]+ object(?: [\w.<>]+)? at 0x[0-9a-f]+>$|<(?:class '|function |bound method |Response \[)[^>]*>$"
    r"|b(['\"]).*\1$|.*\[object Object\]|map\[\w+:.*\]$|#<[A-Z]\w*(?:::\w+)*[ :].*>$"
    r"|[\w$]+(?:\.[\w$]+)+@[0-9a-f]{5,8}$",
    re.DOTALL,
)
"""How programs print values that nobody turned into text: those of Python, JavaScript, Go, Ruby and Java."""
_NOTHING = frozenset(("None", "null", "nil", "undefined"))


@formats.rule(
    "no-repr",
    over=_answers_with_requests,
    level=SHOULD,
    harm="users read the inside of the server's program as the answer",
)
def no_repr(answer: Answer, request: str) -> Iterable[Complaint]:
    """The text is what the model wrote, not a value of the server's program as the program prints it."""
    text = answer.text.strip()
    begin = _REPR.match(text)
    if (begin and begin.group()[-15:] not in request and begin.group()[:12] not in request) or (
        text in _NOTHING and answer.calls
    ):
        yield answer.where, f"the text is {excerpt(text, 60)!r}", "the text alone"


_TRACE = re.compile(
    r"Traceback \(most recent call last\)|panic: |goroutine \d+ \[|\[Errno \d+\] "
    r"|Error code: \d{3} - |Error: E[A-Z]{3,}: "
    r"|(?:\w+\.)*[A-Z]\w+(?:Error|Exception)(?: \[\w+\])?(?:: |\()"
    r"|(?:HTTP )?(?:Error )?[45]\d\d:? (?:Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out)"
    r"|(?i:(?:<!doctype html>\s*)?<html[^>]*>\s*<head>\s*<title>[45]\d\d )"
)
_ABOUT_ERRORS = re.compile(
    r"error|exception|traceback|stack ?trace|panic|debug|python|(?:java|type)script|\bcode\b|program|compile|```",
    re.IGNORECASE,
)
"""What a request says that an error may be the answer to."""


def _answers_about_no_errors(view: View) -> Iterable[tuple[Answer, str]]:
    about_errors = any(_ABOUT_ERRORS.search(request) for _, request in islice(_answers_with_requests(view), 1))
    return () if about_errors else _answers_with_requests(view)


@formats.rule(
    "no-trace",
    over=_answers_about_no_errors,
    level=SHOULD,
    harm="clients take a failure of the server for the answer, and users read its files and line numbers",
)
def no_trace(answer: Answer, request: str) -> Iterable[Complaint]:
    """The text is an answer, not what the server's program said when it failed."""
    text = answer.text.strip()
    path = IN_THE_CODE.match(text)
    if _TRACE.match(text) or (path and text[0] != "<" and path.group() not in request):
        yield answer.where, f"the text is {excerpt(text, 60)!r}", "an error, with its status"


_PATH = re.compile(r"(?:file:///?|~?/|[A-Za-z]:[\\/])[\w.@ -]+[\\/][\w.@ \\/-]*$")


def _names(view: View) -> Iterator[tuple[Node, str]]:
    """What a reply says of who answers, in its dict or its first chunk."""
    request = view.exchange.request.body.decode("utf-8", "replace").replace("\\\\", "\\")
    for root in chain(CHAT.dicts(view), TEXT.dicts(view), islice(view.chunks, 1)):
        yield from ((root[name], request) for name in ("model", "system_fingerprint", "id") if root[name].text)


@formats.rule("no-path", over=_names, level=SHOULD, harm="callers read how the server's disk is laid out")
def no_path(node: Node, request: str) -> Iterable[Complaint]:
    """The names in a reply are names, not paths of files of the server, unless the request has them."""
    if _PATH.match(node.text) and node.text not in request:
        yield node, str(node), "a name"


@computed_once
def _without_refusal(view: View) -> Iterator[Node]:
    """The messages without a refusal, and the first delta of each streamed choice that has an empty one."""
    yield from (node for node in messages(view) if not node["refusal"].text)
    for choice in streamed_choices(view):
        empty = (entry["delta"] for entry in choice.entries if entry["delta"]["refusal"].value == "")
        yield from islice(empty if not choice.refusal else (), 1)


@formats.rule(
    "null-refusal",
    over=_without_refusal,
    level=NOTE,
    harm="clients that test whether `refusal` is null show an answer as refused",
)
def null_refusal(node: Node) -> Iterable[Complaint]:
    """`refusal` is null if nothing is refused, not an empty text."""
    if node.get("refusal") == "":
        yield node["refusal"], '""', "null"
