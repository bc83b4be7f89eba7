"""The servers that are judged: what each needs, and what its clients must send."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from contract_tests.lab.tools.checkout import ROOT

SCRIPTS = Path(__file__).resolve().parent / "servers"
WORK_FOLDERS = ROOT / ".cache" / "interop"
KEY = "sk-interop-0123456789abcdef0123456789"
"""A key that opens nothing: long enough for LiteLLM's check and for gpt4free to pass on."""
CALLS = ("tools.parallel", "tools.stream-parallel", "tools.result")
"""The cases that go on from calls of tools, which random weights make or do not make."""
MODERATIONS = tuple(f"moderations.{name}" for name in ("one", "batch", "parts", "no-input"))


@dataclass(frozen=True)
class Server:
    """A third-party server. `servers/<name>.sh` starts it.

    - `requirements`: what pip installs, every version as `servers/<name>.txt` says. Without any, npm installs
      what the package-lock.json in `servers/<name>/` says.
    - `headers`: sent with every request; `{upstream}` stands for the base URL of the fake.
    - `tools`: programs that must be on PATH, or the server is skipped.
    - `package`: what `version` is the version of, where it is not named like the server.
    - `model`: the model to ask for; None asks for the usual one.
    - `heavy`: why the server is left out unless it is named or all are asked for.
    - `unreached`: cases that may leave nothing to judge; the leg is complete all the same.
    """

    name: str
    title: str
    version: str
    requirements: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    tools: tuple[str, ...] = ()
    package: str = ""
    model: str | None = None
    heavy: str = ""
    unreached: tuple[str, ...] = ()
    install_seconds: float = 300.0
    start_seconds: float = 180.0

    @property
    def script(self) -> Path:
        return SCRIPTS / f"{self.name}.sh"

    @property
    def pins(self) -> Path:
        """The exact version of each Python package, in pip's form of constraints."""
        return SCRIPTS / f"{self.name}.txt"

    @property
    def work_folder(self) -> Path:
        """The folder for what it writes: configuration, logs, and exchanges with findings."""
        return WORK_FOLDERS / self.name

    @property
    def missing(self) -> tuple[str, ...]:
        """The tools it needs that are not on PATH."""
        return tuple(tool for tool in self.tools if shutil.which(tool) is None)

    def headers_for(self, upstream: str) -> tuple[tuple[str, str], ...]:
        return tuple((name, value.replace("{upstream}", upstream)) for name, value in self.headers)


SERVERS: dict[str, Server] = {
    server.name: server
    for server in (
        Server("g4f", "gpt4free", "8.8.6", ("g4f[slim]",), model="gpt-4o-mini"),
        Server(
            "litellm",
            "LiteLLM proxy",
            "1.106.2",
            ("litellm[proxy]", "prisma"),  # without prisma, a request without its key gets 500 instead of 401
            # It asks the upstream's chat for text completions, where these parameters are of another kind, and for
            # moderations api.openai.com itself.
            unreached=("completions.logprobs", "completions.echo", *MODERATIONS),
        ),
        Server(
            "portkey",
            "Portkey gateway",
            "1.15.2",
            headers=(("x-portkey-provider", "openai"), ("x-portkey-custom-host", "{upstream}")),
            tools=("node", "npm"),
        ),
        Server(
            "openai-forward",
            "openai-forward",
            "0.8.1",
            ("openai-forward", "pyyaml"),  # which it imports and does not require
        ),
        Server("sglang-router", "SGLang's model gateway", "0.3.2", ("sglang-router",), model="gpt-4o-mini"),
        Server("hayhooks", "Hayhooks", "2.1.0", ("hayhooks",), model="poet"),
        Server(
            "llama-server",
            "llama.cpp's server",
            "2026.10.11549",
            ("xllamacpp",),
            package="xllamacpp",
            model="tiny-random",
            unreached=CALLS,
        ),
        Server("lm-proxy", "lm-proxy", "3.3.2", ("lm-proxy",), model="gpt-4o-mini"),
        Server("aimock", "CopilotKit's aimock", "1.43.0", tools=("node", "npm"), model="gpt-4o-mini"),
        Server(
            "transformers-serve",
            "transformers serve",
            "5.23.0",
            ("torch", "transformers[serving]"),
            package="transformers",
            model="tiny-chat",
            heavy="it installs PyTorch, 200 MB without and 3 GB with its libraries for graphics cards",
            unreached=CALLS,
            install_seconds=1200.0,
        ),
    )
}
