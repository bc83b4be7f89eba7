"""Cassettes in YAML or JSON: of vcrpy, go-vcr, PHP-VCR, and Ruby's VCR and what writes its format (R's vcr, betamax).

Sources: vcr/serialize.py of kevin1024/vcrpy (version 1), pkg/cassette/cassette.go of dnaeon/go-vcr (version 1
up to its release 2, then 2), lib/vcr/structs.rb of vcr/vcr, https://php-vcr.github.io/php-vcr/guides/cassettes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from contract_tests.recordings.files import gunzip
from contract_tests.recordings.importing.endpoints import reason_to_skip
from contract_tests.recordings.importing.entry import (
    Entries,
    ImportedEntry,
    Reply,
    Skipped,
    errors_at,
    exchange_of,
    fields,
    from_base64,
    is_decoded,
    place_of,
    require,
    target_of,
    time_of,
    to_bytes,
    wrong_type,
)
from contract_tests.recordings.recording import InputError
from fake_server.relay.redact import excerpt
from fake_server.wire.bounded_yaml import BoundedLoader, Limits, TooMuch
from fake_server.wire.exchange import Aspect, Headers, Request

MAX_YAML = 64 * 1024 * 1024
"""Bytes of a cassette in YAML, which is read at about 10 MB a second."""
LIMITS = Limits(values=1_000_000, characters=256 * 1024 * 1024, depth=200)
PARSED = "parsed_body"
_LISTS = ("interactions", "http_interactions")
NOTES = (
    "A cassette keeps whole bodies: chunk boundaries, pauses between writes, how the connection ended and "
    "the order of header fields are lost, and the test that recorded it may have left fields out."
)


class _Loader(BoundedLoader):
    """A safe loader that reads the text tags of Python 2 and refuses merge keys, which no recorder writes."""

    limits = LIMITS

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Leave `<<` where it is; no constructor knows it."""


for _name in ("unicode", "str"):
    _Loader.add_constructor(f"tag:yaml.org,2002:python/{_name}", _Loader.construct_scalar)
_Loader.add_constructor("tag:yaml.org,2002:python/tuple", _Loader.construct_sequence)
_Loader.add_constructor("!binary", _Loader.construct_yaml_binary)  # as Ruby's YAML writes it


def parse(data: bytes, where: str) -> Any:
    """A cassette in YAML as values. Raises InputError with the line."""
    if len(data) > MAX_YAML:
        raise InputError(f"{where}: a YAML cassette may hold {MAX_YAML:,} bytes, this one has {len(data):,}")
    try:
        return _join(list(yaml.load_all(data, _Loader)))  # _Loader is a safe loader
    except TooMuch as error:
        raise InputError(f"{where}{_line(error)}: {error.problem}") from error
    except yaml.constructor.ConstructorError as error:
        raise InputError(f"{where}{_line(error)}: {error.problem}; record the cassette again") from error
    except yaml.MarkedYAMLError as error:
        raise InputError(f"{where}{_line(error)}: not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{where}: not YAML: {' '.join(str(error).split())}") from error
    except (ValueError, OverflowError) as error:
        raise InputError(f"{where}: not a cassette: {error}") from error
    except RecursionError as error:
        raise InputError(f"{where}: nested too deeply") from error


def _join(documents: list[Any]) -> Any:
    """The one cassette of a file; documents that were appended to it add their interactions. Raises ValueError."""
    first = documents[0] if documents else None
    for document in documents[1:]:
        name = next((name for name in _LISTS if isinstance(first, dict) and isinstance(first.get(name), list)), "")
        more = document.get(name) if isinstance(document, dict) else document
        if isinstance(first, list) and isinstance(more, list):
            first = [*first, *more]
        elif isinstance(first, dict) and name and isinstance(more, list):
            first = {**first, name: [*first[name], *more]}
        elif document is not None:
            raise ValueError("it holds several YAML documents, and not all of them are cassettes; split the file")
    return first


def _line(error: yaml.MarkedYAMLError) -> str:
    return f":{error.problem_mark.line + 1}" if error.problem_mark else ""


def kind_of(document: Any) -> str | None:
    """Which recorder wrote a parsed cassette, None if it is none."""
    if is_of_php(document):
        return "php-vcr"
    if not isinstance(document, dict):
        return None
    if "http_interactions" in document:
        return "vcr"
    listed = document.get("interactions")
    first = listed[0] if isinstance(listed, list) and listed else None
    request = first.get("request") if isinstance(first, dict) else None
    return "go-vcr" if isinstance(request, dict) and "url" in request else "vcrpy"


def is_of_php(document: Any) -> bool:
    """Whether a parsed cassette is a list of requests and responses, as PHP-VCR writes it."""
    first = document[0] if isinstance(document, list) and document else None
    return isinstance(first, dict) and all(isinstance(first.get(name), dict) for name in ("request", "response"))


