"""A fixture for each bug that one exchange shows: `python -m contract_tests.lab.bug_fixtures --write`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from contract_tests.lab.tools.checkout import FIXTURES
from fake_server.bugs.catalogue import Bug, bugs
from fake_server.faults import Fault
from fake_server.faults.replies import Error
from fake_server.faults.requests import Misread
from fake_server.wire.delivery import Delivery, reason_phrase
from fake_server.wire.exchange import Aspect, Exchange, Framing, Write
from fake_server.wire.fixture import Fixture, load, save
from fake_server.wire.proof import capture_replay

FOLDER = FIXTURES / "bugs"
_ID = "x-request-id"
_FRAMING = frozenset({"content-length", "transfer-encoding"})


def conforming(bug: Bug) -> Exchange:
    """The conforming exchange that the bug spoils."""
    return load(FIXTURES / "conforming" / f"{bug.of}.yaml").exchange


def defective(bug: Bug) -> Exchange:
    """The same exchange with that defect and no other. Raises NotPossible if it cannot have the defect."""
    base = conforming(bug)
    headers = tuple(pair for pair in base.headers if pair[0].lower() not in _FRAMING)
    length = len(base.payload) if base.framing is Framing.LENGTH else None
    delivery = Delivery(base.status or 0, headers, base.writes, length)
    for fault in sorted(_faults(bug, base), key=lambda fault: fault.applied_last):
        delivery = fault.apply(delivery)
    delivery = delivery.but(headers=_in_place(base, delivery))
    return _with_delivery(base, delivery)


def fixture(bug: Bug) -> Fixture:
    """The defective exchange with what is known about the bug."""
    servers = "; ".join(f"{report.server}: {report.source}" for report in bug.seen)
    return Fixture(defective(bug).but(label=bug.id), bug.title, tuple(bug.breaks), servers, f"severity: {bug.severity}")


def shown() -> Iterator[Bug]:
    """The bugs that show in a single exchange."""
    return (bug for bug in bugs().values() if bug.of is not None)


def path_of(bug: Bug) -> Path:
    return FOLDER / f"{bug.id}.yaml"


def _faults(bug: Bug, base: Exchange) -> list[Fault]:
    """The faults to apply; a fixture that is an error already gets no other error."""
    faults: list[Fault] = list(bug.play if bug.shown is None else bug.shown)
    if (base.status or 0) >= 400:
        faults = [fault for fault in faults if not isinstance(fault, Error)]
    return [fault for fault in faults if not isinstance(fault, Misread)]


def _in_place(base: Exchange, delivery: Delivery) -> tuple[tuple[str, str], ...]:
    """The header fields of the delivery, in the order and spelling that the exchange has them in."""
    rest = {name.lower(): value for name, value in delivery.headers}
    own = {name.lower(): value for name, value in base.headers}
    if _ID in own:
        rest.setdefault(_ID, own[_ID])  # every reply has one, even one that a fault makes up
    shared = [(name, rest.pop(name.lower())) for name, _ in base.headers if name.lower() in rest]
    return (*shared, *rest.items())


def _with_delivery(base: Exchange, delivery: Delivery) -> Exchange:
    writes = tuple(Write(write.data, round(write.pause, 6)) for write in delivery.writes if write.data)
    size = sum(len(write.data) for write in writes)
    framing = Framing.CHUNKED if delivery.length is None else Framing.LENGTH
    length = ("Transfer-Encoding", "chunked") if delivery.length is None else ("Content-Length", str(size))
    made = base.but(
        status=delivery.status,
        reason=reason_phrase(delivery.status),
        headers=(*delivery.headers, length),
        writes=writes,
        framing=framing,
        ending=delivery.ending,
    )
    return made.but(problem=capture_replay(made).problem) if made.knows(Aspect.ENDING) else made


def main() -> int:
    """Name the fixtures that are out of date and return 1; with `--write`, write them instead."""
    write, stale = "--write" in sys.argv[1:], []
    for bug in shown():
        made, path = fixture(bug), path_of(bug)
        if path.exists() and load(path) == made:
            continue
        stale.append(path.name)
        if write:
            for old in FOLDER.glob(f"{bug.id}-????????????.body"):
                old.unlink()
            save(made, path)
    for name in stale:
        print(f"{'written' if write else 'differs'}: {name}")
    return 0 if write or not stale else 1


if __name__ == "__main__":
    sys.exit(main())
