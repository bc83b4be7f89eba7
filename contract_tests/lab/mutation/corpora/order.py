"""The orders in which genuine streams send their events: a move that gives one of them breaks nothing."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import pairwise
from typing import Any

from contract_tests.lab.mutation.json_paths import array_at, kind_of
from contract_tests.lab.mutation.reply import Reply


class Order:
    """The orders of many genuine streams: of their events, and of the entries of each choice."""

    def __init__(self, streams: Iterable[Reply]) -> None:
        sequences = [(sequence, reply.wants_usage) for reply in streams for sequence in _sequences(reply)]
        self._repeated = {event for sequence, _ in sequences for event, after in pairwise(sequence) if event == after}
        self._known = {(self._folded(sequence), usage) for sequence, usage in sequences}

    def knows(self, reply: Reply) -> bool:
        return all((self._folded(sequence), reply.wants_usage) in self._known for sequence in _sequences(reply))

    def _folded(self, sequence: list[Hashable]) -> tuple[Hashable, ...]:
        """The sequence with runs shortened to one where genuine streams have such runs."""
        return tuple(
            event
            for index, event in enumerate(sequence)
            if not (index and sequence[index - 1] == event and event in self._repeated)
        )


def _sequences(reply: Reply) -> list[list[Hashable]]:
    events: list[Hashable] = []
    choices: dict[Any, list[Hashable]] = {}
    for document in reply.documents:
        if document is None:
            events.append("done")
            continue
        entries = [entry for entry in array_at(document, "choices") if isinstance(entry, dict)]
        members = document if isinstance(document, dict) else {}
        usage = kind_of(members["usage"]) if "usage" in members else "absent"
        events.append(("choices" if entries else "none", usage))
        for entry in entries:
            choices.setdefault(repr(entry.get("index")), []).append(_entry_class(entry))
    return [events, *choices.values()]


def _entry_class(entry: dict[str, Any]) -> Hashable:
    delta = entry.get("delta")
    members = delta.items() if isinstance(delta, dict) else ()
    calls = tuple(
        "opens" if "id" in call else "goes on" for call in array_at(delta, "tool_calls") if isinstance(call, dict)
    )
    return (
        tuple(sorted((name, value if name == "role" else kind_of(value)) for name, value in members)),
        calls,
        repr(entry.get("finish_reason")),
    )
