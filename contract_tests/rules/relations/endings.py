"""Section relations, answers that end early: a caller hangs up, or a stop sequence comes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.answers import Answer, answers, says, whole_text
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.exchanges import relations
from contract_tests.rules.shared.causes import FINISH_SPOILED, TEXT_SPOILED
from contract_tests.rules.shared.limits import stop_sequences
from fake_server.relay.redact import excerpt, excerpt_end
from fake_server.wire.text import format_count

SLOWER, MARGIN = 3.0, 0.5
"""An answer was held up when it took so many times another one's time, and so many seconds more."""


def duration(view: View) -> float:
    """From the end of the request to the end of the reply."""
    exchange = view.exchange
    return exchange.head_pause + sum(write.pause for write in exchange.writes)


def limit_of(view: View) -> float:
    """Seconds within which another answer to the same question is to come."""
    return SLOWER * duration(view) + MARGIN


def took_much_longer(view: View, other: View) -> bool:
    """Whether an answer took much longer than another one to the same question."""
    return duration(view) > limit_of(other)


def _behind_leavers(trace: Trace) -> Iterator[tuple[str, list[View], View]]:
    """What callers left, the answers behind them, and the slower of the two answers before and long after."""
    for what, role in (("streams", "next"), ("dicts", "dict next")):
        behind = [trace.roles[name] for name in (role, f"{role} again") if name in trace.roles]
        for before in trace.together("before", "later") if len(behind) > 1 else trace.together("before"):
            if behind and all(view.ok for view in before):
                yield what, behind, max(before, key=duration)


@relations.rule(
    "leaver-not-served",
    over=_behind_leavers,
    level=SHOULD,
    expected="about the time that the same answer takes otherwise",
    harm="a user who stops an answer still waits for its end, and so does everybody else",
)
def leaver_not_served(what: str, behind: list[View], usual: View) -> Iterable[Complaint]:
    """After a caller has hung up, the next one does not wait for the rest of that answer."""
    if len(behind) > 1 and all(took_much_longer(view, usual) for view in behind):  # once is chance
        waited = min(map(duration, behind))
        yield behind[0], f"{waited:.1f} s behind callers that left {what}, twice; {duration(usual):.1f} s without them"


# -- streams that are held back

MANY_WORDS, AT_ONCE = 40, 0.2
"""Words of an answer worth streaming; seconds in which all of one that was held back comes."""


def held_back(long: View, short: View) -> bool:
    """Whether a long answer came all at once, long after a short one to the same question was complete."""
    exchange = long.exchange
    first, rest = exchange.writes[:1], exchange.writes[1:]
    began = exchange.head_pause + sum(write.pause for write in first)
    at_once = sum(write.pause for write in rest) < AT_ONCE
    return at_once and began > limit_of(short) and len(whole_text(long).split()) >= MANY_WORDS


def _long_and_short_streams(trace: Trace) -> Iterator[list[tuple[View, View]]]:
    pairs = list(zip(trace.samples("long"), trace.samples("short"), strict=False))
    if pairs and all(view.ok for pair in pairs for view in pair):
        yield pairs


@relations.rule(
    "streamed-as-made",
    over=_long_and_short_streams,
    see=see.CHAT_CREATE,
    basis="the API reference: the response is streamed as it is generated",
    expected="a beginning that does not wait for the end",
    harm="users look at an empty page until the whole answer is there: it streams in name only",
)
def streamed_as_made(pairs: list[tuple[View, View]]) -> Iterable[Complaint]:
    """A stream begins before its answer is complete, however long that is."""
    if len(pairs) > 1 and all(held_back(long, short) for long, short in pairs):  # once is chance
        long, short = pairs[0]
        words, few = (format_count(len(whole_text(view).split()), "word") for view in (long, short))
        yield long, f"{words} at once after {duration(long):.1f} s, twice; {few} after {duration(short):.1f} s"


# -- limits


