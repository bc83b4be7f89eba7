"""In which order genuine streams send their events, so that a stream that merely looks moved is known."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import pairwise
from typing import Any

from contract_tests.lab.mutation.genuine.forms import listed
from contract_tests.lab.mutation.genuine.reading import Reply, kind_of


class Order:
    """The orders of many genuine streams: of their events, and of the entries of each choice."""

    def __init__(self, streams: Iterable[Reply]) -> None:
        sequences = [(sequence, self._asked(reply)) for reply in streams for sequence in _sequences(reply)]
        self._repeated = {one for sequence, _ in sequences for one, two in pairwise(sequence) if one == two}
        self._known = {(self._folded(sequence), asked) for sequence, asked in sequences}

    def knows(self, reply: Reply) -> bool:
        asked = self._asked(reply)
        return all((self._folded(sequence), asked) in self._known for sequence in _sequences(reply))

    def _folded(self, sequence: list[Hashable]) -> tuple[Hashable, ...]:
        """The sequence with runs shortened to one where genuine streams have such runs."""
        return tuple(
            one
            for index, one in enumerate(sequence)
            if not (index and sequence[index - 1] == one and one in self._repeated)
        )

    @staticmethod
    def _asked(reply: Reply) -> bool:
        return reply.asked_usage


def _sequences(reply: Reply) -> list[list[Hashable]]:
    events: list[Hashable] = []
    choices: dict[Any, list[Hashable]] = {}
    for document in reply.documents:
        if document is None:
            events.append("done")
            continue
        entries = [one for one in listed(document, "choices") if isinstance(one, dict)]
        members = document if isinstance(document, dict) else {}
        usage = kind_of(members["usage"]) if "usage" in members else "absent"
        events.append(("choices" if entries else "none", usage))
        for entry in entries:
            choices.setdefault(repr(entry.get("index")), []).append(_class(entry))
    return [events, *choices.values()]


def _class(entry: dict[str, Any]) -> Hashable:
    delta = entry.get("delta")
    members = delta.items() if isinstance(delta, dict) else ()
    calls = tuple(
        "opens" if "id" in one else "goes on" for one in listed(delta, "tool_calls") if isinstance(one, dict)
    )
    return (
        tuple(sorted((name, value if name == "role" else kind_of(value)) for name, value in members)),
        calls,
        repr(entry.get("finish_reason")),
    )
