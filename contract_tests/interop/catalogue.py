"""The servers that are judged: what each needs, and what its clients must send."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE / "servers"
HOMES = HERE.parents[1] / ".cache" / "interop"
KEY = "sk-interop-0123456789abcdef0123456789"
"""A key that opens nothing: long enough for LiteLLM's check and for gpt4free to pass on."""


@dataclass(frozen=True)
class Server:
    """A third-party server. Its script is `servers/<name>.sh`.

    `headers` go with every request, where `{upstream}` stands for the base URL of the fake · `tools` must
    be on PATH, or the server is skipped · `judged` is False for a server that is installed and started
    only when it is named · `model` None asks for the usual model.
    """

    name: str
    title: str
    version: str
    headers: tuple[tuple[str, str], ...] = ()
    tools: tuple[str, ...] = ()
    model: str | None = None
    by_default: bool = True
    install_seconds: float = 300.0
    start_seconds: float = 60.0

    @property
    def script(self) -> Path:
        return SCRIPTS / f"{self.name}.sh"

    @property
    def home(self) -> Path:
        """The folder that holds its environment and its log."""
        return HOMES / self.name

    @property
    def missing(self) -> tuple[str, ...]:
        """The tools it needs that are not there."""
        return tuple(tool for tool in self.tools if shutil.which(tool) is None)

    def headers_for(self, upstream: str) -> tuple[tuple[str, str], ...]:
        return tuple((name, value.replace("{upstream}", upstream)) for name, value in self.headers)


SERVERS: dict[str, Server] = {
    one.name: one
    for one in (
        Server("g4f", "gpt4free", "8.8.6", model="gpt-4o-mini"),
        Server("litellm", "LiteLLM proxy", "1.106.2"),
        Server(
            "portkey",
            "Portkey gateway",
            "1.15.2",
            headers=(("x-portkey-provider", "openai"), ("x-portkey-custom-host", "{upstream}")),
            tools=("node", "npm"),
        ),
        Server("openai-forward", "openai-forward", "0.8.1"),
    )
}