def _cut_answers(trace: Trace) -> Iterator[tuple[View, list[Answer], list[Answer]]]:
    """The first choice of each dict, or each stream, beside that of the answers with a higher limit."""
    longer = [next(answers(view)) for view in trace.samples("longer") if any(answers(view))]
    for role in ("dict", "stream"):
        views = [view for view in trace.samples(role) if any(answers(view)) and view.is_stream is (role == "stream")]
        if views and longer:
            yield views[0], [next(answers(view)) for view in views], longer


def _goes_on(text: str, longer: str) -> bool:
    """Whether the longer text begins with the other, in whatever letters, and says more."""
    begun, whole = text.strip().casefold(), longer.strip().casefold()
    return begun != "" and whole.startswith(begun) and any(map(str.isalnum, whole[len(begun) :]))


@relations.rule(
    "cut-said",
    over=_cut_answers,
    yields_to=("relations.same-finish", *TEXT_SPOILED, *FINISH_SPOILED),
    see=see.CHAT_OBJECT,
    expected="length",
    harm="a text that was cut off is taken for a whole one, and nobody asks for the rest",
)
def cut_said(view: View, cut: list[Answer], longer: list[Answer]) -> Iterable[Complaint]:
    """An answer does not claim to have ended by itself where a higher limit lets the same text go on."""
    if all(answer.finish == "stop" and _goes_on(answer.text, other.text) for answer in cut for other in longer):
        yield view, f"stop after {excerpt_end(cut[0].text, 40)!r}, which goes on in {excerpt(longer[0].text, 80)!r}"


# -- stop sequences


def wrong_end(view: View, text: str) -> str:
    """What is wrong with the end of an answer that repeats `text` up to a stop sequence.

    Empty where nothing is, and where it cannot be told: the text is worded in another way, the stop sequence is left
    (chat.stop-kept speaks of it), or it comes in other letters, which stop nothing.
    """
    text, said = text.casefold(), whole_text(view).casefold()
    stops = [stop.casefold() for stop in stop_sequences(view) if stop.casefold() in text]
    stop = min(stops, key=text.index, default="")
    before, _, after = text.partition(stop) if stop else (text, "", "")
    begins = re.search(rf"\b{re.escape(text.split()[0])}\b", said)
    if not view.ok or not stop or stop in said or (said.strip() and not begins):
        return ""
    repeated = said[begins.start() :] if begins else ""
    rest = repeated.removeprefix(before.rstrip()).strip()
    if repeated.strip() == before.strip():
        return ""
    if before.startswith(repeated.rstrip()):
        return f"ends after {excerpt_end(repeated, 40)!r}, before the stop sequence"
    if not repeated.startswith(before.rstrip()):
        return ""
    if stop.startswith(rest):
        return f"{rest!r} is left of the stop sequence {stop!r}"
    return f"{excerpt(rest, 40)!r} comes after the stop sequence" if any(word in rest for word in after.split()) else ""


def _stopped_answers(trace: Trace) -> Iterator[tuple[list[View], str]]:
    """Answers that repeat a text up to a stop sequence, and the text; ends that are wrong need it whole without one."""
    text = trace.expected.get("whole") or trace.expected.get("stopped", "")
    stopped, whole = ([view for view in trace.samples(role) if view.ok] for role in ("stopped", "whole"))
    repeats = all(says(view, text) for view in whole) and (whole or not all(wrong_end(view, text) for view in stopped))
    if text and stopped and repeats:
        yield stopped, text


@relations.rule(
    "stop-there",
    over=_stopped_answers,
    yields_to=TEXT_SPOILED,
    see=see.CHAT_CREATE,
    harm="text before the stop sequence is lost, or clients act on text after it",
)
def stop_there(stopped: list[View], text: str) -> Iterable[Complaint]:
    """A stop sequence ends the text where it begins: everything before it is said, and nothing else."""
    ends = [wrong_end(view, text) for view in stopped]
    if all(ends):
        yield stopped[0], ends[0]
