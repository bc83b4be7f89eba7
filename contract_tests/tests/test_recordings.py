"""Lines of shared recordings as exchanges: what was recorded, and what is owned up to as not known."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from contract_tests.recordings import files
from contract_tests.recordings.files import read_json_lines
from contract_tests.recordings.reading import read
from contract_tests.recordings.recording import InputError, Recording
from contract_tests.tests.shared import ROOT, SHARED, needs_recordings
from contract_tests.tests.test_importing import SAMPLES
from fake_server.wire.exchange import Aspect, Ending

ALWAYS = frozenset({Aspect.ALL_HEADERS, Aspect.FRAMING, Aspect.TIMING, Aspect.ENDING})
ENTRY: dict[str, Any] = {
    "id": "openai-1",
    "source": {"fidelity": "raw", "flags": []},
    "provider": "openai",
    "endpoint": "chat/completions",
    "request": {"method": "POST", "path": "/v1/chat/completions", "query": "", "body": {"model": "m"}},
    "response": {
        "status": 200,
        "headers": {"content-type": "application/json"},
        "body_kind": "json",
        "body": {"é": 1},
    },
}


def changed(**changes: Any) -> dict[str, Any]:
    """The entry with members of its request, response or source replaced: `response__body=…`."""
    entry = copy.deepcopy(ENTRY)
    for name, value in changes.items():
        part, _, member = name.partition("__")
        if member:
            entry[part][member] = value
        else:
            entry[part] = value
    return entry


def one(tmp_path: Path, line: dict[str, Any] | bytes) -> Recording:
    path = tmp_path / "some.jsonl"
    path.write_bytes(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
    (recording,) = read(path)
    return recording


def test_a_dict_knows_its_value_and_not_its_bytes(tmp_path: Path) -> None:
    recording = one(tmp_path, ENTRY)
    exchange = recording.exchange
    assert (recording.provider, recording.endpoint, exchange.label) == (
        "openai",
        "chat/completions",
        "openai-1",
    )
    assert (exchange.request.target, exchange.request.json()) == ("/v1/chat/completions", {"model": "m"})
    assert exchange.payload == '{"é":1}'.encode()
    assert (exchange.ending, exchange.unknown) == (Ending.UNKNOWN, ALWAYS | {Aspect.BODY_BYTES})


@pytest.mark.parametrize(
    ("changes", "unknown"),
    [
        ({"response__body_kind": "sse", "response__body": "data: é\r\n\r\n"}, set()),
        ({"response__body_kind": "text", "response__body": "plain"}, set()),
        ({"response__body_kind": "binary", "response__body": {"$omitted": 9}}, {Aspect.BODY}),
        (
            {
                "response__body_kind": "sse",
                "response__body": "data: x\n\n",
                "source__fidelity": "sse-rejoined",
            },
            {Aspect.EVENT_FRAMING},
        ),
        ({"response__headers": {}}, {Aspect.HEADERS, Aspect.BODY_BYTES}),
        ({"request__body": None}, {Aspect.REQUEST, Aspect.BODY_BYTES}),
        ({"request__body": {"$omitted": "multipart"}}, {Aspect.REQUEST, Aspect.BODY_BYTES}),
        (
            {"request__body": {"messages": [{"content": "abc$elided:9000"}]}},
            {Aspect.REQUEST, Aspect.BODY_BYTES},
        ),
    ],
)
def test_what_a_recorder_lost_is_not_known(tmp_path: Path, changes: dict[str, Any], unknown: set[Aspect]) -> None:
    exchange = one(tmp_path, changed(**changes)).exchange
    assert exchange.unknown == ALWAYS | unknown
    body = changed(**changes)["response"]["body"]
    if isinstance(body, str):
        assert exchange.payload == body.encode()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "1: not JSON: Expecting property name"),
        (b'"\xff"', "1: not UTF-8 at byte 1 of the line"),
        (b"[" * 100_000, "1: nested too deeply"),
        (b"7", "1: not a recording: a line must be an object, but is 7"),
        (b'{"id": "x"}', "1: the member 'request' is missing"),
        (changed(request=None), "'request' must be an object, but is null"),
        (changed(request__method=5), "'request.method' must be a string, but is 5"),
        (changed(response__status=float("inf")), "'response.status' must be a whole number, but is Infinity"),
        (changed(response__status=True), "'response.status' must be a whole number, but is true"),
        (changed(response__headers=None), "'response.headers' must be an object, but is null"),
        (changed(endpoint=None), "'endpoint' must be a string, but is null"),
        (changed(source=None), "1: not a recording"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: dict[str, Any] | bytes, said: str) -> None:
    with pytest.raises(InputError) as caught:
        one(tmp_path, line)
    assert f"some.jsonl:{said}" in str(caught.value) or f"some.jsonl:1: not a recording: {said}" in str(caught.value)


def test_lines_are_read_one_by_one_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text(f"\n{json.dumps(ENTRY)}\n{'x' * 1000}\n")
    monkeypatch.setattr(files, "MAX_LINE", 800)
    lines = read(path)
    assert next(lines).exchange.label == "openai-1"
    with pytest.raises(InputError, match=r"some\.jsonl:3: the line is longer than 800 bytes"):
        next(lines)


def test_a_folder_holds_fixtures_and_lines(tmp_path: Path) -> None:
    (tmp_path / "some.jsonl").write_text(json.dumps(ENTRY))
    for path in (ROOT / "fixtures" / "conforming").glob("poem-dict*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    found = {recording.exchange.label: recording.breaks for recording in read(tmp_path)}
    assert found == {"poem-dict": (), "openai-1": None}
    with pytest.raises(InputError, match=r"no fixture and no \.jsonl file"):
        list(read(ROOT / ".ci"))


@needs_recordings
def test_every_shared_recording_can_be_read() -> None:
    found = [recording for recording in read(SHARED / "recordings") if recording.provider != "openai"]
    assert len(found) == 792
    assert all(recording.exchange.unknown >= ALWAYS for recording in found)


def test_json_lines_are_told_by_their_content(tmp_path: Path) -> None:
    line = json.dumps(ENTRY)
    texts = {
        "lines.txt": f"{line}\n{line}\n".encode(),
        "lines.ndjson": line.encode(),
        "lines.jsonl": f"\n{line}\n".encode(),
        "packed.jsonl.gz": gzip.compress(f"{line}\n".encode()),
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.write_bytes(text)
        assert {recording.exchange.label for recording in read(path)} == {"openai-1"}, name


def test_another_format_that_is_named_jsonl_is_read_as_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    for sample in ("mitm.har", "vcr.json", "mitm.flow", "curl-stream.txt"):
        data = (SAMPLES / sample).read_bytes()
        path.write_bytes(json.dumps(json.loads(data)).encode() if data.startswith(b"{") else data)
        kept, again = ([one.exchange.but(label="") for one in read(file)] for file in (SAMPLES / sample, path))
        assert again == kept, sample
        assert len(list(read(tmp_path))) == len(kept)


def test_lines_of_json_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text('{"a": 1}\n\n[2]\n{"b": }\n')
    lines = read_json_lines(path)
    assert [next(lines), next(lines)] == [(f"{path}:1", {"a": 1}), (f"{path}:3", [2])]
    with pytest.raises(InputError, match="x:4: not JSON: Expecting value at column 7"):
        next(lines)
