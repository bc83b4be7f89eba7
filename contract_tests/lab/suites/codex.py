"""Codex CLI, installed and configured so that it asks one target and reaches nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract_tests.lab.tools import processes
from contract_tests.lab.tools.environments import node_environment

CODEX = "0.171.0"
SECONDS = 60.0
NOWHERE = "http://127.0.0.1:9"
"""A proxy that nobody runs: what goes elsewhere than to 127.0.0.1 fails at once."""
_OPTIONS = {
    "model": "gpt-4o-mini",
    "model_provider": "target",
    "model_providers.target.name": "target",
    "model_providers.target.base_url": f"{NOWHERE}/v1",
    "model_providers.target.wire_api": "responses",
    "model_providers.target.env_key": "OPENAI_API_KEY",
    "model_providers.target.requires_openai_auth": False,
    "model_providers.target.request_max_retries": 0,
    "model_providers.target.stream_max_retries": 0,
    "features.unbounded_connection_retries": False,
    # What it would otherwise look up elsewhere while it starts.
    "check_for_update_on_startup": False,
    "analytics.enabled": False,
    "features.apps": False,
    "features.plugins": False,
    "web_search": "disabled",
}


@dataclass(frozen=True)
class Finished:
    """A task that Codex was given: its exit code, the events that it printed, and its errors."""

    code: int
    events: tuple[Mapping[str, Any], ...]
    errors: str

    def items(self, kind: str) -> list[Mapping[str, Any]]:
        """The completed items of a kind: `agent_message`, `command_execution`, `error` …"""
        done = (event["item"] for event in self.events if event["type"] == "item.completed")
        return [item for item in done if item["type"] == kind]


def codex_command(command: str, **options: str | bool) -> list[str]:
    """`codex COMMAND` with the configuration that keeps it to one target, and these `options` of it by their path.

    Raises NotInstalled.
    """
    home = node_environment("codex", (f"@openai/codex@{CODEX}",))
    settings = _OPTIONS | options
    return [str(home / "node_modules" / ".bin" / "codex"), command, *_format_options(settings)]


def reaching_nothing_else(proxy: str = NOWHERE) -> dict[str, str]:
    """The variables that Codex needs: a key for the target, and `proxy` for everything beyond 127.0.0.1."""
    return {"OPENAI_API_KEY": "sk-any"} | dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), proxy)


def run_task(base_url: str, task: str, folder: Path, *, websockets: bool = False, proxy: str = NOWHERE) -> Finished:
    """Run `codex exec TASK` in `folder` against a target, with no approval asked and a home of its own in it.

    Raises NotInstalled, and ProcessFailed where it takes longer than SECONDS.
    """
    home, work = folder / "home", folder / "work"
    for place in (home, work):
        place.mkdir()
    provider: dict[str, str | bool] = {
        "model_providers.target.base_url": base_url,
        "model_providers.target.supports_websockets": websockets,
    }
    command = codex_command("exec", **provider)
    command += ["--json", "--ephemeral", "--skip-git-repo-check", "--sandbox", "workspace-write", task]
    environ = processes.child_environment(home, **reaching_nothing_else(proxy))
    done = processes.run(command, env=environ, seconds=SECONDS, cwd=work)
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return Finished(done.returncode, tuple(events), done.stderr)


def _format_options(options: Mapping[str, Any]) -> Iterator[str]:
    for name, value in options.items():
        yield from ("-c", f"{name}={json.dumps(value)}")
