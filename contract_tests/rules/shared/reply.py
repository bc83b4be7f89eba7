"""A reply as one object: its members `object`, `id`, `created` and `model`, and its list of choices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from contract_tests.rules.engine.judge import Complaint, Section
from contract_tests.rules.engine.kinds import is_chunk, is_completion, is_early, is_of_another_kind
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.shared_rules import SEE_CREATE, SharedRules
from contract_tests.rules.engine.subjects import Endpoint
from contract_tests.rules.engine.view import View
from fake_server.relay.redact import excerpt
from fake_server.wire.exchange import Aspect
from fake_server.wire.text import format_count

EARLIEST, LATEST = 1_400_000_000, 4_102_444_800  # 2014 and 2100, in seconds: milliseconds are far above
ROLES = frozenset({"developer", "system", "user", "assistant", "tool", "function"})
"""Who may have said a message."""

Over = Callable[[View], Iterable[Any]]


def is_text(value: Any) -> bool:
    """Whether the value is a string with more than white space in it."""
    return isinstance(value, str) and bool(value.strip())


def is_time(value: Any) -> bool:
    """Whether the value is a time in seconds since 1970."""
    return type(value) is int and EARLIEST <= value <= LATEST


def harm_of_count(node: Node) -> str:
    """What follows from a count that is none: a negative one adds up, and takes from the sum; '' for the rule's."""
    return "costs and budgets add up to too little" if (node.number or 0) < 0 else ""


def complain_unless_time(node: Node) -> Iterable[Complaint]:
    """What is wrong with a `created` member: its type, or a time that cannot be seconds."""
    if type(node.value) is not int:
        yield node, str(node), "an integer"
    elif not is_time(node.value):
        yield node, str(node.value), "seconds since 1970, between 2014 and 2100"


def complain_unless_object(view: View) -> Iterable[Complaint]:
    """What is wrong with a body that is to be one JSON object; broken JSON is another rule's."""
    if view.form != "json" or (view.document.ok and not isinstance(view.document.value, dict)):
        yield view, f"the body begins {excerpt(view.body[:600].decode('utf-8', 'replace'), 40)!r}", "one JSON object"


def complain_unless_objects(node: Node) -> Iterable[Complaint]:
    """What is wrong with a member that is to be an array of at least one object."""
    if node.kind != "array" or not node.value:
        yield node, str(node), "a non-empty array"
    for entry in node:
        if entry.kind != "object":
            yield entry, str(entry), "an object"


def complain_unless_numbered(entries: Node) -> Iterable[Complaint]:
    """What is wrong with the members `index` of entries that are to have 0, 1, 2 …, each once."""
    wanted = set(range(len(list(entries))))
    for position, entry in enumerate(entries):
        index = entry["index"]
        if entry.kind == "object" and (index.kind != "integer" or index.value not in wanted):
            yield index, str(index), str(position)
        wanted.discard(index.value if index.kind == "integer" else None)


def always(named: str) -> str:
    """What the API reference says of every member `object`."""
    return f"the API reference: 'The object type, which is always {named}'"


def envelope(section: Section, over: Over, named: str, recorded: str = "", with_strays: Over | None = None) -> None:
    """The members `object`, `id`, `created` and `model` of a reply, or of every chunk.

    `recorded` is another `object` that api.openai.com is recorded to say. `with_strays` also yields the objects
    that are no completions, nor chunks of one: they are named once, and nothing else is asked of them.
    """

    @section.rule(
        "object",
        over=with_strays or over,
        clause=f'`object` is "{named}".',
        basis=always(named),
        harm="clients and gateways that tell replies apart by `object` take it for something else",
    )
    def object_(root: Node) -> Iterable[Complaint]:
        if with_strays and root.document.event and is_of_another_kind(root, section.name.partition(".")[0]):
            is_whole = root.text_of("object") == "chat.completion"
            what = "a whole answer as an event of a stream" if is_whole else "an event of another endpoint's stream"
            harm = "clients do not find in it what a chunk has: code that reads it raises, or loses the text"
            yield root, f"{what}: {root}", f'"{named}"', harm
        elif with_strays and not is_completion(root):
            what = "an event that is no chunk" if root.document.event else "a reply that is no completion"
            yield root, f"{what}: {root}", f'"{named}"', "clients find no choices: code that reads them raises on None"
        elif with_strays and not root.document.event and is_chunk(root):
            harm = "clients find no whole answer: code that reads `choices[0].message.content` raises"
            yield root, f"a chunk of a stream as the whole reply: {root}", f'"{named}"', harm
        elif root.value.get("object") not in (named, recorded or named):
            yield root["object"], str(root["object"]), f'"{named}"'

    @section.rule("id", over=over, harm="logs and clients that key by id mix answers up")
    def id_(root: Node) -> Iterable[Complaint]:
        """`id` is a non-empty string."""
        if not is_text(root.value.get("id")):
            yield root["id"], str(root["id"]), "a non-empty string"

    @section.rule("created", over=over, harm="typed clients refuse it, or show a date in another millennium")
    def created(root: Node) -> Iterable[Complaint]:
        """`created` is the Unix time in whole seconds."""
        if not is_time(root.value.get("created")):
            yield from complain_unless_time(root["created"])

    @section.rule(
        "model",
        over=over,
        yields_to=("errors.refuses-no-model",),  # which model was asked for, nobody said
        harm="costs and logs are attributed to no model",
    )
    def model(root: Node) -> Iterable[Complaint]:
        """`model` is a non-empty string."""
        if not is_text(root.value.get("model")):
            yield root["model"], str(root["model"]), "a non-empty string"


