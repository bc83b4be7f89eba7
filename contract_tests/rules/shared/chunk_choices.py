"""`choices` of a single chunk: an array of objects that say which choice they continue."""

from __future__ import annotations

from collections.abc import Iterable

from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node, repeats
from contract_tests.rules.engine.shared_rules import SharedRules
from contract_tests.rules.engine.subjects import Endpoint
from contract_tests.rules.engine.view import View
from fake_server.wire.exchange import Aspect

chunk_choices = SharedRules()


@chunk_choices.rule("choices", over=Endpoint.chunks, harm="`for choice in chunk.choices` raises on None")
def choices(chunk: Node) -> Iterable[Complaint]:
    """`choices` of every chunk is an array of objects."""
    node = chunk["choices"]
    if type(node.value) is not list:
        yield node, str(node), "an array"
    for choice in node:
        if type(choice.value) is not dict:
            yield choice, str(choice), "an object"


@chunk_choices.rule(
    "choice-index",
    over=lambda endpoint, view: ((view, choice) for choice in endpoint.chunk_choices(view)),
    needs=[Aspect.REQUEST],
    harm="the text goes to a choice nobody reads",
)
def choice_index(view: View, choice: Node) -> Iterable[Complaint]:
    """`index` of every choice is a number below the number of requested choices: 0 if it is one."""
    value = choice.value.get("index")
    if type(value) is not int or not 0 <= value < view.wanted_choices:
        index = choice["index"]
        yield index, str(index), f"0 to {view.wanted_choices - 1}" if view.wanted_choices > 1 else "0"


@chunk_choices.rule(
    "choice-once",
    over=Endpoint.chunks,
    level=SHOULD,
    harm="clients that take one entry of a chunk for each choice lose the second",
)
def choice_once(chunk: Node) -> Iterable[Complaint]:
    """A chunk has at most one entry for each choice."""
    for index in repeats(chunk["choices"], "index", int):
        yield index, f"choice {index.value} again in one chunk", "one entry"


@chunk_choices.rule("empty-choices", over=Endpoint.chunks, level=SHOULD, harm="`chunk.choices[0]` raises IndexError")
def empty_choices(chunk: Node) -> Iterable[Complaint]:
    """Only a chunk that carries usage (or moderation results) has no choices."""
    if chunk.value.get("choices") == [] and not chunk["usage"] and not chunk["moderation"]:
        yield chunk["choices"], "[] in a chunk without usage"
