"""The rows of the table: which property is seen on which reply, and the cells of one tool's column."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contract_tests.lab.fidelity import comparing
from contract_tests.lab.fidelity.comparing import YES, Cell, Check, Verdict
from contract_tests.lab.fidelity.replies import KEY, LEAKED
from contract_tests.lab.fidelity.seen import Seen
from contract_tests.lab.fidelity.tools import Heard


@dataclass(frozen=True)
class Row:
    """A property, the reply it is seen on, and how; `while_recording`: on what the recorder passed on."""

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
    Row("bytes of a compressed body", "gzip", comparing.coded),
    Row("an error: status, Retry-After, body", "error", comparing.error),
    Row("a stream passes at once while it is recorded", "stream", comparing.passed_on, while_recording=True),
)
MISS = "a request that was not recorded is a miss"
SECRETS = "API keys stay out of the file"


def column(sent: Mapping[str, Seen], heard: Heard) -> dict[str, Cell]:
    """The cells of one tool by the title of their row."""
    cells = {row.title: _cell(row, sent[row.reply], heard) for row in ROWS}
    return cells | {MISS: miss(heard.unrecorded, heard.asked), SECRETS: secrets(heard.files.values())}


def _cell(row: Row, sent: Seen, heard: Heard) -> Cell:
    recorded, replayed = heard.recorded[row.reply], heard.replayed[row.reply]
    live = heard.live.get(row.reply)
    if live is not None and row.check(sent, live) != YES:
        return Cell(Verdict.NOT_SHOWN)
    got = recorded if row.while_recording else replayed
    cell = row.check(sent, got) if got.status == sent.status else Cell(Verdict.NO, f"replay: {_told(got)}")
    if cell.verdict is Verdict.NO and recorded.status != sent.status:
        return Cell(Verdict.NO, f"recording: {_told(recorded)}")
    return cell


def miss(unrecorded: Seen, asked: Iterable[str]) -> Cell:
    """Whether a replay says that it has no answer, and leaves the network alone."""
    if again := sorted(set(asked)):
        return Cell(Verdict.NO, f"the replay asks the server ({', '.join(again)})")
    if unrecorded.status is not None and unrecorded.status < 400:
        return Cell(Verdict.NO, f"answered with {unrecorded.status}")
    return Cell(Verdict.YES, _told(unrecorded))


def secrets(files: Iterable[bytes]) -> Cell:
    """Whether the request's API key, or one in a reply's text, stands in what was written."""
    kept = list(files)
    places = {"the request's": KEY, "one in an error's text": LEAKED}
    found = [place for place, key in places.items() if any(_holds(data, key.encode()) for data in kept)]
    if not found:
        return YES
    verdict = Verdict.NO if "the request's" in found else Verdict.PARTLY
    return Cell(verdict, f"{' and '.join(found)} in the file")


def _told(seen: Seen) -> str:
    return str(seen.status) if seen.status is not None else seen.problem


def _holds(data: bytes, key: bytes) -> bool:
    """Whether the key stands there, as it is or in base64 at any of the three offsets."""
    packed = b"".join(data.split())
    coded = (base64.b64encode(b"x" * offset + key)[4 : -4 - offset] for offset in range(3))
    return key in packed or any(form in packed for form in coded)
