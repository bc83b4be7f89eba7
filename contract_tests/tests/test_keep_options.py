"""`--keep` and `--keep-name`: an agent loop whose tool takes a `password` is recorded, imported and replayed."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from contract_tests.cli.importing import import_command
from contract_tests.tests.test_record import KEY, load_all, no_key_in, record
from fake_server import ReplayServer

WORD = "mellon"
FUNCTION = {"name": "unlock", "arguments": json.dumps({"password": WORD})}
CALL = {"id": "call_1", "type": "function", "function": FUNCTION}
AGENT = """
import json, os, urllib.request
messages = [{"role": "user", "content": "Open the door."}]
while True:
    body = json.dumps({"model": "m", "messages": messages}).encode()
    fields = {"Content-Type": "application/json", "Authorization": "Bearer KEY"}
    request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", body, fields)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    message = json.loads(opener.open(request).read())["choices"][0]["message"]
    if not message.get("tool_calls"):
        break
    word = json.loads(message["tool_calls"][0]["function"]["arguments"])["password"]
    result = {"mellon": "open"}.get(word, "wrong word")
    messages += [message, {"role": "tool", "tool_call_id": "call_1", "content": result}]
print(message["content"])
""".replace("KEY", KEY)


def completion(asked: bytes) -> bytes:
    """A tool call, then what the tool said."""
    last = json.loads(asked)["messages"][-1]
    message = {"role": "assistant", "content": None, "refusal": None, "tool_calls": [CALL]}
    if last["role"] == "tool":
        message = {"role": "assistant", "content": f"The door is {last['content']}.", "refusal": None}
    reason = "stop" if last["role"] == "tool" else "tool_calls"
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1780000000, "model": "m"}
    return json.dumps({**head, "choices": [choice]}).encode()


class Door(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        reply = completion(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("kept", [(), ("--keep", WORD), ("--keep-name", "password"), ("--keep", WORD, "--keep", KEY)])
def test_an_agent_loop_is_recorded_and_replayed(kept: tuple[str, ...], tmp_path: Path) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        done = record(url, tmp_path, *kept, "--", sys.executable, "-c", AGENT)
        server.shutdown()
    assert done.returncode == 0, done.stderr
    assert no_key_in(tmp_path)
    says = "changed inside the answer: choices[0].message.tool_calls[0].function.arguments.password; replaying it may"
    assert (says in done.stdout) is not bool(kept)
    assert ("the API key, which is redacted all the same" in done.stdout) is (KEY in kept)
    if not kept:
        assert any("another course" in fixture.notes for fixture in load_all(tmp_path))
        return
    with ReplayServer(tmp_path, speed=0) as replay:
        environment = {"OPENAI_BASE_URL": replay.base_url}
        again = subprocess.run([sys.executable, "-c", AGENT], env=environment, capture_output=True, text=True)
    assert again.stdout == "The door is open.\n", again.stderr


def test_an_import_says_what_it_changed_and_keeps_what_is_named(tmp_path: Path) -> None:
    asked = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Open the door."}]})
    kind = {"Content-Type": ["application/json"]}
    request = {"method": "POST", "uri": "https://api.openai.com/v1/chat/completions", "headers": kind, "body": asked}
    reply = {
        "status": {"code": 200, "message": "OK"},
        "headers": kind,
        "body": {"string": completion(asked.encode()).decode()},
    }
    cassette = tmp_path / "loop.json"
    cassette.write_text(json.dumps({"version": 1, "interactions": [{"request": request, "response": reply}]}))
    for name, kept in (("plain", ()), ("kept", ("--keep-name", "password"))):
        done = CliRunner().invoke(
            import_command, [str(cassette), "--out", str(tmp_path / name), *kept], standalone_mode=False
        )
        assert done.return_value == 0, done.output
        assert ("changed inside the answer" in done.output) is not bool(kept)
        [fixture] = load_all(tmp_path / name)
        assert (WORD.encode() in fixture.exchange.payload) is bool(kept)


def test_an_empty_value_keeps_nothing_and_is_refused(tmp_path: Path) -> None:
    done = record("http://127.0.0.1:1/v1", tmp_path, "--keep", " ", "--run", "chat.short")
    assert (done.returncode, "--keep" in done.stderr, "empty" in done.stderr) == (2, True, True)
