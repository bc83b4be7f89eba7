"""What judging recordings adds up, and what it owns up to not having judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract_tests.recordings.judging import InputError, judge_files, judge_recordings
from contract_tests.recordings.recording import Recording
from contract_tests.rules import find
from contract_tests.rules.engine.judge import Evidence
from contract_tests.rules.evidence import describe_request
from contract_tests.tests.shared import ROOT
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange, Request, Write
from fake_server.wire.proof import differences

CONFORMING = ROOT / "fixtures" / "conforming"
BROKEN = ROOT / "fixtures" / "broken"


def reply(method: str, path: str, status: int, body: bytes) -> Exchange:
    headers = (("Content-Type", "application/json"),)
    return Exchange(Request(method, path), status, headers, (Write(body),))


def test_a_success_that_no_rule_knows_is_not_called_judged() -> None:
    refused = b'{"error": {"message": "no", "type": "invalid_request_error", "param": null, "code": null}}'
    recordings = [
        Recording(reply("POST", "/v1/audio/speech", 200, b'{"object": "list"}'), endpoint="audio/speech"),
        Recording(reply("POST", "/v1/audio/speech", 400, refused), endpoint="audio/speech"),
        Recording(reply("GET", "/v1/models/m", 200, b'{"id": "m"}'), endpoint="models/{id}"),
        Recording(reply("DELETE", "/v1/models/m", 200, b'{"id": "m"}'), endpoint="models/{id}"),
    ]
    summary = judge_recordings(recordings)
    assert dict(summary.per_endpoint) == {"audio/speech": 2, "models/{id}": 1, "DELETE models/{id}": 1}
    assert dict(summary.unjudged) == {"audio/speech": 1, "DELETE models/{id}": 1}


def test_only_rules_that_were_asked_for_are_never_applied() -> None:
    summary = judge_files([CONFORMING / "poem-dict.yaml"], select=["chat.stream", "chat.id"])
    asked = {rule.id for rule in (*find("chat.stream"), *find("chat.id"))}
    assert set(summary.applied) == {"chat.id"}
    assert set(summary.never_applied) == asked - {"chat.id"}


def test_a_rule_that_is_misspelt_is_an_error_with_a_hint() -> None:
    with pytest.raises(InputError, match=r"did you mean .*chat\.stream"):
        judge_files([CONFORMING], select=["chat.strem"])


def test_a_fixture_that_breaks_what_it_does_not_declare_is_a_surprise() -> None:
    loaded = fixture.load(BROKEN / "usage.adds-up.yaml").exchange
    (said,) = judge_recordings([Recording(loaded, breaks=())]).surprises
    assert said.endswith(": declares nothing, breaks usage.adds-up")
    assert judge_recordings([Recording(loaded, breaks=("usage.adds-up",))]).surprises == []
    assert judge_recordings([Recording(loaded)]).surprises == []


def test_a_fixture_whose_head_and_body_disagree_is_a_surprise() -> None:
    loaded = fixture.load(CONFORMING / "poem-dict.yaml").exchange
    short = loaded.with_payload(loaded.payload[:-9] + b"}]}")
    summary = judge_recordings([Recording(short, breaks=()), Recording(short)])
    (said,) = [one for one in summary.surprises if "contradicts itself" in one]
    assert "poem-dict: contradicts itself: ending: recorded 'clean', replayed 'cut'" in said


@pytest.mark.parametrize("folder", [CONFORMING, BROKEN])
def test_no_fixture_of_the_kit_contradicts_itself(folder: Path) -> None:
    assert [head.name for head in fixture.find(folder) if differences(fixture.load(head).exchange)] == []


LONG = "resp_" + "S0uofe_EIr8" * 36
"""As long as LiteLLM's."""


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        (f"/v1/responses/{LONG}", "responses/{id}"),
        ("/v1/responses/resp_1/input_items", "responses/{id}/input_items"),
        ("/v1/responses/input_tokens", "responses/input_tokens"),
        ("/v1/responses/compact", "responses/compact"),
        ("/openai/v1/responses/compact_1/cancel", "openai/v1/responses/{id}/cancel"),
        ("/v1/conversations/conv_1/items/msg_1", "conversations/{id}/items/{id}"),
        ("/v1/conversations", "conversations"),
        ("/v1/chat/completions", "chat/completions"),
    ],
)
def test_an_endpoint_is_one_for_all_ids(tmp_path: Path, path: str, endpoint: str) -> None:
    fixture.save(fixture.Fixture(reply("GET", path, 200, b'{"id": "x"}')), tmp_path / "one.yaml")
    assert list(judge_files([tmp_path / "one.yaml"]).per_endpoint) == [endpoint]


@pytest.mark.parametrize("end", ["", "/input_items", "/cancel"])
def test_a_long_path_is_cut_in_the_middle(end: str) -> None:
    shown = describe_request(Evidence("GET", f"/v1/responses/{LONG}{end}"))
    assert len(shown) <= 104
    assert shown.endswith(end or LONG[-9:])
