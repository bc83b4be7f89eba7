"""A chat stream put together again: what each choice said, kept with the chunks it came from."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from contract_tests.rules.engine.node import MISSING, Node


@dataclass
class StreamedCall:
    """One tool call of a streamed choice: its deltas in order."""

    choice: int
    index: int
    deltas: list[Node] = field(default_factory=list)

    @cached_property
    def first(self) -> Node:
        """The delta that opens the call."""
        return self.deltas[0]

    @property
    def is_mixed(self) -> bool:
        """Whether its deltas are those of several calls, by their ids: so nothing can be read."""
        return len({delta["id"].text for delta in self.deltas} - {""}) > 1

    @cached_property
    def name(self) -> str:
        """The function's name, which the first delta carries."""
        return "".join(delta["function"]["name"].text for delta in self.deltas[:1])

    @cached_property
    def arguments(self) -> str:
        """The arguments of all deltas, joined."""
        return "".join([delta["function"].text_of("arguments") for delta in self.deltas])


@dataclass
class StreamedChoice:
    """One choice of a stream: its entries (`choices[i]` nodes) in order."""

    index: int
    entries: list[Node] = field(default_factory=list)
    calls_by_index: dict[int, StreamedCall] = field(default_factory=dict)
    is_doubled: bool = False
    """Whether each chunk came twice; `entries` holds the first of the two."""

    @property
    def calls(self) -> Collection[StreamedCall]:
        """The tool calls in order of appearance."""
        return self.calls_by_index.values()

    @cached_property
    def text(self) -> str:
        """The text of all chunks, joined."""
        return "".join([entry["delta"].text_of("content") or entry.text_of("text") for entry in self.entries])

    @cached_property
    def refusal(self) -> str:
        """The refusal of all chunks, joined."""
        return "".join([entry["delta"].text_of("refusal") for entry in self.entries])

    @cached_property
    def roles(self) -> list[Node]:
        """Each `role` that a delta has, null ones included."""
        deltas = (entry["delta"] for entry in self.entries)
        return [delta["role"] for delta in deltas if delta.get("role") is not MISSING]

    @cached_property
    def finishes(self) -> list[Node]:
        """Each `finish_reason` that is not null."""
        return [entry["finish_reason"] for entry in self.entries if entry.says("finish_reason")]

    @cached_property
    def finish_reason(self) -> str:
        """The last reason, '' if there is none."""
        return self.finishes[-1].text if self.finishes else ""


def cumulative_text(pieces: Iterable[Node], name: str) -> Node | None:
    """The second text of a stream where each begins with the one before it; None where they do not."""
    growing = [piece for piece in pieces if piece.text_of(name)]
    texts = [piece.text_of(name) for piece in growing]
    grows = len(set(texts)) > 2 and len(texts) > 3 and all(b.startswith(a) for a, b in pairwise(texts))
    # a line of one sign (=, ==, ===) may grow like this by chance
    return growing[1][name] if grows and len(set(texts[-1])) > 1 else None


def assemble(chunks: Iterable[Node]) -> list[StreamedChoice]:
    """The choices of a stream in order of appearance; entries without an integer index are left out."""
    choices: dict[int, StreamedChoice] = {}
    for chunk in chunks:
        for entry in chunk["choices"]:
            index = entry.get("index")
            if type(index) is not int:
                continue
            choice = choices.get(index) or choices.setdefault(index, StreamedChoice(index))
            choice.entries.append(entry)
            delta = entry["delta"]
            for call in delta["tool_calls"] if delta.says("tool_calls") else ():
                if type(call.value) is dict:
                    _add_call(choice, call)
    return list(choices.values())


def _add_call(choice: StreamedChoice, delta: Node) -> None:
    index = delta.get("index")
    if type(index) is not int:
        # Without an index clients go by the id: a new one opens a call, none goes on with the last.
        index = len(choice.calls) - (not delta["id"].text and bool(choice.calls))
    calls = choice.calls_by_index
    (calls.get(index) or calls.setdefault(index, StreamedCall(choice.index, index))).deltas.append(delta)
