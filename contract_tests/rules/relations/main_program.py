"""Section client: what main(), the seed program, makes of the target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import Complaint, Section
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View

client = Section(
    "client",
    "What main() makes of the target",
    see.CHAT_CREATE,
    relation=True,
    basis="the official SDK itself fails on this target",
)


def _main(trace: Trace, role: str) -> Iterator[tuple[str, View | None]]:
    if role in trace.troubles:
        yield trace.troubles[role], trace.roles.get(role)


@client.rule(
    "main-dict",
    over=lambda trace: _main(trace, "main dict"),
    expected="the answer, and exit code 0",
    harm="a stock client cannot use the target at all",
)
def main_dict(trouble: str, view: View | None) -> Iterable[Complaint]:
    """The official SDK gets an answer from the target in one dict, and main() prints it."""
    if trouble:
        yield view, trouble


@client.rule(
    "main-stream",
    over=lambda trace: _main(trace, "main stream"),
    expected="the answer, and exit code 0",
    harm="a stock client cannot stream from the target at all",
)
def main_stream(trouble: str, view: View | None) -> Iterable[Complaint]:
    """The official SDK gets an answer from the target token by token, and main() prints it."""
    if trouble:
        yield view, trouble
