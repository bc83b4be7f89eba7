# mypy: ignore-errors
"""Codex CLI, asked through its app server, which many tasks can share; reads and answers one JSON object a line.

The arguments are the command that starts the app server. Only streams are asked for, as Codex asks for nothing else.
The fixture's tools are given to it as tools of the application, and a call is answered once: what Codex would ask
after that is not of the fixture.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import deque
from typing import Any


class TurnFailed(Exception):
    """Codex gave up; `said` is its reason."""

    def __init__(self, said: dict[str, Any]) -> None:
        super().__init__(said)
        self.said = said


def main() -> None:
    codex = Codex(sys.argv[1:])
    print("ready", flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = {"result": ask(codex, question)}
        except TurnFailed as error:
            answer = {"error": type(error).__name__, "said": error.said}
        print(json.dumps(answer), flush=True)


class Codex:
    """The app server: JSON-RPC messages, one a line."""

    def __init__(self, command: list[str]) -> None:
        # In the group of this process, so it is stopped with it.
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self._server = subprocess.Popen(command, encoding="utf-8", **pipes)  # noqa: S603 the lab's own command
        self._count = 0
        self._early = deque()
        client = {"name": "contract", "title": "contract", "version": "1"}
        self.request("initialize", clientInfo=client, capabilities={"experimentalApi": True})
        self.send(method="initialized")

    def send(self, **message: Any) -> None:
        self._server.stdin.write(json.dumps(message) + "\n")
        self._server.stdin.flush()

    def request(self, method: str, **params: Any) -> Any:
        """The result; what else arrives meanwhile is kept for `read`."""
        self._count += 1
        self.send(id=self._count, method=method, params=params)
        while True:
            message = self._receive()
            if "method" in message:
                self._early.append(message)
            elif message["id"] == self._count:
                return message["result"]

    def read(self) -> Any:
        return self._early.popleft() if self._early else self._receive()

    def _receive(self) -> Any:
        line = self._server.stdout.readline()
        if not line:
            sys.exit("the app server ended")
        return json.loads(line)


def ask(codex: Codex, question: dict[str, Any]) -> Any:
    body = question["body"]
    if question["kind"] != "responses" or not body.get("stream"):
        return None
    tools = [tool for tool in body.get("tools") or [] if tool["type"] == "function"]
    thread = codex.request(
        "thread/start",
        config={"model_providers.target.base_url": question["base_url"]},
        **{"model": body["model"], "ephemeral": True, "experimentalRawEvents": True},
        **{"approvalPolicy": "never", "sandbox": "read-only", "environments": []},
        dynamicTools=[
            {"type": "function", "name": tool["name"], "description": "", "inputSchema": tool["parameters"]}
            for tool in tools
        ],
    )["thread"]["id"]
    schema = ((body.get("text") or {}).get("format") or {}).get("schema")
    text = {"type": "text", "text": "Say hello."}
    turn = codex.request("turn/start", threadId=thread, input=[text], outputSchema=schema)["turn"]["id"]
    try:
        return read_turn(codex, thread, turn)
    finally:
        codex.request("thread/unsubscribe", threadId=thread)


def read_turn(codex: Codex, thread: str, turn: str) -> Any:
    """What Codex shows, runs and keeps of the first answer: `{choices, streamed, items, reasoning, usage}`."""
    choice = {"text": "", "calls": [], "invalid calls": []}
    result = {"choices": [choice], "streamed": "", "items": [], "reasoning": [], "usage": None}
    order = []
    while True:
        message = codex.read()
        method, params = message.get("method"), message.get("params") or {}
        if params.get("threadId") != thread:
            continue
        item = params.get("item") or {}
        kind = item.get("type") or ""
        if method == "item/tool/call":
            choice["calls"].append([params["callId"], params["tool"], params["arguments"]])
            codex.send(id=message["id"], result={"success": True, "contentItems": [{"type": "inputText", "text": "4"}]})
        elif method == "item/agentMessage/delta":
            result["streamed"] += params["delta"]
        elif method == "item/completed" and kind == "agentMessage":
            choice["text"] += item["text"]
        elif method == "rawResponseItem/completed" and kind.endswith("_output"):
            if item["call_id"] not in [call[0] for call in choice["calls"]]:
                choice["invalid calls"].append([item["call_id"], item["output"]])
        elif method == "rawResponseItem/completed" and item.get("role", "assistant") == "assistant":
            result["items"].append(kind)
            order.append(item.get("call_id"))
            if kind == "reasoning":
                summary = "".join(part["text"] for part in item["summary"])
                result["reasoning"].append([summary, item.get("encrypted_content")])
        elif method == "rawResponse/completed":
            used = params["usage"]
            result["usage"] = used and [used[name] for name in USAGE]
        elif method == "thread/tokenUsage/updated" and (choice["calls"] or choice["invalid calls"]):
            codex.request("turn/interrupt", threadId=thread, turnId=turn)
            for calls in (choice["calls"], choice["invalid calls"]):  # they run side by side, in any order
                calls.sort(key=lambda call: order.index(call[0]))
            return result
        elif method == "turn/completed":
            if params["turn"]["status"] == "failed":
                raise TurnFailed({"message": params["turn"]["error"]["message"]})
            return result


USAGE = ("inputTokens", "outputTokens", "totalTokens", "cachedInputTokens", "reasoningOutputTokens")


if __name__ == "__main__":
    main()
