"""Section relations, moderations: a text is judged alike in a batch and alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.exchanges import relations


def _flags(view: View | None) -> list[Node]:
    """The `flagged` of each result of a moderation."""
    nodes = [result["flagged"] for result in view.root["results"]] if view is not None and view.is_dict else []
    return nodes if all(node.kind == "boolean" for node in nodes) else []


def _batches_beside_singles(trace: Trace) -> Iterator[tuple[list[list[Node]], list[Node]]]:
    """What each batch says of its inputs, beside what is said of each alone, where that is not the same of all."""
    alone = [flag for number in range(1, 9) for flag in _flags(trace.roles.get(f"single {number}"))[:1]]
    batches = [_flags(view) for view in trace.samples("batch")]
    if len({flag.value for flag in alone}) == 2 and all(len(batch) == len(alone) for batch in batches):
        yield batches, alone


@relations.rule(
    "moderated-alike",
    over=_batches_beside_singles,
    see=see.MODERATION_CREATE,
    harm="one user is blocked for what another one wrote",
)
def moderated_alike(batches: list[list[Node]], alone: list[Node]) -> Iterable[Complaint]:
    """A text in a batch is flagged as it is when it is sent alone."""
    for place, single in enumerate(alone):
        flags = [batch[place] for batch in batches]
        if flags and all(flag.value is not single.value for flag in flags):  # a second batch says the same
            yield flags[0], f"input {place + 1} of the batch: {flags[0]}", f"{single}, as alone"
