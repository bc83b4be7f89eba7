"""`contract report` reads saved reports: what is no report, damaged or hostile is one line with its place."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from contract_tests.lab.tools.command import run_contract
from contract_tests.recordings.judging import judge_files
from contract_tests.recordings.recording import InputError
from contract_tests.report import saved
from contract_tests.report.files import as_json, judgement_as_json, run_document
from contract_tests.report.forms import FORMS
from contract_tests.report.saved import parse_document, read_document
from contract_tests.run.outcome import ExitCode
from contract_tests.tests.shared import ROOT
from contract_tests.tests.test_report import SCHEMA, made_up

RUN_REPORT: dict[str, Any] = json.loads(as_json(made_up(), ExitCode.HARNESS))
JUDGED = judge_files([ROOT / "fixtures" / "broken" / "usage.adds-up.yaml"])
JUDGEMENT_REPORT: dict[str, Any] = json.loads(judgement_as_json(JUDGED, ExitCode.FINDINGS))
ENTRY = {**dict.fromkeys(("by", "place", "rule", "in", "at", "actual", "reason", "link"), "text"), "expires": None}
TOLERATED = [{**RUN_REPORT["cases"][1]["findings"][0], "tolerated": ENTRY}]
TOLERANCES = {"by": ["text"], "expired": [ENTRY], "gone": []}
LACKING = [{"section": "chat", "outcome": "unsupported", "reason": "text", "cases": ["chat.n"]}]
SMALL: dict[str, dict[str, Any]] = {
    "a run": {
        **RUN_REPORT,
        "cases": [{**RUN_REPORT["cases"][1], "tolerated": TOLERATED}],
        "server": {"server": "text"},
        "tolerances": TOLERANCES,
        "required": ["chat"],
        "lacking": LACKING,
    },
    "a judgement": {
        **JUDGEMENT_REPORT,
        "rules": dict(list(JUDGEMENT_REPORT["rules"].items())[:1]),
        "tolerated": TOLERATED,
        "tolerances": TOLERANCES,
    },
}
"""Reports with every member once."""
VALIDATORS = {
    kind: jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]})
    for kind, name in (("a run", "report"), ("a judgement", "judgement"))
}
KEY = "sk-proj-planted-0123456789"


def test_a_saved_report_is_the_document_it_was_saved_from(tmp_path: Path) -> None:
    document = run_document(made_up(), ExitCode.HARNESS)
    path = tmp_path / "run.json"
    path.write_text(FORMS["--json"].format(document))
    assert read_document(path) == document


@pytest.mark.security("credentials in written files")
def test_a_key_in_a_saved_report_is_masked(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps({**RUN_REPORT, "notes": [f"the key is {KEY}", "planted-in-the-environment"]}))
    text = json.dumps(read_document(path, ["planted-in-the-environment"]))
    assert "planted" not in text


def _places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place of a document but those in the summary, which is made anew; of a list the first item."""
    if path[:1] == ("summary",):
        return
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for name, inner in items:
        yield from _places(inner, (*path, name))


def _changed(report: dict[str, Any], path: tuple[str | int, ...], change: Callable[[Any, Any], None]) -> dict[str, Any]:
    value = copy.deepcopy(report)
    parent = value
    for step in path[:-1]:
        parent = parent[step]  # type: ignore[index]
    change(parent, path[-1])
    return value


def _accepts(value: dict[str, Any]) -> bool:
    try:
        parse_document(json.dumps(value).encode(), "x")
    except InputError:
        return False
    return True


def _change(new: Any) -> Callable[[Any, Any], None]:
    return lambda parent, name: parent.__setitem__(name, new)


CHANGES: dict[str, Callable[[Any, Any], None]] = {
    "removed": lambda parent, name: parent.pop(name),
    "a number": _change(7),
    "negative": _change(-1),
    "a text": _change("text"),
    "true": _change(True),
    "null": _change(None),
    "a list": _change([]),
    "an object": _change({}),
}


