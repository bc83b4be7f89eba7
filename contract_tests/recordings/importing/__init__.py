"""Recordings of other tools as fixtures of this kit, each saying what its format has lost.

HAR, cassettes of vcrpy, go-vcr, PHP-VCR and Ruby's VCR, flow files of mitmproxy, traces of httprr, what curl and
HTTPie print, also as it is pasted into issues, bodies without heads, fixtures of aimock, and the JSON Lines of shared
recordings; gzipped or not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from contract_tests.recordings.files import BOM, parse_json
from contract_tests.recordings.importing import aimock, bodies, cassettes, curl, flows, har, messages, pasted
from contract_tests.recordings.importing.bodies import CurlRequest
from contract_tests.recordings.importing.entry import (
    Entries,
    ImportedEntry,
    Skipped,
    check_exchange,
    digest,
    errors_at,
)
from contract_tests.recordings.importing.recognising import CASSETTES, FORMATS, content, kind_of, recognise
from contract_tests.recordings.jsonl import read_lines
from contract_tests.recordings.recording import InputError
from fake_server.relay.redact import clean_text, known_values
from fake_server.relay.saving import to_file_name
from fake_server.wire.fixture import Fixture

__all__ = ["FORMATS", "CurlRequest", "Imported", "InputError", "Unrecognised", "read"]

MAX_ENTRIES = 100_000
MAX_BYTES = 1024 * 1024 * 1024
"""Bytes of all bodies of one file: YAML can name one body many times."""
_LINES = "A shared recording keeps parsed or joined bodies and few header fields: chunk boundaries, pauses, \
header case and how the connection ended are lost."
_TITLES = {
    "har": "from a HAR",
    "vcrpy": "a vcrpy cassette",
    "go-vcr": "a cassette of go-vcr",
    "vcr": "a cassette of VCR",
    "php-vcr": "a cassette of PHP-VCR",
    "mitmproxy": "a flow of mitmproxy",
    "httprr": "a trace of httprr",
    "curl": "printed by curl",
    "httpie": "printed by HTTPie",
    "pasted": "pasted from a terminal",
    "body": "a body without its head",
    "aimock": "made up around an answer of aimock",
    "jsonl": "a shared recording",
}
_DOCUMENTS = {"har": har.entries, **dict.fromkeys(CASSETTES, cassettes.entries), "aimock": aimock.entries}
"""Readers of formats that are one JSON document."""
_BYTES = {"mitmproxy": flows.entries, "httprr": messages.httprr_entries, "httpie": messages.httpie_entries}
"""Readers of other formats."""
_ASKED = {"curl": curl.entries, "pasted": pasted.entries, "body": bodies.entries}
"""Readers of formats that do not hold the request."""
WITHOUT_REQUEST = tuple(_ASKED)


class Unrecognised(InputError):
    """A file of no known format, or of one that has to be given."""


@dataclass(frozen=True)
class Imported:
    """An exchange of a foreign format: `name` is the stem of a file name, stable and unique in its file."""

    fixture: Fixture
    name: str
    format: str


def read(
    path: Path,
    format: str | None = None,
    *,
    endpoint: str | None = None,
    asked: CurlRequest | None = None,
    skipped: Counter[str] | None = None,
    before: int = 0,
) -> Iterator[Imported]:
    """The exchanges of a file. Raises InputError with the file and the line, byte or entry.

    `format` is one of FORMATS, None to see it from the content. Entries of no OpenAI endpoint (with
    `endpoint`, of another one) are left out and counted in `skipped` by the reason. `asked` says what
    was asked where the file does not. Exchanges without a time of recording are numbered from `before` + 1,
    and that many microseconds are added to a time, so that equal ones stay in turn.
    """
    format, entries = _open(path, format, endpoint, asked or CurlRequest())
    names: Counter[str] = Counter()
    size = 0
    for number, entry in enumerate(entries):
        if number >= MAX_ENTRIES:
            raise InputError(f"{path}: more than {MAX_ENTRIES:,} entries; split the file")
        if isinstance(entry, Skipped):
            if skipped is not None:
                skipped[entry.reason] += 1
            continue
        with errors_at(f"{path}: {entry.where}"):
            check_exchange(entry.exchange)
        size += len(entry.exchange.payload) + len(entry.exchange.request.body)
        if size > MAX_BYTES:
            raise InputError(f"{path}: {entry.where}: the bodies hold more than {MAX_BYTES:,} bytes; split the file")
        name = _name(path, entry)
        names[name] += 1
        if names[name] > 1:
            name = f"{name}-{names[name]}"
        turn, recorded = before + names.total(), entry.exchange.recorded
        if isinstance(recorded, datetime):  # many tools know whole seconds only: those of one second stay in turn
            recorded += timedelta(microseconds=turn)
        source = " ".join(filter(None, (f"{path.name} {entry.where}", entry.source)))
        asked_for = f"{entry.exchange.request.method} {entry.exchange.request.path}"
        fixture = Fixture(
            entry.exchange.but(label=name, recorded=recorded or turn),
            title=f"{asked_for}, {entry.exchange.status}, {_TITLES[format]}",
            source=source,
            notes=entry.notes,
        )
        yield Imported(fixture, name, format)


def _open(path: Path, format: str | None, endpoint: str | None, asked: CurlRequest) -> tuple[str, Entries]:
    """The format and the entries. Raises InputError where the file is of no known format."""
    if format is not None and format not in FORMATS:
        raise InputError(f"no format is called {format!r}; the formats are {', '.join(FORMATS)}")
    chosen, where = format or recognise(path), str(path)
    if chosen in _BY_LINE:
        return chosen, _BY_LINE[chosen](path, endpoint)
    data = content(path)
    if chosen is None and pasted.may_hold_reply(data):
        chosen = "pasted"
    if chosen in _BYTES:
        return chosen, _BYTES[chosen](data, where, endpoint)
    if chosen in _ASKED:
        return chosen, _ASKED[chosen](data, where, asked, endpoint)
    if chosen in CASSETTES and not data.removeprefix(BOM).lstrip().startswith((b"{", b"[")):
        value = cassettes.parse(data, where)
    elif chosen == "json" and bodies.holds_chunks(data.decode("utf-8", "replace")):
        raise InputError(f"{where}: {bodies.CHUNKS}")
    else:
        value = parse_json(data, where) if chosen else None
    kind = kind_of(value) if chosen in (None, "json") else chosen
    if kind is None and chosen and bodies.is_reply(value, asked, endpoint):
        return "body", bodies.entries(data, where, asked, endpoint)
    if kind is None:
        raise Unrecognised(
            f"{path}: not a recording: neither a fixture nor a HAR, a cassette, a flow file of mitmproxy, a trace "
            "of httprr, output of curl or HTTPie, text with such commands and what they printed, an aimock fixture, "
            "JSON Lines of shared recordings, or the body of a reply"
        )
    if kind in CASSETTES:
        kind = cassettes.kind_of(value) or kind
    return kind, _DOCUMENTS[kind](value, where, endpoint)


def _lines(path: Path, endpoint: str | None) -> Entries:
    for number, recording in enumerate(read_lines(path)):
        if endpoint is not None and recording.endpoint != endpoint:
            yield Skipped(f"not an exchange with /{endpoint.strip('/')}")
        else:
            yield ImportedEntry(recording.exchange, f"entry {number}", _LINES, recording.source)


_BY_LINE = {"jsonl": _lines}
"""Readers of JSON Lines."""


def _name(path: Path, entry: ImportedEntry) -> str:
    """The recording's own id, else the file, the endpoint and a hash of what was asked."""
    exchange = entry.exchange
    endpoint = exchange.request.path.strip("/").removeprefix("v1/")
    stem = path.name.removesuffix(".gz").rpartition(".")[0] or path.name
    name = exchange.label or f"{stem}-{endpoint}-{digest(exchange.request)}"
    return to_file_name(clean_text(name, known_values(exchange)))