# -- what api.openai.com is recorded to have answered in earlier years


def ends_as_of_old(root: Node, choice: Node, cut: bool) -> bool:
    """Whether `finish_details` stands for the reason of a choice, or null beside a choice `cut` by the limit."""
    unsaid = choice["finish_reason"].value is None and cut
    return is_early(root) and (unsaid or bool(choice["finish_details"]["type"].text))


def has_cut_choice(root: Node) -> bool:
    """Whether a choice of a dict was cut by the limit."""
    return any(choice.text_of("finish_reason") == "length" for choice in root["choices"])


def choices_with_reason(endpoint: Endpoint, view: View) -> Iterable[Node]:
    """The choices of a dict less those that end as some did before 2025."""
    for root in endpoint.dicts(view):
        cut = has_cut_choice(root)
        yield from (choice for choice in endpoint.choices(view) if not ends_as_of_old(root, choice, cut))


def streams_as_of_old(view: View) -> bool:
    """Whether some choice of a stream ends as `ends_as_of_old` has it."""
    ends = (entry for choice in view.streamed for entry in choice.entries[-1:])
    cut = any(choice.finish_reason == "length" for choice in view.streamed)
    details = any(entry["finish_details"]["type"].text for entry in ends)
    return bool(view.chunks) and is_early(view.chunks[0]) and (cut or details)


NOTHING_SAID = "clients report an empty success: nothing was generated, and nobody says why"
EMPTY_TO_MAIN = "the seed program, main(), takes an empty answer for a failure: exit code 7"
_NO_ANSWER = ("role", "annotations")


def says_anything(parts: Iterable[Node]) -> bool:
    """Whether messages, or deltas, hold text, a call, a refusal, audio, reasoning or anything else of an answer."""
    return any(value and name not in _NO_ANSWER for part in parts for name, value in part.value.items())


dict_reply = SharedRules()
choice_list = SharedRules()


@dict_reply.rule(
    "is-dict",
    over=Endpoint.unstreamed,
    needs=[Aspect.REQUEST],
    harm="clients get a string, or an object full of None",
)
def is_dict(view: View) -> Iterable[Complaint]:
    """A request without `stream: true` is answered with one JSON object."""
    if view.form == "events":
        yield view, "server-sent events", "one JSON object"
    else:
        yield from complain_unless_object(view)


@choice_list.rule("choices", over=Endpoint.dicts, harm="code that reads `reply.choices[0]` raises, or nothing is read")
def choices(root: Node) -> Iterable[Complaint]:
    """`choices` is an array with at least one object in it."""
    return complain_unless_objects(root["choices"])


@choice_list.rule("choice-index", over=Endpoint.dicts, harm="clients that sort by index lose or mix answers")
def choice_index(root: Node) -> Iterable[Complaint]:
    """The choices have the numbers 0, 1, 2 … as their `index`, each once."""
    return complain_unless_numbered(root["choices"])


@choice_list.rule(
    "choice-count",
    over=lambda endpoint, view: ((view, root["choices"]) for root in endpoint.dicts(view) if list(root["choices"])),
    see=SEE_CREATE,
    needs=[Aspect.REQUEST],
    yields_to=(".choices",),
    harm="an answer that was asked for is missing: the index of the last choice raises",
)
def choice_count(view: View, node: Node) -> Iterable[Complaint]:
    """There are `n` choices for each prompt, one if `n` is absent."""
    number, wanted = len(node.value), view.wanted_choices
    if number != wanted:
        harm = "answers that nobody asked for are paid for and thrown away" if number > wanted else ""
        yield node, format_count(number, "choice"), str(wanted), harm


def complain_unless_same_categories(result: Node) -> Iterable[Complaint]:
    """A category that one map of a moderation result names and another lacks."""
    names = ("categories", "category_scores", "category_applied_input_types")
    categories = {name: set(result[name].value) for name in names if result[name].kind == "object"}
    known: set[str] = set().union(*categories.values())
    for name in names:
        for lacking in sorted(known - categories.get(name, set())):
            yield result[name][lacking], f"{lacking} is missing in {name}", "the same categories in each map"