def entries(document: Any, where: str, endpoint: str | None = None) -> Entries:
    """The interactions of a parsed cassette. Raises InputError with the interaction's number."""
    if isinstance(document, list):
        document = {"interactions": [_from_php(item) for item in document]}
    with errors_at(where):
        version = require({"version": 1, **document}, "version", int) if isinstance(document, dict) else 1
        if version not in (1, 2):
            raise ValueError(f"a cassette of version {version}; this kit reads versions 1 and 2")
        ruby = isinstance(document, dict) and "http_interactions" in document
        listed = require(document, "http_interactions" if ruby else "interactions", list)
    for number, interaction in enumerate(listed):
        with errors_at(f"{where}: interaction {number}"):
            yield _entry(interaction, number, endpoint)


def _entry(interaction: Any, number: int, endpoint: str | None) -> ImportedEntry | Skipped:
    request, response = require(interaction, "request", dict), require(interaction, "response", dict)
    method = require(request, "method", str).upper()
    url = require(request, "url" if "uri" not in request and "url" in request else "uri", str)
    target = target_of(url)
    if reason := reason_to_skip(method, target, endpoint, url):
        return Skipped(reason)
    body = _body(response)
    if body is None and not {"body", "content"} & set(response):
        return Skipped("the body of the reply was not kept")
    status, reason = _status(response)
    headers = _headers(response.get("headers"))
    parsed = PARSED in response
    reply = Reply(
        status,
        reason,
        headers,
        body or b"",
        decoded=is_decoded(headers, body or b""),
        lost={Aspect.ALL_HEADERS, Aspect.BODY_BYTES} if parsed else {Aspect.ALL_HEADERS},
    )
    sent = _body(request)
    if sent is None and method == "POST":
        reply.lost.add(Aspect.REQUEST)
    notes = f"{NOTES} Its JSON was parsed and written anew." if parsed else NOTES
    exchange, notes = exchange_of(Request(method, target, _headers(request.get("headers")), sent or b""), reply, notes)
    exchange = exchange.but(recorded=time_of(interaction.get("recorded_at")))
    return ImportedEntry(exchange, f"interaction {number}", notes, place_of(url))


def _from_php(item: Any) -> Any:
    """An entry of PHP-VCR in the form of the others: empty members are left out there, and bytes are in base64."""
    if not isinstance(item, dict) or not isinstance(response := item.get("response"), dict):
        return item
    status = response.get("status")
    named = {str(name).lower(): value for name, value in _members(response.get("headers"))}
    body: Any = response.get("body", "")
    if isinstance(body, str) and (
        named.get("content-transfer-encoding") == "binary" or "x-gzip" in str(named.get("content-type"))
    ):
        body = {"base64_string": body}
    if isinstance(status, dict):
        status = {name: _as_number(value) for name, value in status.items()}
    return {**item, "response": {**response, "status": _as_number(status), "body": body}}


def _members(value: Any) -> Iterable[tuple[Any, Any]]:
    return value.items() if isinstance(value, dict) else ()


def _as_number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and re.fullmatch(r"\d{3}", value) else value


def _status(response: dict[str, Any]) -> tuple[int, str]:
    """Status and reason, in the form of vcrpy and Ruby, of vcrpy 4 for httpx, of go-vcr, or of R."""
    status = response.get("status")
    for name in ("code", "status_code"):
        if name in response:
            text = status if isinstance(status, str) else ""
            return require(response, name, int), re.sub(r"^\d+ *", "", text)
        if isinstance(status, dict) and name in status:
            return require(status, name, int), str(status.get("message") or "")
    if isinstance(status, int):
        return require(response, "status", int), ""
    return require(response, "status.code", int), ""


def _headers(value: Any) -> Headers:
    """Header fields from `{name: [value, …]}` or `{name: value}`."""
    if not isinstance(value, dict | None):
        raise ValueError(wrong_type("'headers'", "an object", value))
    return fields(_pairs(value or {}))


def _pairs(headers: dict[Any, Any]) -> Iterator[tuple[Any, Any]]:
    for name, values in headers.items():
        for value in values if isinstance(values, list) else [values]:
            yield _as_text(name), _as_text(value)


def _as_text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if value is None:  # PHP-VCR: a field without a value
        return ""
    return str(value) if isinstance(value, int | float) else value


def _body(message: dict[str, Any]) -> bytes | None:
    """A body in any form: text, bytes, either below `string`, base64, gzip (R).

    A common serializer of vcrpy beside its own stores the parsed JSON instead.
    """
    if PARSED in message:
        return to_bytes(json.dumps(message[PARSED], ensure_ascii=False, default=str))
    value = message.get("body", message.get("content"))
    if isinstance(value, dict):
        if "base64_string" in value:
            return from_base64(require(value, "base64_string", str), "base64_string")
        if "raw_gzip" in value:
            return gunzip(from_base64(require(value, "raw_gzip", str), "raw_gzip"))
        if not value:
            return b""
        if "string" not in value:
            raise ValueError(
                f"a body has a member 'string' or 'base64_string', not {excerpt(', '.join(map(str, value)), 60)}"
            )
        value = value["string"]
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return to_bytes(value)
    raise ValueError(wrong_type("a body", "a string or bytes", value))
