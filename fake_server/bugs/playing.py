"""Playing bugs: the faults that a request meets because of a bug of the server, of its header, or in force.

The catalogue is read when the first bug is named, so a server without bugs never loads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fake_server.api.request import ApiRequest
from fake_server.bugs.errors import BugError
from fake_server.faults import Fault
from fake_server.faults.active import ActiveFault, ActiveFaults
from fake_server.faults.events import NoDone
from fake_server.scripts import book as scripts
from fake_server.scripts import conditions

if TYPE_CHECKING:
    from fake_server.bugs.catalogue import Bug

HEADER = "x-fake-bug"
"""The request header that plays a bug, or several separated by commas, for one request."""


def find_bugs(names: Iterable[str]) -> tuple[Bug, ...]:
    """The bugs with these ids. Raises BugError."""
    wanted = tuple(names)
    if not wanted:
        return ()
    from fake_server.bugs.catalogue import find

    return tuple(find(name) for name in wanted)


def faults_of_bugs(bugs: Iterable[Bug], fields: Mapping[str, str], request: ApiRequest) -> list[Fault]:
    """The faults that this request meets of `bugs` and of those that its header names. Raises BugError."""
    names = (name.strip() for name in fields.get(HEADER, "").split(","))
    played = (*bugs, *find_bugs(name for name in names if name))
    faults = [fault for bug in played for fault in bug.faults_for(request.in_words)]
    return sorted(faults, key=_removes_done)


def strike(active: ActiveFaults, request: ApiRequest) -> list[ActiveFault]:
    """The faults in force that strike the reply to this request; each strike is counted."""
    struck = active.strike(request.in_words)
    return sorted(struck, key=lambda active_fault: active_fault.of_bug and _removes_done(active_fault.fault))


def _removes_done(fault: Fault) -> bool:
    """Whether a bug's fault takes `[DONE]` away: it comes last, as others count events from the end.

    The faults that an author writes keep the order in which they are written.
    """
    return isinstance(fault, NoDone)


def activate(item: Mapping[str, Any], faults: ActiveFaults) -> Iterator[ActiveFault]:
    """Put in force what `{fault, …}` or `{bug: ID}` describes, with `when` and `times` as in a script.

    Raises FaultError, BugError for an unknown bug, and ScriptError for a bad `when`.
    """
    described = dict(item)
    given, times = described.pop("when", None) or {}, described.pop("times", None)
    when, times = scripts.parse_when(given, "faults", times)

    def meets(request: ApiRequest) -> bool:
        return conditions.first_failure(when, request) is None

    if "bug" in described:
        yield from _activate_bug(described, faults, meets if given else None, times)
    else:
        yield faults.add(described, meets if given else None, times)


def _activate_bug(
    item: Mapping[str, Any],
    faults: ActiveFaults,
    when: Callable[[ApiRequest], bool] | None,
    times: int | None,
) -> Iterator[ActiveFault]:
    """Put the faults of the bug that `{bug: ID}` names in force. Raises BugError."""
    (bug,) = find_bugs([item["bug"]])
    unknown = [key for key in item if key != "bug"]
    if unknown:
        raise BugError(f"a bug has no {unknown[0]!r}: give bug, when and times")

    def meets(fault: Fault) -> Callable[[ApiRequest], bool]:
        return lambda request: fault in bug.faults_for(request) and (when is None or when(request))

    for fault in (*bug.play, *bug.otherwise):
        written = {"bug": bug.id, **fault.to_dict()}
        active = ActiveFault(f"bug {bug.id}", fault, meets(fault), times, written=written, of_bug=True)
        yield faults.activate(active)
