"""Who lacks the key of a fake changes nothing in it, and reads nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx2
import pytest

from fake_server import FakeServer
from fake_server.tests.plain_fake import CLIENT, ask, holds

security = pytest.mark.security("pages of other origins")

KEY = "sk-right-0123456789abcdef"


KEYLESS: tuple[dict[str, str], ...] = (
    {},
    {"authorization": "Bearer sk-wrong"},
    {"authorization": f"Basic {KEY}"},
    {"authorization": f"Bearer {KEY}@other@victim"},
    {"authorization": f"Bearer {KEY}@other", "x-fake-space": "victim"},
    {"authorization": "Bearer sk-x@victim"},
    {"x-api-key": KEY},
)


@pytest.fixture(scope="module")
def locked_server() -> Iterator[FakeServer]:
    with FakeServer([], plain=True, api_key=KEY) as running:
        yield running


@pytest.fixture
def locked(locked_server: FakeServer) -> FakeServer:
    for space in locked_server.settings.spaces.known()[1:]:
        locked_server.settings.spaces.drop(space.name)
    locked_server.reset()
    return locked_server


@security
@pytest.mark.parametrize("fields", KEYLESS, ids=str)
def test_a_request_without_the_key_changes_no_space(locked: FakeServer, fields: dict[str, str]) -> None:
    victim = locked.space("victim")
    for space in (locked, victim):
        space.reply("kept")
        space.fault("error", status=503, times=1)
    before = holds(locked)
    with httpx2.Client(base_url=locked.root, headers=fields) as client:
        for path in ("/v1/models", "/__fake__/requests", "/health", "/", "/docs", "/openapi.json", "/nope", "/metrics"):
            for prefix in ("", "/@victim", "/@new"):
                open_path = path in ("/health", "/", "/docs", "/openapi.json", "/metrics")
                fault = {"x-fake-fault": "error;status=418", "x-fake-bug": "ikllama-no-done"}
                assert client.get(prefix + path, headers=fault).status_code == (200 if open_path else 401)
        for path in ("/__fake__/replies", "/@victim/__fake__/faults", "/@new/__fake__/reset?all=true"):
            assert client.post(path, json={"fault": "close", "text": "x"}).status_code == 401
        assert client.delete("/__fake__/spaces/victim").status_code == 401
        assert client.options("/@new/v1/models", headers={"x-fake-space": "new2"}).status_code == 204
    after = holds(locked)
    assert [row[:4] for row in after] == [row[:4] for row in before]
    assert [active.struck for space in locked.settings.spaces.known() for active in space.faults.current] == [0, 0]
    assert "/v1/models" in [entry.path for entry in victim.requests]  # a test sees that its client lacked the key


@security
def test_a_flood_without_the_key_evicts_nothing(locked: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locked.settings.spaces, "_most", 10)
    victim = locked.space("victim")
    monkeypatch.setattr(victim._space.journal, "_most", 20)
    victim.reply("kept")
    right = {"authorization": f"Bearer {KEY}"}
    CLIENT.get(f"{victim.url}/v1/models", headers=right)
    with httpx2.Client(base_url=locked.root) as client:
        for number in range(220):
            client.get(f"/@{'victim' if number % 2 else f'flood{number}'}/v1/models")
    assert [space.name for space in locked.settings.spaces.known()] == ["", "victim"]
    assert victim.requests[0].status == 200
    assert len(victim.requests) <= 101
    assert victim._space.journal.dropped == 0
    assert locked.settings.spaces("victim").queued


@security
@pytest.mark.parametrize("name", ["x" * 101, "a b", "~", "%00", "a%0d%0ab", "é", "{{7*7}}", "a%25b", "x" * 9000])
def test_a_name_of_a_space_is_bounded_before_any_key(locked: FakeServer, name: str) -> None:
    reply = CLIENT.get(f"{locked.root}/@{name}/v1/models")
    assert reply.status_code == 400
    assert re.fullmatch(r".{1,500}", reply.json()["error"]["message"])
    assert [space.name for space in locked.settings.spaces.known()] == [""]


def test_the_right_key_makes_a_space(locked: FakeServer) -> None:
    assert ask(locked, "GET", "/@made/v1/models", authorization=f"Bearer {KEY}").status_code == 200
    assert "made" in [space.name for space in locked.settings.spaces.known()]
