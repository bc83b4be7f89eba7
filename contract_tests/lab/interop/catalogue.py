"""The servers that are judged: what each needs, and what its clients must send."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from contract_tests.lab.tools.checkout import ROOT

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE / "servers"
HOMES = ROOT / ".cache" / "interop"
KEY = "sk-interop-0123456789abcdef0123456789"
"""A key that opens nothing: long enough for LiteLLM's check and for gpt4free to pass on."""
CALLS = ("tools.parallel", "tools.stream-parallel", "tools.result")
"""The cases that go on from calls of tools, which random weights make or do not make."""


@dataclass(frozen=True)
class Server:
    """A third-party server. Its script is `servers/<name>.sh`.

    `headers` go with every request, where `{upstream}` stands for the base URL of the fake · `tools` must
    be on PATH, or the server is skipped · `package` is what `version` counts, where it is not called like
    the server · `model` None asks for the usual model · `heavy` says why it is left out unless it is named
    or all are asked for · `unreached` are the cases that may leave nothing to judge: its leg is complete
    all the same.
    """

    name: str
    title: str
    version: str
    headers: tuple[tuple[str, str], ...] = ()
    tools: tuple[str, ...] = ()
    package: str = ""
    model: str | None = None
    heavy: str = ""
    unreached: tuple[str, ...] = ()
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
        Server(
            "litellm",
            "LiteLLM proxy",
            "1.106.2",
            # It asks the upstream's chat for text completions, where these parameters are of another kind.
            unreached=("completions.logprobs", "completions.echo"),
        ),
        Server(
            "portkey",
            "Portkey gateway",
            "1.15.2",
            headers=(("x-portkey-provider", "openai"), ("x-portkey-custom-host", "{upstream}")),
            tools=("node", "npm"),
        ),
        Server("openai-forward", "openai-forward", "0.8.1"),
        Server("sglang-router", "SGLang's model gateway", "0.3.2", model="gpt-4o-mini"),
        Server("hayhooks", "Hayhooks", "2.1.0", model="poet"),
        Server(
            "llama-server",
            "llama.cpp's server",
            "2026.10.11549",
            package="xllamacpp",
            model="tiny-random",
            unreached=CALLS,
        ),
        Server(
            "transformers-serve",
            "transformers serve",
            "5.23.0",
            package="transformers",
            model="tiny-chat",
            heavy="it installs PyTorch, 200 MB without and 3 GB with its libraries for graphics cards",
            unreached=CALLS,
            install_seconds=1200.0,
        ),
    )
}
