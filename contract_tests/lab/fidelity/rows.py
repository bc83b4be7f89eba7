"""The rows of the table: which property is checked on which reply, and the cells of one tool's column."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contract_tests.lab.fidelity import comparing
from contract_tests.lab.fidelity.capture import Capture
from contract_tests.lab.fidelity.comparing import YES, Cell, Check, Verdict
from contract_tests.lab.fidelity.replies import KEY, LEAKED
from contract_tests.lab.fidelity.tools import Measurement


@dataclass(frozen=True)
class Row:
    """A property, the reply it is checked on, and how; `while_recording`: on what the recorder passed on."""

    title: str
    reply: str
    check: Check
    while_recording: bool = False


ROWS = (
    Row("body bytes of a stream", "stream", comparing.body),
    Row("chunk boundaries, one inside a character", "stream", comparing.boundaries),
    Row("pauses between chunks", "stream", comparing.pauses),
    Row("comments, line ends, odd fields of events", "stream", comparing.event_text),
    Row("words of the status line", "stream", comparing.reason),
    Row("header fields and values", "stream", comparing.fields),
    Row("order of header fields", "stream", comparing.order),
    Row("case of header names", "stream", comparing.case),
    Row("header fields that come twice", "stream", comparing.duplicates),
    Row("informational heads (103)", "hints", comparing.informational),
    Row("trailers", "trailers", comparing.trailers),
    Row("FIN before the last chunk", "cut", comparing.ending),
    Row("writes of a body with Content-Length", "paced", comparing.boundaries),
    Row("pauses between those writes", "paced", comparing.pauses),
    Row("bytes of a compressed body", "gzip", comparing.content_coding),
    Row("an error: status, Retry-After, body", "error", comparing.error),
    Row("a stream passes at once while it is recorded", "stream", comparing.passed_on, while_recording=True),
)
MISS = "a request that was not recorded is a miss"
SECRETS = "API keys stay out of the file"


def column(sent: Mapping[str, Capture], measurement: Measurement) -> dict[str, Cell]:
    """The cells of one tool by the title of their row."""
    cells = {row.title: _cell(row, sent[row.reply], measurement) for row in ROWS}
    return cells | {
        MISS: miss(measurement.unrecorded, measurement.requests),
        SECRETS: secrets(measurement.files.values()),
    }


def _cell(row: Row, sent: Capture, measurement: Measurement) -> Cell:
    recorded, replayed = measurement.recorded[row.reply], measurement.replayed[row.reply]
    live = measurement.live.get(row.reply)
    if live is not None and row.check(sent, live) != YES:
        return Cell(Verdict.NOT_SHOWN)
    received = recorded if row.while_recording else replayed
    cell = (
        row.check(sent, received)
        if received.status == sent.status
        else Cell(Verdict.NO, f"replay: {_status_or_problem(received)}")
    )
    if cell.verdict is Verdict.NO and recorded.status != sent.status:
        return Cell(Verdict.NO, f"recording: {_status_or_problem(recorded)}")
    return cell


def miss(unrecorded: Capture, requests: Iterable[str]) -> Cell:
    """Whether a replay says that it has no reply, without asking the server."""
    if again := sorted(set(requests)):
        return Cell(Verdict.NO, f"the replay asks the server ({', '.join(again)})")
    if unrecorded.status is not None and unrecorded.status < 400:
        return Cell(Verdict.NO, f"answered with {unrecorded.status}")
    return Cell(Verdict.YES, _status_or_problem(unrecorded))


def secrets(files: Iterable[bytes]) -> Cell:
    """Whether the files hold the request's API key, or the key in a reply's text."""
    contents = list(files)
    keys = {"the request's": KEY, "one in an error's text": LEAKED}
    leaks = [name for name, key in keys.items() if any(_holds(data, key.encode()) for data in contents)]
    if not leaks:
        return YES
    verdict = Verdict.NO if "the request's" in leaks else Verdict.PARTLY
    return Cell(verdict, f"{' and '.join(leaks)} in the file")


def _status_or_problem(reply: Capture) -> str:
    return str(reply.status) if reply.status is not None else reply.problem


def _holds(data: bytes, key: bytes) -> bool:
    """Whether the data holds the key, as it is or in base64 at any of the three offsets."""
    packed = b"".join(data.split())
    coded = (base64.b64encode(b"x" * offset + key)[4 : -4 - offset] for offset in range(3))
    return key in packed or any(form in packed for form in coded)
