"""Shared recordings: one exchange a line, as JSON.

A line holds `id`, `provider`, `endpoint`, `source` (fidelity, flags), `request` (method, path, query, body)
and `response` (status, headers, body_kind, body). Recorders drop much of what crossed the wire, so each
exchange says which aspects it does not know.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from contract_tests.recordings.files import read_json_lines
from contract_tests.recordings.recording import InputError, Recording
from fake_server.relay.redact import excerpt
from fake_server.wire.exchange import Aspect, Ending, Exchange, Request, Write
from fake_server.wire.jsontext import compact

_NEVER_KEPT = frozenset({Aspect.ALL_HEADERS, Aspect.FRAMING, Aspect.TIMING, Aspect.ENDING})
_OMITTED, _ELIDED = "$omitted", "$elided"
"""Members of a request body that was left out, or from which something was left out."""


def read_lines(path: Path) -> Iterator[Recording]:
    """The recordings of a JSON Lines file, read line by line. Raises InputError with the line."""
    for where, entry in read_json_lines(path):
        line = int(where.rpartition(":")[2])
        try:
            _check(entry)
            recording = Recording(
                _exchange(entry),
                provider=str(entry.get("provider", "")),
                endpoint=entry["endpoint"],
                source=_source(entry.get("source", {})),
                file=str(path),
                line=line,
            )
        except KeyError as error:
            raise InputError(f"{where}: the member {error} is missing: not a recording") from error
        except RecursionError as error:
            raise InputError(f"{where}: nested too deeply") from error
        except (TypeError, AttributeError, ValueError, OverflowError) as error:
            raise InputError(f"{where}: not a recording: {error}") from error
        yield recording


def _exchange(entry: dict[str, Any]) -> Exchange:
    request, reply, source = entry["request"], entry["response"], entry.get("source", {})
    unknown = set(_NEVER_KEPT)
    if "content-type" not in reply["headers"]:
        unknown.add(Aspect.HEADERS)
    if reply["body_kind"] == "json":
        unknown.add(Aspect.BODY_BYTES)
    if reply["body_kind"] == "binary":
        unknown.add(Aspect.BODY)
    if source.get("fidelity") == "sse-rejoined":
        unknown.add(Aspect.EVENT_FRAMING)
    body, complete = _request_body(request.get("body"))
    if not complete:
        unknown.add(Aspect.REQUEST)
    payload = _payload(reply)
    return Exchange(
        Request(request["method"], request["path"] + _query(request.get("query")), None, body),
        reply["status"],
        headers=tuple((str(name), str(value)) for name, value in reply["headers"].items()),
        writes=(Write(payload),) if payload else (),
        ending=Ending.UNKNOWN,
        unknown=frozenset(unknown),
        label=entry["id"],
    )


def _source(source: dict[str, Any]) -> str:
    """Where the recording was published: repository, commit, path and the interaction's number there."""
    commit = str(source.get("commit", ""))[:12]
    repository = f"{source.get('repo', '')}@{commit}" if commit else str(source.get("repo", ""))
    number = f"#{source['index']}" if "index" in source else ""
    return " ".join(filter(None, (repository, f"{source.get('path', '')}{number}")))


_MEMBERS: dict[str, type] = {
    "request": dict,
    "request.method": str,
    "request.path": str,
    "response": dict,
    "response.status": int,
    "response.headers": dict,
    "response.body_kind": str,
    "endpoint": str,
    "id": str,
}
_WORDS = {str: "a string", int: "a whole number", dict: "an object"}


def _check(entry: Any) -> None:
    """Raises InputError where a member that is needed has another type, KeyError where it is missing."""
    if not isinstance(entry, dict):
        raise InputError(f"a line must be an object, but is {excerpt(json.dumps(entry), 40)}")
    for name, kind in _MEMBERS.items():
        value: Any = entry
        for step in name.split("."):
            value = value[step]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise InputError(f"{name!r} must be {_WORDS[kind]}, but is {excerpt(json.dumps(value), 40)}")


def _query(query: Any) -> str:
    if not query:
        return ""
    return "?" + (query if isinstance(query, str) else urlencode(query, doseq=True))


def _request_body(value: Any) -> tuple[bytes, bool]:
    """The request body, and whether it is everything that was sent."""
    if value is None or (isinstance(value, dict) and _OMITTED in value):
        return b"", False
    text = json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass"), _ELIDED not in text


def _payload(reply: dict[str, Any]) -> bytes:
    body = reply.get("body")
    if isinstance(body, str) and reply["body_kind"] != "json":
        return body.encode("utf-8", "surrogatepass")
    if body is None or reply["body_kind"] == "binary":
        return b""
    return compact(body).encode("utf-8", "surrogatepass")
