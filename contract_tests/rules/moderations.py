"""Section moderations: what a text or a picture is flagged for (POST /moderations)."""

from __future__ import annotations

from collections.abc import Iterable

from contract_tests.rules.embeddings import count_inputs
from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.subjects import Endpoint, bodies, only
from contract_tests.rules.engine.view import View
from contract_tests.rules.shared.reply import complain_unless_object, complain_unless_objects
from fake_server.wire.exchange import Aspect
from fake_server.wire.text import format_count

moderations = Section("moderations", "Moderations", see.MODERATION_OBJECT)

CATEGORIES = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening"),
    *("self-harm", "self-harm/instructions", "self-harm/intent"),
    *("sexual", "sexual/minors", "violence", "violence/graphic"),
)
"""What every moderation model since 2023 judges; the omni models add two illicit ones."""
INPUT_TYPES = frozenset(("text", "image"))


@moderations.rule(
    "is-object",
    over=only(bodies, lambda view: view.endpoint == "moderations" and view.ok),
    harm="clients get a string or a bare list, and nothing is ever flagged",
)
def is_object(view: View) -> Iterable[Complaint]:
    """The answer is one JSON object."""
    return complain_unless_object(view)


_answers = Endpoint("moderations").dicts_and_strays
"""The body of a successful answer."""
_moderations = only(_answers, lambda root: root["results"].there)
"""The body that is a moderation."""


@moderations.rule(
    "stamp",
    over=_moderations,
    harm="nobody can say later which model judged, or find the judgement again",
)
def stamp(root: Node) -> Iterable[Complaint]:
    """`id` and `model` are non-empty strings."""
    for name in ("id", "model"):
        if not root[name].text.strip():
            yield root[name], str(root[name]), "a non-empty string"


@moderations.rule("results", over=_answers, harm="`reply.results[0]` raises: the text is shown unjudged, or not at all")
def results(root: Node) -> Iterable[Complaint]:
    """`results` is an array of objects with at least one in it."""
    if root["results"].there:
        yield from complain_unless_objects(root["results"])
    else:
        yield root["results"], f"a reply that is no moderation: {root}", "a non-empty array"


def _counted(view: View) -> Iterable[tuple[Node, int]]:
    """The results, and how many there are to be; parts of a message are one input."""
    given = view.request["input"].value
    in_parts = isinstance(given, list) and given and all(isinstance(item, dict) for item in given)
    wanted = 1 if in_parts else count_inputs(view)
    for root in _answers(view) if wanted is not None else ():
        if root["results"].kind == "array":
            yield root["results"], wanted or 0


@moderations.rule(
    "count",
    over=_counted,
    needs=[Aspect.REQUEST],
    yields_to=(".results",),
    see=see.MODERATION_CREATE,
    harm="clients zip texts and results: the last texts pass unjudged",
)
def count(node: Node, wanted: int) -> Iterable[Complaint]:
    """There is one result for each input; parts that are given together are one."""
    if len(node.value) != wanted:
        yield node, format_count(len(node.value), "result"), str(wanted)


def _results(view: View) -> Iterable[Node]:
    for root in _answers(view):
        yield from (result for result in root["results"] if result.kind == "object")


@moderations.rule("flagged", over=_results, harm="`if result.flagged` lets everything through, or nothing")
def flagged(result: Node) -> Iterable[Complaint]:
    """`flagged` is a boolean."""
    if result["flagged"].kind != "boolean":
        yield result["flagged"], str(result["flagged"]), "true or false"


def _members(node: Node) -> Iterable[Node]:
    """The members of an object."""
    return [node[name] for name in node.value] if node.kind == "object" else []


@moderations.rule("categories", over=_results, harm='`if categories.violence` takes "false" and 0.2 for true')
def categories(result: Node) -> Iterable[Complaint]:
    """`categories` is an object with a boolean for each category."""
    if result["categories"].kind != "object" or not result["categories"].value:
        yield result["categories"], str(result["categories"]), "an object of booleans"
    for verdict in _members(result["categories"]):
        if verdict.kind != "boolean":
            yield verdict, str(verdict), "true or false"


