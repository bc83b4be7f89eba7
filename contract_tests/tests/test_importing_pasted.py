"""Text pasted into issues, with `$ curl …` lines and code fences."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from pathlib import Path
from time import process_time

import pytest

from contract_tests.recordings import reading
from contract_tests.recordings.importing import CurlRequest, InputError, read
from contract_tests.recordings.importing.recognising import recognise
from contract_tests.rules import judge
from contract_tests.tests.test_importing_forms import ASKED, REFUSAL, STREAM, URL, imported
from fake_server.wire.exchange import Aspect

MODELS = '{"object": "list", "data": [{"id": "m", "object": "model", "created": 1780000000, "owned_by": "me"}]}'
ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1780000000,
        "model": "gpt-4o",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello.", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    },
    indent=2,
)
SENT = '{"model": "gpt-4o", "messages": [{"role": "user", "content": "It\'s \\"I\\""}]}'
QUOTED = SENT.replace("'", "'\\''")
POST = f"""curl {URL} \\
  -H "Authorization: Bearer $OPENAI_API_KEY" \\
  -H 'Content-Type: application/json' \\
  -d '{QUOTED}'"""
HEAD = "HTTP/1.1 200 OK\nContent-Type: application/json\nx-request-id: req_1\n\n"


@pytest.mark.parametrize(
    "prompt", ["$ ", "% ", "user@host:~/dir$ ", "[user@host dir]$ ", "(venv) a@b % ", "❯ ", "", "time "]
)
def test_a_command_and_its_reply(tmp_path: Path, prompt: str) -> None:
    (entry,) = imported(tmp_path, f"{prompt}{POST}\n{ANSWER}\n")
    exchange = entry.fixture.exchange
    assert (entry.format, exchange.status) == ("pasted", 200)
    assert (exchange.request.method, exchange.request.target) == ("POST", "/v1/chat/completions")
    assert exchange.request.body.decode() == SENT
    assert ("Content-Type", "application/json") in (exchange.request.headers or ())
    assert exchange.knows(Aspect.REQUEST)
    assert exchange.payload.decode() == ANSWER
    assert not judge(exchange).findings
    assert "command 1 https://api.example.invalid/v1/chat/completions" in entry.fixture.source


def test_text_with_fences_around_commands_and_replies(tmp_path: Path) -> None:
    text = f"""# n is ignored

I ask this with `curl`:

```bash
$ {POST}
```

and get

```json
{ANSWER}
```

With a stream:
~~~
$ curl -sN {URL} -d '{ASKED.decode()}'
{STREAM}$ curl -i {URL[:-16]}models -H "Authorization: Bearer sk-{"a" * 40}"
HTTP/2 200
content-type: application/json
x-request-id: req_1

{MODELS}
$
~~~
Versions: ```1.2```. Any idea?
"""
    first, stream, models = [entry.fixture.exchange for entry in imported(tmp_path, text, "issue.md")]
    assert first.payload.decode() == ANSWER
    assert first.request.body.decode() == SENT
    assert (stream.payload.decode(), stream.request.body) == (STREAM, ASKED)
    assert (models.request.method, models.request.target, models.status) == ("GET", "/v1/models", 200)
    assert models.header("content-type") == "application/json"
    assert models.payload.decode() == MODELS
    assert not [judge(exchange).findings for exchange in (first, stream, models) if judge(exchange).findings]


def test_a_fence_without_a_command_is_a_reply_of_what_the_user_says(tmp_path: Path) -> None:
    for text in (f"```\n{ANSWER}\n```\n", f"```json\n{ANSWER}"):
        (entry,) = imported(tmp_path, text, asked=CurlRequest(URL, SENT.encode()))
        assert (entry.format, entry.fixture.exchange.request.body.decode()) == ("pasted", SENT)
        (entry,) = imported(tmp_path, text)
        assert not entry.fixture.exchange.knows(Aspect.REQUEST)


def test_what_stands_behind_a_reply_is_no_part_of_it(tmp_path: Path) -> None:
    for printed in (ANSWER, HEAD + ANSWER, "HTTP/1.1 100 Continue\n\n" + HEAD + ANSWER):
        for rest in ("\n\nThat is wrong, isn't it?\n", "user@host:~$ \n", "\n$ ls\nfile\n"):
            (entry,) = imported(tmp_path, f"$ {POST}\n{printed}{rest}")
            assert entry.fixture.exchange.payload.decode().rstrip() == ANSWER
    (entry,) = imported(tmp_path, f"$ {POST}\n{STREAM}\nAny idea?\n")
    assert entry.fixture.exchange.payload.decode() == STREAM


def test_a_progress_meter_and_quoting_are_taken_off(tmp_path: Path) -> None:
    meter = (
        "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n"
        "                                 Dload  Upload   Total   Spent    Left  Speed\n"
        "100   352  100   300  100    52   1500    260 --:--:-- --:--:-- --:--:--  1760\n"
    )
    text = f"$ {POST}\n{meter}{ANSWER}\n"
    for pasted in (text, "".join(f"> {line}\n" for line in text.splitlines())):
        (entry,) = imported(tmp_path, pasted)
        assert entry.fixture.exchange.payload.decode() == ANSWER


def test_a_request_and_its_reply_in_fences_of_their_own(tmp_path: Path) -> None:
    text = f"""My config:
