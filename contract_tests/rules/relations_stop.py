"""Section relations, stop sequences: where a text that is repeated ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.answers import whole_text
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.shared_limits import stop_sequences
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.exchanges import relations

Stopped = tuple[View, str, list[str]]
"""The answer that was to be stopped, what comes before the stop sequence, and the words that follow it."""


def _stopped(trace: Trace) -> Iterator[Stopped]:
    """An answer that repeats a text up to a stop sequence, where the text is repeated whole without one."""
    whole, stopped = trace.roles.get("whole"), trace.roles.get("stopped")
    text = trace.expected.get("whole", "")
    if not (whole and stopped and text and text in whole_text(whole)):
        return
    stops = stop_sequences(stopped)
    if any(one in whole_text(stopped) for one in stops):
        return  # chat.stop-kept speaks of that
    cuts = [text.partition(one) for one in stops if one in text]
    before, _, after = min(cuts, key=lambda cut: len(cut[0]), default=("", "", ""))
    if before.split() and before.split()[0] in whole_text(stopped):
        yield stopped, before.rstrip(), after.split()


@relations.rule(
    "stop-there",
    over=_stopped,
    relation=True,
    level=SHOULD,
    see=see.CHAT_CREATE,
    harm="text is lost that came before the stop sequence, or what follows it is acted upon",
)
def stop_there(part: Stopped) -> Iterable[Complaint]:
    """A stop sequence ends the text where it stands: all before it is said, and nothing after it."""
    view, before, after = part
    text = whole_text(view)
    if before not in text or any(word in text for word in after):
        yield view, f"{text[:80]!r}", repr(before)