@pytest.mark.security("hostile files")
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", SMALL)
def test_the_reader_takes_what_the_schema_takes(kind: str, change: str) -> None:
    report = SMALL[kind]
    jsonschema.validate(report, SCHEMA)
    assert _accepts(report)
    differing = []
    every_third = islice(
        _places(report), list(CHANGES).index(change) % 3, None, 3
    )  # all of them take three times as long
    for path in every_third:
        value = _changed(report, path, CHANGES[change])
        if _accepts(value) != VALIDATORS[kind].is_valid(value):
            differing.append(path)
    assert differing == []


def test_members_of_newer_kits_are_left_out() -> None:
    newer = {**RUN_REPORT, "of a newer kit": {"a": [1]}}
    assert "of a newer kit" not in parse_document(json.dumps(newer).encode(), "x")


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "run.json: not JSON: EOF while parsing a value at line 1 column 0"),
    "cut off": (b'{"format": "openai-con', "run.json: not JSON: EOF while parsing a string at line 1 column 22"),
    "no JSON": (b"<html>", "run.json: not JSON: expected value at line 1 column 1"),
    "not UTF-8": (b'{"format": "\xff"}', "run.json: not JSON: invalid unicode code point at line 1"),
    "half a pair": (b'{"format": "\\ud800"}', "run.json: not JSON: unexpected end of hex escape at line 1"),
    "nested": (b"[" * 100_000, "run.json: not JSON: recursion limit exceeded at line 1"),
    "a huge number": (b'{"a": ' + b"9" * 100_000 + b"}", "run.json: not JSON: number out of range at line 1"),
    "a list": (b"[1]", "run.json: not a report of this kit; this kit reads openai-contract-report/1 and"),
    "another file": (b'{"log": {}}', "run.json: not a report of this kit"),
    "a newer format": (b'{"format": "openai-contract-report/2"}', "run.json: a report of format 'openai-contract-repo"),
    "a long format": (json.dumps({"format": "f" * 10_000}).encode(), f"a report of format '{'f' * 79}…'"),
    "a format to the terminal": (b'{"format": "\\u001b[31m"}', "a report of format '�[31m'"),
    "no cases": (b'{"format": "openai-contract-report/1"}', "run.json: target: Field required; the report is damaged"),
    "not a number": (json.dumps({**RUN_REPORT, "seconds": float("nan")}).encode(), "run.json: not JSON: expected"),
    "a level": (
        json.dumps(RUN_REPORT).replace('"SHOULD"', '"PERHAPS"').encode(),
        "run.json: cases[2].findings[1].level: Input should be 'MUST', 'SHOULD' or 'NOTE'",
    ),
}


@pytest.mark.security("hostile files")
@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_report_is_refused_with_its_place_and_what_to_do(name: str, tmp_path: Path) -> None:
    data, message = HOSTILE[name]
    path = tmp_path / "run.json"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_document(path)
    text = str(caught.value).replace(f"{tmp_path}{os.sep}", "")
    assert message in text
    assert "write one with `contract run URL --json FILE`" in text
    assert len(text) < 400
    assert text.isprintable()


@pytest.mark.security("hostile files")
def test_a_report_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "MAX_REPORT", 100)
    path = tmp_path / "run.json"
    path.write_text(json.dumps(RUN_REPORT))
    with pytest.raises(InputError, match="it is larger than 100 bytes"):
        read_document(path)


@pytest.mark.security("hostile files")
@pytest.mark.parametrize("kind", ["a folder", "a link to nothing", "a device"])
def test_what_is_no_file_is_not_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    if kind == "a folder":
        path.mkdir()
    elif kind == "a device":
        path = Path("/dev/zero")
    else:
        path.symlink_to(tmp_path / "nothing")
    with pytest.raises(InputError, match="cannot be read"):
        read_document(path)


def test_the_command_makes_forms_of_a_saved_report(tmp_path: Path) -> None:
    report, made = tmp_path / "run.json", tmp_path / "run.xml"
    report.write_text(json.dumps(RUN_REPORT))
    done = run_contract("report", str(report), "--junit", str(made))
    assert (done.returncode, done.stderr, done.stdout) == (0, "", f"written   {made}\n")
    document = run_document(made_up(), ExitCode.HARNESS)
    assert made.read_text() == FORMS["--junit"].format(document)
