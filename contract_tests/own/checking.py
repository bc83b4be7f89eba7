"""Own rules, made safe: one that raises, hangs or returns nonsense is left out, and its fault is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from contract_tests.own.bounded import TookTooLong, bounded
from contract_tests.rules.engine.judge import MAX_COMPLAINTS, Complaint, Rule
from contract_tests.rules.engine.limits import MAX_ITEMS, OutOfTime
from contract_tests.rules.engine.node import Node, Place, TooManyValues
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import Payload, View
from fake_server.wire.sse import Event
from fake_server.wire.text import shorten

SECONDS = 5.0
"""What an own rule may take for one exchange."""
_PLACES = (Node, Event, Payload, View, Place)
_SHOWN = 200


@dataclass
class Faults:
    """What is wrong with own rules, by their ids: one line each. A rule with a fault is asked no more."""

    lines: dict[str, str] = field(default_factory=dict)


def guarded(rule: Rule, where: str, faults: Faults) -> Rule:
    """The rule, whose faults become a line of `faults` that begins with `where` (file:line of the rule)."""

    def over(subject: Any) -> Iterator[Any]:
        if rule.id in faults.lines:
            return
        try:
            with bounded(SECONDS):
                found = list(_complaints(rule, subject))
        except (OutOfTime, TooManyValues):
            raise
        except (Exception, SystemExit, TookTooLong) as error:
            label = subject.case_id if isinstance(subject, Trace) else subject.exchange.label
            about = f" while it judged {shorten(label, _SHOWN)}" if label else ""
            faults.lines[rule.id] = f"{where}: rule {rule.id} {_describe(error)}{about}"
            return
        yield from found

    return replace(rule, over=over, check=_as_found)


def _as_found(found: Iterable[Complaint]) -> Iterable[Complaint]:
    return found


class _Nonsense(Exception):
    """The rule is no rule; the text says what it did."""


def _describe(error: BaseException) -> str:
    if isinstance(error, _Nonsense | TookTooLong):
        return str(error)
    text = shorten(" ".join(str(error).split()), _SHOWN)
    return f"raised {type(error).__name__}{': ' * bool(text)}{text}"


def _complaints(rule: Rule, subject: Any) -> Iterator[list[Complaint]]:
    """For each subject what the rule says of it; nothing is asked where what it needs is not known."""
    unknown = frozenset() if isinstance(subject, Trace) else subject.exchange.unknown
    room = MAX_COMPLAINTS
    for part in islice(_iterate(rule.over(subject), "over"), MAX_ITEMS):
        if rule.needs & unknown:
            yield []
            continue
        found = [_checked(complaint) for complaint in islice(_iterate(rule.check(part), "its body"), room)]
        room -= len(found)
        yield found
        if not room:
            return


def _iterate(value: Any, what: str) -> Iterator[Any]:
    if value is None or isinstance(value, str | bytes | dict) or not hasattr(value, "__iter__"):
        raise _Nonsense(f"returns {type(value).__name__} from {what}; yield each of them, or return a list")
    return iter(value)


def _checked(complaint: Any) -> Complaint:
    if not isinstance(complaint, tuple) or not 2 <= len(complaint) <= 4:
        raise _Nonsense("complains with something else than (where, what was seen[, what was expected[, the harm]])")
    if not isinstance(complaint[0], _PLACES):
        raise _Nonsense(f"complains at {type(complaint[0]).__name__}; where is a Node, Event, Payload, View or Place")
    if not all(isinstance(text, str) for text in complaint[1:]):
        raise _Nonsense("complains with what is no text; what was seen and expected are strings")
    return complaint
