"""Exchanges in the forms in which people report them: each is read, or refused with a word of what to do.

The forms are those of issues of vLLM, LiteLLM, Ollama, open-webui, llama.cpp, dify, OpenAI-Java and others.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from pathlib import Path
from time import process_time

import pytest

from contract_tests.recordings.importing import CurlRequest, Imported, InputError, read
from contract_tests.recordings.importing.pasted import entries
from contract_tests.rules import judge
from contract_tests.tests.test_importing_shells import WHOLE
from fake_server.wire.exchange import Aspect

ASKED = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
BODY = json.dumps(ASKED)
ESCAPED, TICKED = BODY.replace('"', '\\"'), BODY.replace('"', '`"')
MESSAGES = json.dumps(ASKED["messages"])
STREAMED = json.dumps({**ASKED, "stream": True})
URL = "http://localhost:8000/v1/chat/completions"
MESSAGE = {"role": "assistant", "content": "Hi", "refusal": None}
ANSWER = {
    **{"id": "chatcmpl-1", "object": "chat.completion", "created": 1780000000, "model": "m"},
    "choices": [{"index": 0, "message": MESSAGE, "logprobs": None, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
DICT = json.dumps(ANSWER)
PRETTY = json.dumps(ANSWER, indent=2)
EVENTS = WHOLE.replace("\n", "\n\n")
LINES = [line for line in WHOLE.splitlines() if line]
REFUSAL = json.dumps({"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": None}})
HEAD = "HTTP/1.1 200 OK\ncontent-type: application/json\nx-request-id: req_1\n\n"
HTTPIE = f"POST /v1/chat/completions HTTP/1.1\nContent-Length: {len(BODY)}\nHost: localhost:8000\n\n{BODY}\n\n\n"
CHROME = f"""$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession
$session.UserAgent = "Mozilla/5.0 (X11; Linux x86_64)"
Invoke-WebRequest -UseBasicParsing -Uri "{URL}" `
-Method "POST" `
-WebSession $session `
-Headers @{{
"Accept"="*/*"
  "sec-ch-ua"="`"Chromium`";v=`"130`""
}} `
-ContentType "application/json" `
-Body "{TICKED}"
"""
TABLE = """StatusCode        : 200
StatusDescription : OK
Content           : {content}
RawContent        : HTTP/1.1 200 OK
                    Content-Type: application/json...
