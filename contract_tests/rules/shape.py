"""The shape rules: every member has the type that the official SDK declares for it.

They stand on the pydantic types of the installed openai package, read strictly (its own default
lets "1" pass for 1), chosen by `object`. A named rule owns its place: these stay silent there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from typing import Any

from pydantic_core import ValidationError

from contract_tests.rules.chat.chunks import chat_stream
from contract_tests.rules.chat.reply import chat
from contract_tests.rules.completions import OBJECT_OF_CHAT_MODELS, completions, completions_stream
from contract_tests.rules.engine.judge import Complaint
from contract_tests.rules.engine.kinds import is_early
from contract_tests.rules.engine.node import MISSING, Node, show
from contract_tests.rules.engine.subjects import TEXT, chunks, dicts, error_objects, model_objects
from contract_tests.rules.errors.refusals import errors
from contract_tests.rules.models import models
from contract_tests.rules.shared.reply import ends_as_of_old, has_cut_choice
from contract_tests.rules.stored import stored, stored_completions
from fake_server.wire.jsontext import Path

FORMS_THE_TYPES_LACK: dict[tuple[str, Path], tuple[Any, ...]] = {
    # The guide to function calling has streamed custom tool calls; ChoiceDeltaToolCall has not.
    ("chat.stream", ("choices", "delta", "tool_calls", "type")): ("custom",),
    # Every recorded chunk but the last has a finish_reason of null; Completion stands for the dict.
    ("completions.stream", ("choices", "finish_reason")): (None,),
    # Recorded completions of an empty text count no completion tokens; usage.counts owns the place.
    ("completions", ("usage", "completion_tokens")): (MISSING,),
    ("completions.stream", ("usage", "completion_tokens")): (MISSING,),
    # What gpt-4o-mini is recorded to call the text it completes.
    ("completions", ("object",)): (OBJECT_OF_CHAT_MODELS,),
    ("completions.stream", ("object",)): (OBJECT_OF_CHAT_MODELS,),
}


_BEFORE_AN_ECHO = (("token_logprobs", 0), ("top_logprobs", 0))
"""The first token of a prompt that `echo` repeats follows nothing, so it has no probability: api.openai.com
says null, and evaluation harnesses know it (stanford-crfm/helm#54)."""


def without_indexes(path: Path) -> Path:
    """The names of a path alone."""
    return tuple(step for step in path if isinstance(step, str))


@cache
def validator(name: str) -> Any:
    """The validator of one form; the types are imported when first needed (0.5 s)."""
    from openai.types import Completion, ErrorObject, Model
    from openai.types.chat import ChatCompletion, ChatCompletionChunk
    from pydantic import TypeAdapter

    types = {
        "chat": ChatCompletion,
        "chat.stream": ChatCompletionChunk,
        "completions": Completion,
        "completions.stream": Completion,
        "models": Model,
        "stored": ChatCompletion,
        "errors": ErrorObject,
    }
    adapter: TypeAdapter[Any] = TypeAdapter(types[name])
    adapter.rebuild()  # the types of openai put off building theirs
    return adapter.validator


LARGE, MOST_VALUES = 200_000, 20_000
"""Bytes of a text, and values of a larger one that are held against the type: pydantic keeps all errors it finds."""


def beginning(value: Any, budget: Iterator[int]) -> Any:
    """The value, with an end to its arrays and objects where the budget of items and members is used up."""
    if isinstance(value, dict):
        return {name: beginning(member, budget) for (name, member), _ in zip(value.items(), budget, strict=False)}
    if isinstance(value, list):
        return [beginning(item, budget) for item, _ in zip(value, budget, strict=False)]
    return value


def shape_complaints(name: str, node: Node) -> Iterable[Complaint]:
    """What the SDK's type says against a value, as complaints at the members it names."""
    early, cut = is_early(node), has_cut_choice(node)
    for complaint in complain_by_type(validator(name), node):
        where = complaint[0]
        path, value = where.path[len(node.path) :], where.value
        if _in_an_added_annotation(node.value, path) or (early and _is_reason_of_old(node, path, cut)):
            continue
        if value is None and path[-2:] in _BEFORE_AN_ECHO:
            continue
        if value in FORMS_THE_TYPES_LACK.get((name, without_indexes(path)), ()):
            continue
        yield complaint


def complain_by_type(validator: Any, node: Node) -> Iterable[Complaint]:
    """What a type of the SDK says against a value, as complaints at the members it names."""
    value = node.value if len(node.document.text) <= LARGE else beginning(node.value, iter(range(MOST_VALUES)))
    try:
        validator.validate_python(value, strict=True)
    except ValidationError as error:
        for detail in errors_of_meant_member(error.errors(include_url=False, include_context=False)):
            path, value = follow_location(node.value, detail["loc"])
            if detail["type"] == "missing" and value is not MISSING:  # it is beyond the beginning
                continue
            yield Node(value, node.document, (*node.path, *path)), show(value), expected_kind(detail)


def _in_an_added_annotation(root: Any, path: Path) -> bool:
    """Whether the place lies in an annotation of a type the API does not have: an extension, not a fault."""
    if len(path) < 5 or path[0] != "choices" or path[2:4] != ("message", "annotations"):
        return False
    kind = root["choices"][path[1]]["message"]["annotations"][path[4]]
    kind = kind.get("type") if isinstance(kind, dict) else None
    return isinstance(kind, str) and kind != "url_citation"


def _is_reason_of_old(root: Node, path: Path, cut: bool) -> bool:
    """Whether the place is the `finish_reason` of a choice that ends as some did before 2025."""
    if len(path) != 3 or path[0] != "choices" or path[2] != "finish_reason" or not isinstance(path[1], int):
        return False
    return ends_as_of_old(root, Node(root.value["choices"][path[1]], root.document), cut)


def errors_of_meant_member(details: Sequence[Any]) -> list[Any]:
    """The errors of that member of a union which the value means to be.

    pydantic reports every member's; the one with the fewest errors is meant, and a member whose
    constant `type` is another one is not.
    """
    costs: dict[tuple[Any, ...], Counter[str]] = {}
    for detail in details:
        for union, member in _members(detail["loc"]):
            own_type = tuple(detail["loc"][len(union) + 1 :]) == ("type",)
            weight = (1000 if own_type else 100) if detail["type"] == "literal_error" else 1
            costs.setdefault(union, Counter())[member] += weight
    best = {union: min(members, key=lambda name: members[name]) for union, members in costs.items()}
    return [detail for detail in details if all(best[union] == member for union, member in _members(detail["loc"]))]


def _members(loc: Sequence[str | int]) -> Iterable[tuple[tuple[Any, ...], str]]:
    """The unions that a location goes through, with the class it takes in each."""
    for position, step in enumerate(loc):
        if isinstance(step, str) and step[:1].isupper():
            yield tuple(loc[:position]), step


def follow_location(value: Any, loc: Sequence[str | int]) -> tuple[Path, Any]:
    """The path in the document that a pydantic location means, and the value there.

    Locations also name union members and validators ("function", "str"); those lead nowhere in the
    document and are left out, unless they come last: then they are a missing member.
    """
    path: list[str | int] = []
    for position, step in enumerate(loc):
        if isinstance(value, dict) and isinstance(step, str):
            if step in value:
                value = value[step]
                path.append(step)
            elif position == len(loc) - 1:
                return (*path, step), MISSING
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
            path.append(step)
    return tuple(path), value


def expected_kind(detail: Any) -> str:
    """What pydantic expected, in the words of JSON."""
    kinds = {
        "string_type": "a string",
        "int_type": "an integer",
        "float_type": "a number",
        "bool_type": "a boolean",
        "list_type": "an array",
        "dict_type": "an object",
        "model_type": "an object",
        "missing": "a value: the member is required",
    }
    message = str(detail["msg"]).replace("Input should be ", "")
    return kinds.get(detail["type"], message)


TYPED = "typed SDKs (Go, Rust, Java) fail to decode"
WHOLE = f"{TYPED} it; the official ones pass on a value that no type allows"
_CHUNK = f"{TYPED} the chunk and end the stream"
UNCHECKED = "the types are those of the API reference; the clients measured do not check them, typed ones do"
_ERROR = "typed SDKs fail to decode the error, and users are told of that failure instead of the cause"

for section, over, what, harm in (
    (chat, dicts, "a chat completion", WHOLE),
    (chat_stream, chunks, "a chunk", _CHUNK),
    (completions, TEXT.dicts, "a text completion", WHOLE),
    (completions_stream, TEXT.chunks, "a streamed text completion", _CHUNK),
    (models, model_objects, "a model object", f"{TYPED} the list, and no model can be chosen"),
    (stored, stored_completions, "a stored completion", WHOLE),
    (errors, error_objects, "an error", _ERROR),
):
    clause = f"Every member of {what} has the type that the API reference gives it."
    register = section.rule("shape", over=over, generic=True, clause=clause, harm=harm, basis=UNCHECKED)
    register(partial(shape_complaints, section.name))
