"""Pasted commands of bash, cmd.exe and PowerShell, and streams that lost their blank lines."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from contract_tests.recordings.importing import CurlRequest, Imported, read
from contract_tests.rules import judge

DICT = '{"id": "chatcmpl-1", "object": "chat.completion", "choices": []}'
ASKED = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
BODY = json.dumps(ASKED)
QUOTED = BODY.replace('"', '\\"')
CARETS = "".join(f"^{letter}" if letter in '"\\{}[]' else letter for letter in QUOTED)
HOST = "http://localhost:4000/v1/chat/completions"
COMMANDS = {
    "PowerShell": f"PS C:\\Users\\me> curl.exe {HOST} `\n  -H \"Content-Type: application/json\" `\n  -d '{QUOTED}'",
    "PowerShell 7": f"curl.exe {HOST} `\n  -d '{BODY}'",
    "cmd of Chrome": f'curl ^"{HOST}^" ^\n  -H ^"accept: application/json^" ^\n  --data-raw ^"{CARETS}^"',
    "cmd": f'C:\\Users\\me>curl "{HOST}" ^\n  --data-raw "{QUOTED}"',
    "bash of Chrome": f"curl '{HOST}' \\\n  --data-raw $'{BODY}'",
    "joined options": f"curl -sNd '{BODY}' {HOST}",
    "more joined options": f"$ curl -sSLX POST -kd '{BODY}' {HOST}",
    "a variable": f"$ curl -s \"$BASE/chat/completions\" -d '{BODY}'",
    "a variable in braces": f"curl ${{OPENAI_BASE_URL}}/chat/completions -d '{BODY}'",
    "a variable before /v1": f"curl $HOST/v1/chat/completions -d '{BODY}'",
    "docker": f"root@box:/app# docker exec -it api curl {HOST} -d '{BODY}'",
    "kubectl": f"$ kubectl exec pod -- curl -s {HOST} -d '{BODY}'",
    "an environment": f"$ NO_PROXY=* sudo curl {HOST} -d '{BODY}'",
}


def imported(tmp_path: Path, text: str | bytes, skipped: Counter[str] | None = None) -> list[Imported]:
    path = tmp_path / "pasted.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read(path, skipped=skipped))


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_command_of_any_shell(command: str, tmp_path: Path) -> None:
    [entry] = imported(tmp_path, f"{command}\n{DICT}\n")
    request = entry.fixture.exchange.request
    assert (request.method, request.target, json.loads(request.body)) == ("POST", "/v1/chat/completions", ASKED)
    assert entry.fixture.exchange.payload.decode() == DICT
    says = "base URL that ends in /v1 is assumed" in entry.fixture.notes
    assert says is (HOST not in command)


@pytest.mark.parametrize(
    ("written", "text"),
    [(r"it\'s", "it's"), (r"5\u0021", "5!"), (r"a\\nb", "a\nb"), (r"\x41", "A"), (r"\\\\", "\\")],
)
def test_escapes_of_bash(written: str, text: str, tmp_path: Path) -> None:
    [entry] = imported(tmp_path, f'curl {HOST} --data-raw $\'{{"model": "{written}"}}\'\n{DICT}\n')
    assert json.loads(entry.fixture.exchange.request.body) == {"model": text}


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-16", ""), ("utf-16-le", "\ufeff"), ("utf-16-be", "\ufeff"), ("utf-8-sig", ""), ("utf-16-le", "")],
)
def test_a_file_of_powershell(encoding: str, mark: str, tmp_path: Path) -> None:
    [entry] = imported(tmp_path, (mark + f"{COMMANDS['cmd']}\r\n{DICT}\r\n").encode(encoding))
    assert json.loads(entry.fixture.exchange.request.body) == ASKED


@pytest.mark.parametrize("bad", [f"curl {HOST} -d '{BODY}' -H 'a b: c'\n{DICT}", f"curl '{HOST}", f'curl "{HOST} -d x'])
def test_one_bad_command_does_not_end_the_file(bad: str, tmp_path: Path) -> None:
    good = f"```\ncurl {HOST} -d '{BODY}'\n{DICT}\n```\n"
    skipped: Counter[str] = Counter()
    entries = imported(tmp_path, f"{good}\n```\n{bad}\n```\n\n{good}", skipped)
    assert len(entries) == 2
    assert any("cannot be read" in reason for reason in skipped), skipped


def chunk(delta: object, finish: str | None) -> str:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1780000000, "model": "m"}
    return f"data: {json.dumps({**head, 'choices': [choice]})}\n"


WHOLE = chunk({"role": "assistant", "content": "Hi"}, None) + chunk({}, "stop") + "data: [DONE]\n"
BROKEN = chunk({"role": "assistant", "content": "Hi"}, None) + chunk("no delta", "stop") + "data: [DONE]\n"


@pytest.mark.parametrize("pasted", [False, True])
def test_a_stream_without_its_blank_lines_is_judged(pasted: bool, tmp_path: Path) -> None:
    body = json.dumps({**ASKED, "stream": True})
    for text, broken in ((WHOLE, False), (BROKEN, True)):
        path = tmp_path / "stream.txt"
        path.write_text(f"curl {HOST} -d '{body}'\n{text}" if pasted else text)
        [entry] = read(path, asked=CurlRequest(HOST, body.encode()))
        report = judge(entry.fixture.exchange)
        assert "chat.stream.delta" in report.applied
        assert bool(report.ids()) is broken
        assert "each data line is taken for an event" in entry.fixture.notes


PRINTED = json.dumps(json.loads(DICT), indent=4)
SENT = f"POST /v1/chat/completions HTTP/1.1\nContent-Length: {len(BODY)}\nHost: localhost:4000\n\n{BODY}\n\n\n"


@pytest.mark.parametrize(
    "behind",
    ["", "$ ", "$ exit", "user@box:~$ exit\nlogout", "(venv) me@box ~/a % ls", "[me@box a]$", "PS C:\\a> ", "-" * 66],
)
@pytest.mark.parametrize("stream", [False, True], ids=["dict", "stream"])
def test_a_prompt_behind_what_httpie_printed_is_no_reply(behind: str, stream: bool, tmp_path: Path) -> None:
    events = WHOLE.replace("\n", "\n\n")
    kind = "text/event-stream" if stream else f"application/json\nContent-Length: {len(DICT)}"
    reply = f"HTTP/1.1 200 OK\nContent-Type: {kind}\n\n{events if stream else PRINTED}\n\n\n"
    [entry] = imported(tmp_path, f"{SENT}{reply}{behind}\n")
    payload = entry.fixture.exchange.payload.decode()
    assert payload == (events if stream else PRINTED)


def test_other_bytes_behind_the_reply_of_httpie_are_judged(tmp_path: Path) -> None:
    reply = f"HTTP/1.1 200 OK\nContent-Type: application/json\n\n{PRINTED}\nTraceback: a\n"
    [entry] = imported(tmp_path, SENT + reply)
    assert "http.json-syntax" in judge(entry.fixture.exchange).ids()


def test_the_kits_own_issue_text_is_read(tmp_path: Path) -> None:
    curl = 'curl -i -N "$OPENAI_BASE_URL/chat/completions" \\\n  -H "Authorization: Bearer $OPENAI_API_KEY" \\\n'
    asked = f"export OPENAI_BASE_URL=http://localhost:1337/v1  # the server's base URL\n{curl}  --data-raw '{BODY}'"
    reply = f"HTTP/1.1 200 OK\nContent-Type: application/json\n\n{DICT}"
    text = f"# a title\n\n## Reproduce\n\n```sh\n{asked}\n```\n\n## What comes back\n\n```http\n{reply}\n```\n"
    [entry] = imported(tmp_path, f"{text}\n- at: event 0\n\n```yaml\nopenai-contract-fixture: 1\n```\n")
    assert entry.fixture.exchange.request.json() == ASKED
    assert entry.fixture.exchange.payload.decode().strip() == DICT