@moderations.rule("scores", over=_results, harm="a threshold of one's own is compared with text, null, or a percentage")
def scores(result: Node) -> Iterable[Complaint]:
    """`category_scores` is an object with a number from 0 to 1 for each category."""
    if result["category_scores"].kind != "object" or not result["category_scores"].value:
        yield result["category_scores"], str(result["category_scores"]), "an object of numbers"
    for score in _members(result["category_scores"]):
        if score.number is None or not 0 <= score.number <= 1:
            yield score, str(score), "a number from 0 to 1"


def _with_maps(view: View) -> Iterable[tuple[Node, list[Node]]]:
    """Each result with its maps from categories."""
    names = ("categories", "category_scores", "category_applied_input_types")
    for result in _results(view):
        yield result, [result[name] for name in names if result[name].kind == "object"]


@moderations.rule(
    "same-categories",
    over=_with_maps,
    yields_to=(".categories", ".scores", ".input-types"),
    harm="looking up the score of a flagged category raises",
)
def same_categories(result: Node, maps: list[Node]) -> Iterable[Complaint]:
    """The maps of a result name the same categories."""
    known = dict.fromkeys(name for node in maps for name in node.value)
    for node in maps:
        for name in known:
            if not node[name].there:
                yield node[name], f"{name} is missing in {node.path[-1]}", "the same categories in each map"


@moderations.rule(
    "known-categories",
    over=lambda view: (result["categories"] for result in _results(view) if result["categories"].value),
    level=SHOULD,
    yields_to=(".same-categories",),
    harm="openai-python, which declares them, reads None: `if categories.harassment` never holds",
)
def known_categories(node: Node) -> Iterable[Complaint]:
    """The eleven categories of the reference that apply to any text are there."""
    lacking = [name for name in CATEGORIES if not node[name].there]
    if lacking and node.kind == "object":
        shown = ", ".join(lacking[:3]) + (" and more" if len(lacking) > 3 else "")
        yield node, f"{shown} missing", "every category of the reference"


def _verdicts(view: View) -> Iterable[tuple[Node, bool]]:
    """`flagged` of each result beside whether some category is true."""
    for result in _results(view):
        if result["flagged"].kind == "boolean" and result["categories"].kind == "object":
            yield result["flagged"], any(value is True for value in result["categories"].value.values())


@moderations.rule(
    "flagged-agrees",
    over=_verdicts,
    yields_to=(".categories", ".same-categories"),
    harm="what one client blocks by `flagged`, another one shows by its categories",
)
def flagged_agrees(node: Node, any_category: bool) -> Iterable[Complaint]:
    """`flagged` is true where a category is, and false where none is."""
    if node.value is not any_category:
        yield node, f"{node}, with {'a' if any_category else 'no'} category flagged", str(any_category).lower()


@moderations.rule(
    "input-types",
    over=only(_results, lambda result: result["category_applied_input_types"].there),
    harm="typed SDKs fail to decode the result",
    basis="the type is that of the API reference; the clients measured do not check it, typed ones do",
)
def input_types(result: Node) -> Iterable[Complaint]:
    """`category_applied_input_types`, if a result has it, names text, image or neither for each category."""
    node = result["category_applied_input_types"]
    if node.kind != "object":
        yield node, str(node), "an object of arrays"
    for types in _members(node):
        known = [item.text for item in types if item.text in INPUT_TYPES]
        if types.kind != "array" or len(set(known)) != len(types.value):
            yield types, str(types), "an array of text and image, each at most once"


def _applied(view: View) -> Iterable[tuple[Node, Node]]:
    """The score of each category that was applied to no input."""
    for result in _results(view):
        for types in _members(result["category_applied_input_types"]):
            if types.value == []:
                yield types, result["category_scores"][str(types.path[-1])]


@moderations.rule(
    "not-applied",
    over=_applied,
    level=SHOULD,
    harm="a picture is blocked for what was never looked at",
)
def not_applied(types: Node, score: Node) -> Iterable[Complaint]:
    """A category that is applied to no input has the score 0."""
    if score.number:
        yield types, f"no input, and the score {score}", "the types of input that were judged"