Headers           : {{[Content-Type, application/json]}}
"""
OF_PYTHON = str({"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": False})

WITH_REQUEST = {
    "a prompt with a virtual environment": f"(vllm) root@box:/a/b# curl {URL} -d '{BODY}'\n{DICT}\n",
    "a comment before the command": f"# none stream\n(v) me@box:~/a$ curl -sS -X POST {URL} -d '{BODY}'\n{DICT}\n",
    "jq behind a pipe": f"```\ncurl {URL} \\\n    -d '{json.dumps(ASKED, indent=8)}' | jq\n\n{PRETTY}\n```\n",
    "a comment before the reply": f"```bash\ncurl --location --request POST '{URL}' \\\n--header 'User-Agent: A/1 (b)' "
    f"\\\n--data-raw '{json.dumps(ASKED, indent=4)}'\n# response\n{PRETTY}\n```\n",
    "curl -v of Windows": f"(2) C:\\Users\\me\\2>curl -v {URL} -d \"{ESCAPED}\"\n"
    "*   Trying 127.0.0.1:8000...\n> POST /v1/chat/completions HTTP/1.1\n> Host: localhost:8000\n>\n"
    f"< HTTP/1.1 200 OK\n< content-type: application/json\n<\n{DICT}* Connection #0 to host localhost left intact\n",
    "curl -v in zsh": f"% curl -v {URL} -d '{BODY}'\n> POST /v1/chat/completions HTTP/2\n> Host: h\n>\n"
    f"< HTTP/2 200\n< content-type: application/json\n<\n* Connection #0 to host h left intact\n{DICT}%\n",
    "curl -v before cmd's prompt": f"C:\\x>curl -v {URL} -d \"{ESCAPED}\"\n> POST /v1/chat/completions HTTP/1.1\n>\n"
    f"< HTTP/1.1 200 OK\n< content-type: application/json\n<\n{DICT}* Connection #0 to host h left intact\n\nC:\\x>\n",
    "curl -v before another prompt": f"❯ curl -v {URL} -d '{BODY}'\n> POST /v1/chat/completions HTTP/1.1\n>\n"
    f"< HTTP/1.1 200 OK\n< content-type: application/json\n<\n{PRETTY}\n❯ ls\n",
    "bash's second prompt": f"$ curl -s {URL} \\\n>   -H 'a: b' \\\n>   -d '{BODY}'\n{DICT}\n",
    "bash's second prompt in quotes": f"$ curl {URL} -d '{{\n> {BODY[1:-1]}\n> }}'\n{DICT}\n",
    "zsh's second prompt": f"% curl {URL} -d '{{\nquote> {BODY[1:-1]}\nquote> }}'\n{DICT}\n",
    "cmd's second prompt": f'C:\\>curl {URL} ^\nMore? -H "a: b" ^\nMore? -d "{ESCAPED}"\n{DICT}\nC:\\>\n',
    "a command before another": f"$ curl -s {URL} -d '{BODY}'; echo\n{DICT}\n\n",
    "a command in another": f"$ R=$(curl -s {URL} -d '{BODY}'); echo $R\n{DICT}\n",
    "a pipe without blanks": f"$ curl -s {URL} -d '{BODY}'|jq .\n{PRETTY}\n",
    "json.tool behind a pipe": f"$ curl -s {URL} -d '{BODY}' | python3 -m json.tool\n{PRETTY}\n",
    "an answer that quotes": f"> ```\n> curl {URL} -d '{BODY}'\n> ```\n> ```\n> {DICT}\n> ```\n\nI see this too.\n",
    "curl -v in two heads": f"$ curl -v {URL} -d '{BODY}'\n> POST /v1/chat/completions HTTP/1.1\n>\n"
    f"< HTTP/1.1 100 Continue\n<\n< HTTP/1.1 200 OK\n< content-type: application/json\n<\n{DICT}\n",
    "LiteLLM's own log": "INFO:     Uvicorn running\n20:14:06 - LiteLLM:WARNING: litellm_logging.py:938 - \n\n"
    f"POST Request Sent from LiteLLM:\ncurl -X POST \\\n{URL} \\\n-H 'A: Be****ey' \\\n-d '{OF_PYTHON}'\n\n\n"
    f"20:14:06 - LiteLLM:WARNING: litellm_logging.py:1015 - RAW RESPONSE:\n{DICT}\n\n\n",
    "wget": f"$ wget -qO- --header='Content-Type: application/json' --post-data='{BODY}' {URL}\n{DICT}\n",
    "HTTPie with its request": f"$ http -v POST :8000/v1/chat/completions model=m\n{HTTPIE}{HEAD}{PRETTY}\n\n\n$ ",
    "HTTPie in a fence": f"It fails:\n```http\n{HTTPIE}{HEAD}{PRETTY}\n```\n",
    "HTTPie in two fences": f"Request:\n```http\n{HTTPIE}```\nReply:\n```http\n{HEAD}{PRETTY}\n```\n",
    "HTTPie in two fences, without a head": f"Request:\n```\n{HTTPIE}```\nReply:\n```json\n{PRETTY}\n```\n",
    "HTTPie's items": f"$ http -b :8000/v1/chat/completions model=m messages:='{MESSAGES}'\n{PRETTY}\n",
    "xh": f"$ echo '{BODY}' | xh post :8000/v1/chat/completions\n{HTTPIE}{HEAD}{PRETTY}\n\n\n",
    "HTTPie's raw body": f"$ https --raw '{BODY}' POST localhost:8000/v1/chat/completions\n{HEAD}{PRETTY}\n",
    "a .http file": f"POST {URL}\nContent-Type: application/json\n\n{BODY}\n\n###\n\n{HEAD}{DICT}\n",
    "a request line without a host": f"```\nPOST /v1/chat/completions\n{BODY}\n```\n\n```json\n{PRETTY}\n```\n",
    "Postman's console": f"POST {URL}\n200\n2.74 s\n" + f"{HTTPIE}{HEAD}{DICT}\n".replace("\n\n", "\n \n"),
    "Copy as PowerShell": f"{CHROME}\n{DICT}\n",
    "Copy as PowerShell, a fence each": f"```powershell\n{CHROME}```\nprints\n```\n{DICT}\n```\n",
    "Invoke-RestMethod": f"PS C:\\> Invoke-RestMethod -Uri {URL} -Method Post -Body '{BODY}'"
    f" | ConvertTo-Json -Depth 9\n{PRETTY}\nPS C:\\> \n",
    "iwr in brackets": f"```\nPS C:\\> (iwr {URL} -Method POST -Body '{BODY}').RawContent\n{HEAD}{DICT}\n```\n",
    "curl as PowerShell's other name": f"(curl -method POST -uri {URL} -body '{BODY}').Content\n{DICT}\n",
    "a body made to bytes": f"$r = Invoke-WebRequest {URL} -Method POST -Body "
    f"([System.Text.Encoding]::UTF8.GetBytes('{BODY}'))\n$r.Content\n{DICT}\n",
    "PowerShell's table": f"> Invoke-WebRequest -Uri \"{URL}\" `\n>>   -Method POST `\n>>   -Headers @{{\n"
    f">>     \"x-a\" = \"b\"\n>>   }} `\n>>   -Body '{BODY}'\n> \n> \n"
    + "".join(f"> {line}\n" for line in TABLE.format(content=DICT).splitlines()),
    "payload and return": f"This is wrong:\npayload: {BODY}\nreturn: {DICT}\nIs it?\n",
    "a mail": "".join(f"> {line}\n" for line in f"$ curl {URL} -d '{BODY}'\n{PRETTY}".splitlines()),
}  # fmt: skip


def imported(tmp_path: Path, text: str, skipped: Counter[str] | None = None) -> list[Imported]:
    path = tmp_path / "report.md"
    path.write_text(text)
    return list(read(path, skipped=skipped))


@pytest.mark.parametrize("text", WITH_REQUEST.values(), ids=WITH_REQUEST)
def test_a_report_says_what_was_asked_and_what_came(text: str, tmp_path: Path) -> None:
    [entry] = imported(tmp_path, text)
    exchange = entry.fixture.exchange
    asked = {name: value for name, value in exchange.request.json().items() if name != "stream"}
    assert (exchange.request.method, exchange.request.target, asked) == ("POST", "/v1/chat/completions", ASKED)
    assert (exchange.status, json.loads(exchange.payload)) == (200, ANSWER)
    assert judge(exchange).ids() <= {"http.request-id"}


LOST = {
    "a fence with a stream": f"Here's an example:\n\n```\n{EVENTS}```\n",
    "a stream in plain prose": f"v1/chat/completions\n{{ \"model\": \"m\", \"messages\": [ \\{{\"role\": 1}}\n], }}\n\n"
    f"vllm response：\n{EVENTS}\nIs that right?\n",
    "curl's own lines between": "```\n* TLSv1.2 (IN), TLS header, Supplemental data (23):\n"
    + "* TLSv1.2 (IN), TLS header, Supplemental data (23):\n".join(f"{line}\n\n" for line in LINES) + "```\n",
    "docker's names before each line": "".join(f"api-1  | {line}\n" for line in EVENTS.splitlines()),
    "times before each line": "".join(f"2026-11-30T10:00:00.123Z {line}\n" for line in LINES),
    "lines as Python's bytes": "".join(f"b'{line}'\nb''\n" for line in LINES),
    "all as Python's bytes": f"```\n{EVENTS.encode()!r}\n```\n",
    "a head and no blank lines": f"```\nHTTP/1.1 200 OK\ncontent-type: text/event-stream\n\n{WHOLE}```\n",
}  # fmt: skip


@pytest.mark.parametrize("text", LOST.values(), ids=LOST)
def test_a_stream_is_read_without_what_stands_around_it(text: str, tmp_path: Path) -> None:
    [entry] = imported(tmp_path, text)
    exchange = entry.fixture.exchange
    assert exchange.payload.decode() == EVENTS
    assert "chat.stream.delta" in judge(exchange).applied
    assert judge(exchange).ids() <= {"http.request-id"}


CHUNK = LINES[0].removeprefix("data: ")
REFUSED = {
    "Python's objects": (
        f"```\nChatCompletion(id='a', choices=[], object='chat.completion')\n```\n{CHUNK}",
        "Python's",
    ),
    "Python's dict": (f"$ curl {URL}\n{ANSWER}\n", "Python's form of an object"),
    "LiteLLM's chunks": ("```\nModelResponseStream(id='a', object='b')\n```\n", "print the text of the reply"),
    "chunks": (f"```\n{CHUNK}\n{CHUNK}\n```\n", "without `data:` before each"),
    "a list of chunks": (f"Chunks:\n```json\n[{CHUNK}, {CHUNK}]\n```\n", "record the stream with `contract record`"),
    "PowerShell's short table": (f"PS> iwr {URL}\n{TABLE.format(content=DICT[:80] + '...')}", "print `.Content`"),
    "PowerShell's object": (
        f"PS> irm {URL}\n\nid      : a\nobject  : b\nchoices : {{@{{index=0}}}}\n",
        "`curl.exe -iN`",
    ),
    "ConvertTo-Json's depth": (f'PS> irm {URL} | ConvertTo-Json\n{{"choices": ["@{{index=0}}"]}}\n', "`-Depth 20`"),
    "a short stream": (f"$ curl {URL}\n{LINES[0]}\n\n...\n\n{LINES[2]}\n", "it was shortened"),
    "a stream that goes on": (f"$ curl {URL}\n{LINES[0]}\n\n{LINES[1]}\n\n...\n", "paste all of it"),
    "a short reply": (f"$ curl {URL}\n{DICT[:90]}...\n", "it was shortened"),
    "a reply with a hole": (f'$ curl {URL}\n{{"id": "a",\n  ...\n  "object": "b"}}\n', "it was shortened"),
    "a short reply of curl -i": (f"{HEAD}{DICT[:90]}...\n", "it was shortened"),
    "a short stream of curl -i": (f"{HEAD}{LINES[0]}\n\n...\n\n{LINES[2]}\n", "it was shortened"),
    "a short reply of HTTPie": (f'{HTTPIE}{HEAD}{{\n    "id": "a",\n    ...\n}}\n', "it was shortened"),
    "an arrow in curl -i": (f'{HEAD}{{"id": "a",\n "choices": []   <--- empty!\n}}\n', "somebody wrote into it"),
    "a comment in a reply": (f'$ curl {URL}\n{{"id": "a",\n "b": 1, // why?\n "c": 2}}\n', "somebody wrote into it"),
    "an arrow in a reply": (f'$ curl {URL}\n{{"id": "a",\n "choices": []   <--- empty!\n}}\n', "paste it as it came"),
    "a page": (f"$ curl {URL}\n<html>\n<head></head>\n</html>\n", "paste what `curl -iN` prints"),
    "jq's part": (f"$ curl {URL} -d '{BODY}' | jq '.choices[0]'\n{{}}\n", "what it printed to `jq .choices[0]`"),
    "grep": (
        f"$ curl -N {URL} -d '{BODY}' | grep finish\n{LINES[1]}\n",
        "which is not the whole reply: leave that out",
    ),
    "head": (f"$ curl -N {URL} -d '{BODY}' 2>/dev/null | head -3\n{LINES[0]}\n", "hands what it printed to `head -3`"),
    "no reply": (f"$ curl {URL} -d '{BODY}'\ncurl: (18) transfer closed\n", "a command without a reply"),
}


@pytest.mark.parametrize(("text", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_reply_is_refused_with_what_to_do(text: str, words: str, tmp_path: Path) -> None:
    skipped: Counter[str] = Counter()
    assert imported(tmp_path, text, skipped) == []
    assert [reason for reason in skipped if words in reason], skipped


@pytest.mark.parametrize(
    "body", ['"$BODY"', '"{\\"model\\": \\"$MODEL\\"}"', '\'{"model": "m", ...}\'', '\'{"model": "m",\n <messages>}\'']
)
def test_a_body_that_is_elsewhere_is_not_known(body: str, tmp_path: Path) -> None:
    [entry] = imported(tmp_path, f"$ curl {URL} -d {body}\n{DICT}\n")
    assert not entry.fixture.exchange.knows(Aspect.REQUEST)
    assert judge(entry.fixture.exchange).ids() == set()


def test_members_of_a_schema_are_no_variables(tmp_path: Path) -> None:
    body = json.dumps({**ASKED, "tools": [{"parameters": {"$ref": "#/$defs/a", "$defs": {"a": {}}, "$schema": "b"}}]})
    [entry] = imported(tmp_path, f"$ curl {URL} -d '{body}'\n{DICT}\n")
    assert entry.fixture.exchange.request.body.decode() == body


@pytest.mark.parametrize("between", ["\n", "\n\n"])
def test_a_status_that_curl_wrote_behind_the_reply(between: str, tmp_path: Path) -> None:
    for written in ("HTTP 400", "400", "HTTP_STATUS:400", "Status: 400"):
        command = f"$ curl -s -w '\\nHTTP %{{http_code}}' {URL} -d '{BODY}'"
        [entry] = imported(tmp_path, f"{command}\n{REFUSAL}{between}{written}\n")
        assert (entry.fixture.exchange.status, entry.fixture.exchange.payload.decode()) == (400, REFUSAL)


BAD = {
    "quotes": f"curl '{URL}",
    "a field": f"curl {URL} -d '{BODY}' -H 'a b: c'\n{DICT}",
    "a head": f"curl -i {URL} -d '{BODY}'\nHTTP/1.1 200\n{DICT}",
    "no URL": f"Invoke-RestMethod -Method POST -Uri $url -Body '{BODY}'\n{DICT}",
    "an item": f"http :8000/v1/chat/completions messages:='[' \n{DICT}",
}


@pytest.mark.parametrize("between", ["```\n```\n", ""], ids=["fences", "one fence"])
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_command_is_named_and_the_others_are_read(bad: str, between: str, tmp_path: Path) -> None:
    good = f"$ curl {URL} -d '{BODY}'\n{DICT}\n"
    skipped: Counter[str] = Counter()
    assert len(imported(tmp_path, f"```\n{good}{between}$ {bad}\n{between}{good}```\n", skipped)) == 2
    assert [reason for reason in skipped if reason.startswith("command 2 cannot be read")], skipped


def test_what_a_server_sent_as_json_lines_is_judged_whole(tmp_path: Path) -> None:
    [entry] = imported(tmp_path, f"$ curl -N {URL} -d '{STREAMED}'\n{CHUNK}\n{CHUNK}\n$ ls\n")
    assert entry.fixture.exchange.payload.decode() == f"{CHUNK}\n{CHUNK}"
    assert judge(entry.fixture.exchange).ids()


@pytest.mark.parametrize("behind", ["user@box:~$ ", "❯ ls", "\n➜  ~ exit", "λ"])
def test_content_length_ends_the_reply_of_curl_i(behind: str, tmp_path: Path) -> None:
    path = tmp_path / "printed.txt"
    path.write_text(f"HTTP/1.1 200 OK\nx-request-id: r\ncontent-type: application/json\ncontent-length: {len(DICT)}\n\n"
                    f"{DICT}{behind}\n")  # fmt: skip
    [entry] = read(path)
    assert entry.fixture.exchange.payload.decode() == DICT
    path.write_text(
        HTTPIE + f"{HEAD[:-1]}content-length: {len(DICT)}\n\n{json.dumps(ANSWER, indent=4)}\n\n\n{behind}\n"
    )
    [entry] = read(path)
    assert json.loads(entry.fixture.exchange.payload) == ANSWER


@pytest.mark.security("hostile files")
@pytest.mark.parametrize(
    "line",
    [
        *("```\n", "[[],\n", "data: {\n", "b'\\", "a: b: c: ", f"POST {URL}\n", "StatusCode : 200\nContent : x\n"),
        *(f"iwr {URL} -Body @'\n", f'iwr {URL} -Body "\n', f"http {URL} a='\n", f"curl {URL} -d '{{'", "echo a | "),
    ],
)
def test_hostile_text_takes_time_in_proportion(line: str) -> None:
    def seconds(lines: int) -> float:
        began = process_time()
        with contextlib.suppress(InputError):
            list(entries((line * lines).encode(), "text", CurlRequest(URL)))
        return process_time() - began

    assert seconds(4000) < 12 * seconds(1000) + 1


RUBY = """http_interactions:
- request: {method: post, uri: http://h/v1/chat/completions, body: {string: '{}'}, headers: {}}
  response: {status: {code: %d, message: OK}, headers: {}, body: {string: '{}'}}
"""


@pytest.mark.parametrize("document", [RUBY, RUBY.replace("http_interactions", "interactions"), RUBY[19:]])
def test_cassettes_that_were_appended_as_documents(document: str, tmp_path: Path) -> None:
    path = tmp_path / "some.yml"
    path.write_text("---\n" + "---\n".join(document % status for status in (200, 404, 500)) + "---\n")
    assert [entry.fixture.exchange.status for entry in read(path)] == [200, 404, 500]
    path.write_text(f"{document % 200}---\n- 5\n" if document[0] == "h" else f"{document % 200}---\na: 1\n")
    with pytest.raises(ValueError, match=r"several YAML documents|interaction 1"):
        list(read(path))