```json
{{"model_list": []}}
```
Request:
```json
{SENT}
```
Response:
```
{ANSWER}
```
"""
    path = tmp_path / "issue.md"
    path.write_text("```\n$ ls\n```\n" + text)
    skipped = Counter[str]()
    (entry,) = read(path, "pasted", skipped=skipped)
    exchange = entry.fixture.exchange
    assert (exchange.request.target, exchange.request.body.decode()) == ("/v1/chat/completions", SENT)
    assert exchange.payload.decode() == ANSWER
    assert exchange.knows(Aspect.REQUEST)
    assert skipped == {"a text that is no reply": 1}


def test_indented_coloured_and_introduced_replies(tmp_path: Path) -> None:
    indented = "".join(f"    {line}\n" for line in f"$ {POST}\n{HEAD}{ANSWER}".splitlines())
    coloured = f"\x1b[32m$\x1b[0m {POST}\n\x1b[1mHTTP/1.1 200 OK\x1b[0m\nContent-Type: application/json\n\n{ANSWER}"
    for text in (f"It says:\n\n{indented}\n", coloured, f"$ {POST}\n\nResponse:\n\n{ANSWER}\n\nWhy?\n"):
        (entry,) = imported(tmp_path, text)
        assert entry.format == "pasted"
        assert json.loads(entry.fixture.exchange.payload) == json.loads(ANSWER)
        assert entry.fixture.exchange.request.body.decode() == SENT


def test_what_curl_v_prints_behind_its_command(tmp_path: Path) -> None:
    verbose = (
        "* Connected to api.example.invalid (127.0.0.1) port 443\n> POST /v1/chat/completions HTTP/1.1\n"
        "> Host: api.example.invalid\n> User-Agent: curl/8.5.0\n> \n< HTTP/1.1 200 OK\n"
        f"< Content-Type: application/json\n< \n{ANSWER}\n"
    )
    (entry,) = imported(tmp_path, f"$ {POST} -v\n{verbose}")
    exchange = entry.fixture.exchange
    assert (exchange.status, exchange.request.body.decode()) == (200, SENT)
    assert exchange.payload.decode().rstrip() == ANSWER


@pytest.mark.parametrize(
    ("options", "method", "body", "known"),
    [
        (f"--json '{QUOTED}'", "POST", SENT, True),
        ("--request POST --data-raw='{}'", "POST", "{}", True),
        ("-XDELETE", "DELETE", "", True),
        ("-d'{}' -o out.json -m 5", "POST", "{}", True),
        ("-d @body.json", "POST", "", False),
        ('-d "$(cat body.json)"', "POST", "", False),
        ("-d @- <<'EOF'\n{\"a\": 1}\nEOF", "POST", '{"a": 1}', True),
        ('-d "{\\"a\\": 1}"', "POST", '{"a": 1}', True),
        ("^\n  -d {}", "POST", "{}", True),
        ("-d '{}' | jq .", "POST", "{}", True),
    ],
)
def test_what_a_command_asks(tmp_path: Path, options: str, method: str, body: str, known: bool) -> None:
    (entry,) = imported(tmp_path, f"$ curl {URL} {options}\n{ANSWER}\n")
    exchange = entry.fixture.exchange
    assert (exchange.request.method, exchange.request.body.decode()) == (method, body)
    assert exchange.knows(Aspect.REQUEST) is known


def test_commands_without_a_reply_of_the_api_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "issue.md"
    path.write_text(
        "$ curl -fsSL https://example.com/install.sh | sh\nInstalled.\n"
        f"$ {POST}\ncurl: (7) Failed to connect to api.example.invalid port 443\n"
        f"$ curl {URL} -d '{{}}'\n$ {POST}\n{json.dumps(REFUSAL)}\n"
    )
    skipped = Counter[str]()
    (entry,) = read(path, skipped=skipped)
    assert entry.fixture.exchange.status == 400
    assert skipped["a command without a reply"] == 3
    assert [one.exchange.status for one in reading.read(path)] == [400]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"$ curl {URL} -d '{{\n{ANSWER}", "command 1"),
        ("```\nhello\n```\n", "neither a curl command nor a fence"),
        (f"$ curl -H 'x y: 1' {URL}\n{ANSWER}", "command 1: 'x y' is not the name of a header field"),
        ("\n".join(f"$ curl {URL}\n{{}}" for _ in range(1001)), "more than 1000 commands"),
    ],
    ids=["quote", "nothing", "field", "many"],
)
def test_a_text_that_cannot_be_read_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        imported(tmp_path, text, format="pasted")


@pytest.mark.parametrize(
    "text", ["# curl and how to use it\n\nCurl is fine.\n", "the curl command\n", "some: yaml\n", "> a quote\n"]
)
def test_other_text_is_not_taken_for_pasted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "README.md"
    path.write_text(text)
    assert recognise(path) != "pasted"


@pytest.mark.security("hostile files")
def test_hostile_text_takes_no_time(tmp_path: Path) -> None:
    began = process_time()
    for text in ("```\n" * 20_000, f"$ curl {URL} '" * 5_000, f"$ curl {URL}\n" + "1" * 200_000, "$ " * 200_000):
        with contextlib.suppress(InputError):
            imported(tmp_path, text, format="pasted")
    assert process_time() - began < 10


@pytest.mark.parametrize("sign", ["\\", "^"])
def test_a_command_of_many_lines_is_read_once(sign: str, tmp_path: Path) -> None:
    path = tmp_path / "pasted.md"
    path.write_text("```\n" + f"curl -s {sign}\n" * 30_000 + "```\n")
    began = process_time()
    with pytest.raises(InputError, match="no reply"):
        list(read(path))
    assert process_time() - began < 20  # each line read to the end of them all took minutes
