"""`python -m contract_tests.lab.behaviour.target NAME --port N`: serve one mutation on 127.0.0.1.

The server ends when its stdin does, so also when whoever started it is killed, and after --seconds at the latest.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import threading
from collections.abc import Sequence

from contract_tests.lab.behaviour.catalogue import Mutation, mutations
from contract_tests.lab.behaviour.exchanging import KEY, Answer, Call, World
from fake_server.connection import Connection
from fake_server.replay.playback import Playback
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.exchange import Request
from fake_server.wire.outgoing import serialize_reply

SECONDS = 900.0


class Target(Playback):
    """Answers every request as a mutation does; it reads requests as a playback of recordings does."""

    def __init__(self, mutation: Mutation, world: World, port: int = 0) -> None:
        super().__init__((), port=port)
        self._behave, self._world = mutation.behave, world

    async def serve_connection(self, client: Connection) -> None:
        try:
            while (request := await self._read(client)) is not None:
                answer = await self._answer_unless_left(client, Call.read(request.request))
                if answer is None:
                    return
                try:
                    stays = await self._send(client, answer, request.request)
                finally:
                    answer.finish()
                if not stays or not request.keeps_alive:
                    await client.close()
                    return
        finally:
            client.drop()

    async def _answer_unless_left(self, client: Connection, call: Call) -> Answer | None:
        """The answer, None where the client left before there was one."""

        async def answer() -> Answer:
            answer = await self._behave(self._world, call)
            self._world.vary_wording(call, answer)
            return answer

        task = asyncio.create_task(answer())
        task.add_done_callback(lambda _: client.wake.set())
        while not task.done():
            await client.changed()
            if client.finished and not task.done():
                task.cancel()
                return None
        return task.result()

    async def _send(self, client: Connection, answer: Answer, request: Request) -> bool:
        """Send it, at its pace, until the client leaves; returns whether the connection can go on."""
        read = ReplyCapture(request, bounds=self.bounds)
        loop = asyncio.get_running_loop()
        for write in serialize_reply(answer.exchange(request)):
            due = loop.time() + write.pause
            while not client.finished and (client.blocked or loop.time() < due):
                await client.changed(max(due, loop.time() + 0.05) if client.blocked else due)
            if client.finished:
                return False
            client.write(write.data)
            read.feed(write.data)
        return read.keeps_alive


async def serve(mutation: Mutation, world: World, port: int, seconds: float) -> None:
    """Serve until stdin ends, for at most so many seconds."""
    leave, loop = asyncio.Event(), asyncio.get_running_loop()

    def wait_for_stdin() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(leave.set)

    threading.Thread(target=wait_for_stdin, daemon=True).start()
    async with Target(mutation, world, port):
        try:
            await asyncio.wait_for(leave.wait(), seconds)
        except TimeoutError:
            print(f"target: {seconds:g} s are over", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> None:
    """Serve the mutation that is named."""
    known = mutations()
    parser = argparse.ArgumentParser("python -m contract_tests.lab.behaviour.target", description=__doc__)
    parser.add_argument("name", choices=known, metavar="NAME", help="a mutation")
    parser.add_argument("--port", type=int, required=True, help="the port of 127.0.0.1 to listen on")
    parser.add_argument("--seed", type=int, default=1, help="seed of the fake and of the wording")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long to serve at most")
    parser.add_argument("--any-key", action="store_true", help="accept any key, and none")
    options = parser.parse_args(argv)
    world = World(options.seed, None if options.any_key else KEY)
    asyncio.run(serve(known[options.name], world, options.port, options.seconds))


if __name__ == "__main__":
    main()
