"""The choices of a stream: `choices` of every chunk, and each choice from its first chunk to its last."""

from __future__ import annotations

from collections.abc import Iterable

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node, repeats
from contract_tests.rules.engine.shared_rules import SharedRules
from contract_tests.rules.engine.stream import StreamedChoice
from contract_tests.rules.engine.subjects import Endpoint
from contract_tests.rules.engine.view import View
from contract_tests.rules.shared.reply import streams_as_of_old
from fake_server.wire.exchange import Aspect

streamed_choices = SharedRules()


@streamed_choices.rule("choices", over=Endpoint.chunks, harm="`for choice in chunk.choices` raises on None")
def choices(chunk: Node) -> Iterable[Complaint]:
    """`choices` of every chunk is an array of objects."""
    node = chunk["choices"]
    if type(node.value) is not list:
        yield node, str(node), "an array"
    for choice in node:
        if type(choice.value) is not dict:
            yield choice, str(choice), "an object"


@streamed_choices.rule(
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


@streamed_choices.rule(
    "choice-once",
    over=Endpoint.chunks,
    level=SHOULD,
    harm="clients that take one entry of a chunk for each choice lose the second",
)
def choice_once(chunk: Node) -> Iterable[Complaint]:
    """A chunk has at most one entry for each choice."""
    for index in repeats(chunk["choices"], "index", int):
        yield index, f"choice {index.value} again in one chunk", "one entry"


@streamed_choices.rule(
    "empty-choices", over=Endpoint.chunks, level=SHOULD, harm="code that reads `choices[0]` of every chunk finds none"
)
def empty_choices(chunk: Node) -> Iterable[Complaint]:
    """Only a chunk that carries usage (or moderation results) has no choices."""
    if chunk.value.get("choices") == [] and not chunk["usage"] and not chunk["moderation"]:
        yield chunk["choices"], "[] in a chunk without usage"


# -- from its first chunk to its last

LONG = 200
"""Characters of an answer that comes in more than one piece; no recorded delta has more than 16."""
_MOST = 0.9
"""The share of a long answer that one piece may hold."""


def is_long(choice: StreamedChoice) -> bool:
    """Whether the text is so long that it comes in several pieces."""
    return len(choice.text) >= LONG


def complain_unless_in_pieces(choice: StreamedChoice) -> Iterable[Complaint]:
    """What is wrong with a long text that nearly all comes in one piece."""
    pieces = [
        entry["delta"]["content"] if entry["delta"].says("content") else entry["text"] for entry in choice.entries
    ]
    longest = max(pieces, key=lambda piece: len(piece.text))
    if len(longest.text) > _MOST * len(choice.text):
        yield longest, f"{len(longest.text)} of {len(choice.text)} characters in one piece", "a few words in each"


@streamed_choices.rule(
    "steady-logprobs",
    over=Endpoint.streamed_choices,
    level=SHOULD,
    harm="code that reads `logprobs` of every chunk fails in mid-stream",
)
def steady_logprobs(choice: StreamedChoice) -> Iterable[Complaint]:
    """A choice has the member `logprobs` in all its chunks, or in none."""
    first = "logprobs" in choice.entries[0].value
    for entry in choice.entries[1:]:
        if ("logprobs" in entry.value) is not first:
            yield entry["logprobs"], "missing" if first else "there", "as in the first chunk"
            return


@streamed_choices.rule(
    "choice-count",
    over=Endpoint.whole_streams,
    needs=[Aspect.REQUEST],
    yields_to=(".choice-index",),
    see=see.CHAT_CREATE,
    harm="an answer that was asked for is missing, and nothing says so",
)
def choice_count(view: View) -> Iterable[Complaint]:
    """Every choice that was requested appears in the stream."""
    missing = set(range(view.wanted_choices)) - {choice.index for choice in view.streamed}
    if missing and view.streamed:
        yield view.end, f"no chunk of choice {', '.join(map(str, sorted(missing)))}"


@streamed_choices.rule(
    "finishes",
    over=lambda endpoint, view: () if streams_as_of_old(view) else endpoint.whole_streamed_choices(view),
    yields_to=(".choice-index",),
    harm="nothing tells an answer that is whole from one that was cut",
)
def finishes(choice: StreamedChoice) -> Iterable[Complaint]:
    """Each choice ends with a chunk that gives its `finish_reason`."""
    if not choice.finishes:
        yield choice.entries[-1], f"choice {choice.index} never gets a finish_reason"


@streamed_choices.rule(
    "finishes-once",
    over=Endpoint.streamed_choices,
    yields_to=("usage.stream-no-choices", ".choice-count", ".finish-reason"),
    basis="the API reference: finish_reason is the reason the model stopped generating tokens; the clients measured "
    "read on to the end of the stream",
    harm="clients that stop at the finish_reason lose what follows",
)
def finishes_once(choice: StreamedChoice) -> Iterable[Complaint]:
    """Each choice gives its `finish_reason` in one chunk, which is its last."""
    if choice.is_doubled:
        yield choice.entries[0], "each chunk comes twice", "each chunk once", "each piece of the answer is read twice"
    ended = next((at for at, entry in enumerate(choice.entries) if entry.says("finish_reason")), None)
    after = choice.entries[ended + 1 :] if ended is not None else []
    # api.openai.com is recorded to say the reason of a text completion again, with an empty text.
    more = [entry for entry in after if entry.get("text") != "" or not entry.says("finish_reason")]
    if more:
        yield more[0], "a chunk of the choice follows its finish_reason"
