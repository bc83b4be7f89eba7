"""The journal shows no credential, and neither does what is printed of recordings that were never cleaned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from contract_tests.cli import cli
from contract_tests.tests.planted_key import KEY, readable
from fake_server.server.control.serialize import serialize_request
from fake_server.server.settings import Settings
from fake_server.server.state.journal import JournalEntry
from fake_server.tests.credential_forms import CREDENTIALS

FIELDS = [
    *("authorization", "proxy-authorization", "api-key", "x-api-key", "x-goog-api-key", "ocp-apim-subscription-key"),
    *("x-auth-key", "x-signature", "x-hub-signature", "x-session-token", "x-amz-security-token", "x-jwt-assertion"),
    *("cookie", "dpop"),
]


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize(
    "name",
    FIELDS,
)
def test_the_journal_shows_no_field_made_for_credentials(name: str) -> None:
    entry = JournalEntry(
        "POST", f"/v1/x/{KEY}", {name: KEY, "x-mine": "yes"}, json.dumps({"a": f"I am {KEY}"}).encode()
    )
    entry.sent(f'{{"error": "no such key: {KEY}"}}'.encode())
    shown = serialize_request(entry, Settings().spaces())
    assert shown["headers"] == {name: "<redacted>", "x-mine": "yes"}
    assert readable(KEY, json.dumps(shown)) == []
    assert entry.header(name) == "<redacted>"


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize("form", list(CREDENTIALS)[::9])
def test_the_journal_shows_no_credential_in_another_field(form: str) -> None:
    entry = JournalEntry("POST", "/v1/x", {"x-note": f"it is {CREDENTIALS[form]}", "user-agent": "OpenAI/Python 2.1.0"})
    assert readable(CREDENTIALS[form], str(entry.headers)) == []
    assert entry.header("user-agent") == "OpenAI/Python 2.1.0"


def test_the_journal_keeps_a_body_that_quotes_no_key_of_its_request() -> None:
    entry = JournalEntry("POST", "/v1/x", {"authorization": "Bearer test"}, b'{"a": "test", "b": "sk-another"}')
    assert serialize_request(entry, Settings().spaces())["body"] == {"a": "test", "b": "sk-another"}


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize("command", ["judge", "diff"])
def test_a_recording_does_not_show_the_key_of_its_request(command: str, tmp_path: Path) -> None:
    paths = [tmp_path / "a.har", tmp_path / "b.har"]
    for path, note in zip(paths, (f"for {KEY}, who asked", "for nobody"), strict=True):
        path.write_text(json.dumps(archive(note)))
    arguments = [str(path) for path in paths[: 1 if command == "judge" else 2]]
    done = CliRunner().invoke(cli, [command, *arguments, "--json", str(tmp_path / "r.json")], standalone_mode=False)
    assert done.return_value == 1, done.output
    shown = done.output + (tmp_path / "r.json").read_text()
    assert "REDACTED" in shown
    assert readable(KEY, shown) == []


def archive(note: str) -> dict[str, Any]:
    """An HTTP archive of one exchange, whose reply holds a note."""
    typed = {"name": "Content-Type", "value": "application/json"}
    request = {
        "method": "POST",
        "url": "https://host/v1/chat/completions",
        "httpVersion": "HTTP/1.1",
        "headers": [{"name": "Authorization", "value": f"Bearer {KEY}"}, typed],
        "postData": {"mimeType": "application/json", "text": '{"model": "m"}'},
    }
    response = {
        "status": 200,
        "statusText": "OK",
        "httpVersion": "HTTP/1.1",
        "headers": [{"name": "X-Note", "value": note}, {"name": "Location", "value": note}, typed],
        "content": {"mimeType": "application/json", "text": json.dumps({"id": 5, "object": f"{'o' * 50} {note}"})},
    }
    entry = {"startedDateTime": "2026-01-01T00:00:00Z", "time": 1, "request": request, "response": response}
    return {"log": {"version": "1.2", "entries": [entry]}}
