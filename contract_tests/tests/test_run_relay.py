"""The relay of a run adds the target's key, so it forwards only what the run itself asks."""

from __future__ import annotations

import asyncio
import subprocess
from typing import Any

import pytest

from contract_tests.target import main_program
from contract_tests.target.options import Options
from contract_tests.target.session import Session
from fake_server.tests.hostile import target
from fake_server.tests.wire_client import Echo, ask, post, run

KEY = "sk-proj-R7kq93LmZx0TtVb2NcYw8Ha5"


@pytest.mark.security("pages of other origins")
@pytest.mark.parametrize("api_key", [KEY, None])
@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/v1/chat/completions", "Accept: */*"),
        ("/v1/chat/completions", "Origin: https://evil.example"),
        ("/v1/models", "Authorization: Bearer no-key-needed"),
        ("/v1/models", "X-Contract-Case: 0-chat.short"),
    ],
)
def test_what_others_ask_of_the_relay_is_not_forwarded(api_key: str | None, path: str, line: str) -> None:
    async def main() -> None:
        echo = Echo()
        async with target(echo) as url, Session(Options(url, api_key=api_key), url) as session:
            refused = await ask(session.relay.port, post(b"{}", path, line))
            assert refused.head.startswith(b"HTTP/1.1 404 ")
            assert KEY.encode() not in refused.data
            assert (echo.connections, session.relay.exchanges) == (0, [])
            exchange = await session.exchange("mine", "POST", path, b"{}")
            assert (exchange.status, exchange.request.target) == (200, path)
            assert echo.heads[0].startswith(b"POST %b HTTP/1.1\r\n" % path.encode())
            assert (KEY.encode() in echo.heads[0]) == (api_key is not None)

    run(main())


@pytest.mark.security("pages of other origins")
def test_other_users_do_not_see_the_token_of_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may list the processes of the machine sees their arguments."""
    commands: list[list[str]] = []
    popen = subprocess.Popen

    def started(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        commands.append(command)
        return popen(command, **options)

    monkeypatch.setattr(subprocess, "Popen", started)
    base_url = "http://127.0.0.1:1/a-token/v1"
    outcome = asyncio.run(main_program.run_main_program(base_url, "--model", "m", seconds=20, slack=20))
    assert "127.0.0.1:1" in outcome.stderr
    assert "a-token" not in repr(commands)
