"""The tools that are compared: each records the replies of a raw server, then replays them."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from contract_tests.lab.fidelity import in_process
from contract_tests.lab.fidelity.capture import Capture, Piece, ask
from contract_tests.lab.fidelity.replies import KEY, PATH, REPLIES, UNRECORDED, request_body
from contract_tests.lab.fidelity.sending import RawServer
from contract_tests.lab.tools import processes
from contract_tests.lab.tools.environments import node_environment, python_environment
from contract_tests.lab.tools.processes import Running, child_environment, free_port
from fake_server.relay.recorder import Recorder
from fake_server.replay import ReplayTransport
from fake_server.replay.playback import Playback
from fake_server.wire.fixture import find, load

VCRPY = ("vcrpy==9.4.2", "httpx2==2.16.2", "requests==2.34.2")
MITMPROXY = ("mitmproxy==11.0.2",)  # the newest for Python 3.11
AIMOCK = "1.43.0"
RUN_SECONDS = 60.0
OWN = "this kit"
Replies = Mapping[str, Capture]


@dataclass(frozen=True)
class Measurement:
    """The replies of a tool while it recorded, when it replayed, and to a request that was not recorded.

    `live` is what the same client shows of the raw server without a tool between, where the client is no raw
    socket. `files` are the recording by path; `requests` names the replies that the raw server was asked for
    during the replay.
    """

    recorded: Replies
    replayed: Replies
    unrecorded: Capture
    requests: tuple[str, ...]
    files: Mapping[str, bytes]
    live: Replies = field(default_factory=dict)


@dataclass(frozen=True)
class Tool:
    """A tool by name; `measure` takes a server and an empty folder, raises NotInstalled and ProcessFailed."""

    name: str
    measure: Callable[[RawServer, Path], Awaitable[Measurement]]


async def _ask_all(port: int) -> Replies:
    return {name: await ask(port, name) for name in REPLIES}


def _files(folder: Path) -> Mapping[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def _replay_all(port: int, recorded: Replies, raw: RawServer, files: Mapping[str, bytes]) -> Measurement:
    """Ask everything again of the server on `port`, by raw sockets."""
    before = len(raw.requests)
    replayed = await _ask_all(port)
    missed = await ask(port, UNRECORDED, streamed=True)
    return Measurement(recorded, replayed, missed, tuple(raw.requests[before:]), files)


async def _record_with_this_kit(raw: RawServer, folder: Path) -> Replies:
    async with Recorder(f"http://127.0.0.1:{raw.port}/v1", folder) as recorder:
        recorded = await _ask_all(int(recorder.base_url.removesuffix("/v1").rpartition(":")[2]))
        await recorder.wait_until_idle()
    return recorded


async def this_kit(raw: RawServer, folder: Path) -> Measurement:
    recorded = await _record_with_this_kit(raw, folder)
    async with Playback([load(path) for path in find(folder)]) as playback:
        return await _replay_all(playback.port, recorded, raw, _files(folder))


async def this_kit_in_process(raw: RawServer, folder: Path) -> Measurement:
    recorded = await _record_with_this_kit(raw, folder)
    return await _in_process(_own_client(folder), recorded, raw, _files(folder))


def _own_client(folder: Path) -> Callable[..., Awaitable[Replies]]:
    async def client(order: Mapping[str, Any], *, replay: bool) -> Replies:
        ask_one = in_process.httpx2_client(ReplayTransport(folder) if replay else None)
        return _captures(await asyncio.to_thread(in_process.ask_all, ask_one, order))

    return client


async def vcrpy(raw: RawServer, folder: Path, library: str) -> Measurement:
    python = await asyncio.to_thread(python_environment, "vcrpy", VCRPY)
    script, cassette = Path(in_process.__file__), folder / "cassette.yaml"

    async def client(order: Mapping[str, Any], *, replay: bool, record: bool = False) -> Replies:
        mode = {"cassette": str(cassette), "record_mode": "none" if replay else "once"}
        settings = {**order, "client": library, **(mode if replay or record else {})}
        command: list[str | Path] = [python, script, json.dumps(settings)]
        return _captures(json.loads(await _output_of(command, folder)))

    recorded = await client(_order(raw.port), replay=False, record=True)
    return await _in_process(client, recorded, raw, {cassette.name: cassette.read_bytes()})


async def _in_process(
    client: Callable[..., Awaitable[Replies]], recorded: Replies, raw: RawServer, files: Mapping[str, bytes]
) -> Measurement:
    live = await client(_order(raw.port), replay=False)
    before = len(raw.requests)
    replayed = dict(await client(_order(raw.port, UNRECORDED), replay=True))
    return Measurement(recorded, replayed, replayed.pop(UNRECORDED), tuple(raw.requests[before:]), files, live)


def _order(port: int, *more: str) -> Mapping[str, Any]:
    asks = {name: request_body(name, REPLIES[name].streamed) for name in REPLIES}
    asks |= {name: request_body(name, True) for name in more}
    bodies = {name: body.decode() for name, body in asks.items()}
    return {"base": f"http://127.0.0.1:{port}{PATH}", "asks": bodies, "key": KEY}


def _captures(replies: Mapping[str, Mapping[str, Any]]) -> Replies:
    """The replies that a client in process printed as JSON."""
    captures = {}
    for name, reply in replies.items():
        pieces = tuple(Piece(base64.b64decode(data), at) for data, at in reply["pieces"])
        headers = tuple((field, value) for field, value in reply.get("headers", ()))
        captures[name] = Capture(**{**reply, "pieces": pieces, "headers": headers})
    return captures


async def mitmproxy(raw: RawServer, folder: Path) -> Measurement:
    python = await asyncio.to_thread(python_environment, "mitmproxy", MITMPROXY)
    flows, port = folder / "recorded.flows", free_port()
    options = ["connection_strategy=lazy", "server_replay_reuse=true", "server_replay_refresh=false"]
    options += ["server_replay_extra=404", "keepserving=true", f"confdir={folder}"]
    command = [str(python.with_name("mitmdump")), "--mode", f"reverse:http://127.0.0.1:{raw.port}"]
    command += ["--listen-host", "127.0.0.1", "--listen-port", str(port)]
    command += [argument for option in options for argument in ("--set", option)]
    with _serving([*command, "-w", str(flows)], port, folder):
        recorded = await _ask_all(port)
    with _serving([*command, "--server-replay", str(flows)], port, folder):
        return await _replay_all(port, recorded, raw, {flows.name: flows.read_bytes()})


async def aimock(raw: RawServer, folder: Path) -> Measurement:
    script = await asyncio.to_thread(aimock_command)
    fixtures, port = folder / "fixtures", free_port()
    fixtures.mkdir()
    command = [*script, "--port", str(port), "--fixtures", str(fixtures)]
    record = ["--record", "--provider-openai", f"http://127.0.0.1:{raw.port}"]
    with _serving([*command, *record], port, folder):
        recorded = await _ask_all(port)
    with _serving([*command, "--strict"], port, folder):
        return await _replay_all(port, recorded, raw, _files(fixtures))


def aimock_command() -> list[str]:
    """What runs aimock's command, installed where absent. Raises NotInstalled."""
    package = "@copilotkit/aimock"
    home = node_environment("aimock", [f"{package}@{AIMOCK}"])
    return ["node", str(home / "node_modules" / package / "dist" / "cli.js")]


def _serving(command: Sequence[str], port: int, folder: Path) -> AbstractContextManager[Running]:
    """The command, once something listens on `port`. Raises ProcessFailed."""
    return processes.running(
        command,
        ready=lambda: processes.listens(port),
        env=child_environment(folder),
        log=folder / "log.txt",
        cwd=folder,
    )


async def _output_of(command: Sequence[str | Path], folder: Path) -> str:
    """What a command prints while this loop goes on: it asks the raw server. Raises ProcessFailed."""
    environ = child_environment(folder)
    return await asyncio.to_thread(processes.output, command, env=environ, seconds=RUN_SECONDS, cwd=folder)


def _display_name(pin: str) -> str:
    return pin.replace("==", " ")


TOOLS = (
    Tool(OWN, this_kit),
    Tool(f"{OWN} (httpx2)", this_kit_in_process),
    Tool(f"{_display_name(VCRPY[0])} (httpx2)", partial(vcrpy, library="httpx2")),
    Tool(f"{_display_name(VCRPY[0])} (requests)", partial(vcrpy, library="requests")),
    Tool(_display_name(MITMPROXY[0]), mitmproxy),
    Tool(f"aimock {AIMOCK}", aimock),
)
