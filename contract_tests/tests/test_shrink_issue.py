"""What an issue text says: its parts, its title, the curl line, and what it does not know."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from contract_tests.report.curl import curl
from contract_tests.report.visible import escape_invisible, format_code_block, format_inline_code
from contract_tests.rules import RULES
from contract_tests.rules.judged import Judged
from contract_tests.shrinking.issue import IssueContent, format_issue
from contract_tests.shrinking.title import format_title
from contract_tests.target.main_program import MainOutcome
from contract_tests.tests.test_shrink_cli import BROKEN, broken, run
from fake_server.wire import fixture
from fake_server.wire.exchange import Aspect, Exchange, Request, Write
from fake_server.wire.fixture import Fixture


def title(name: str) -> str:
    return format_title(Judged(broken(name)), RULES[name])


def story(name: str, **values: object) -> str:
    content = IssueContent(Judged(broken(name)), Path("bug.yaml"), RULES[name])
    return format_issue(replace(content, **values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    ["usage.adds-up", "tools.type", "sse.utf8", "http.complete", "errors.challenge", "models.list-object"],
)
def test_an_issue_has_its_parts_and_says_the_clause(name: str) -> None:
    text = story(name)

    parts = [line for line in text.splitlines() if line.startswith("#")]
    assert parts[1:] == [
        "## Reproduce",
        "## What comes back",
        "## What is expected",
        "## Why it matters",
        "## Replay offline",
    ]
    assert RULES[name].clause in text
    assert RULES[name].see in text
    assert RULES[name].harm in text
    assert "contract replay bug.yaml" in text
    assert text.count("```") % 2 == 0


def test_the_right_value_stands_beside_the_wrong_one() -> None:
    was, becomes = (
        next(line for line in story("usage.adds-up").splitlines() if line.startswith(f"{sign} …")) for sign in "-+"
    )

    assert '"total_tokens":21' in was
    assert becomes == was.replace("21", "20").replace("- …", "+ …")


def test_a_curl_line_says_to_a_shell_what_was_asked() -> None:
    text = 'What\'s "this"? $HOME `id` \\ ü'
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}], "stream": True}).encode()
    headers = (
        ("Host", "secret.example.invalid"),
        ("Authorization", "Bearer sk-aaaaaaaaaaaaaaaaaaaa"),
        ("api-key", "0123456789abcdef"),
        ("Accept-Encoding", "gzip"),
    )
    asked = Request("POST", "/v1/chat/completions?a=b&c=d", headers, body)

    line = curl(Exchange(asked, 200, (), (Write(b"data: [DONE]\n\n"),)))

    words = shlex.split(line.partition("\n")[2].replace("\\\n", ""))
    assert words[:3] == ["curl", "-i", "-N"]
    assert words[3] == "$OPENAI_BASE_URL/chat/completions?a=b&c=d"
    assert words[words.index("--data-raw") + 1] == body.decode()
    assert words[words.index("-H") + 1] == "Authorization: Bearer $OPENAI_API_KEY"
    assert "Accept-Encoding: gzip" in words
    assert words.count("--compressed") == 1
    assert "Content-Type: application/json" in words
    assert not any(secret in line for secret in ("sk-a", "0123456789", "secret.example"))


def test_a_curl_line_for_other_requests() -> None:
    def shown(request: Request, status: int = 200) -> str:
        return curl(Exchange(request, status))

    assert '\ncurl -i "$OPENAI_BASE_URL/models"' in shown(Request("GET", "/v1/models"))
    assert "curl -i -X DELETE " in shown(Request("DELETE", "/v1/models/a"))
    assert "curl -i -X POST " in shown(Request("POST", "/v1/files"))
    assert "curl -i -X GET " in shown(Request("GET", "/v1/models", (), b"{}"))
    assert "${OPENAI_BASE_URL%/v1}/api/x" in shown(Request("GET", "/api/x"))
    assert "Authorization" not in shown(Request("GET", "/v1/models"), 401)
    assert "--data-binary" in shown(Request("POST", "/v1/files", (), b"\xff\x00"))
    assert "--compressed" not in shown(Request("GET", "/v1/models"))


@pytest.mark.parametrize("rule", ["chat.choice-count", "chat.stream.choice-count"])
def test_a_client_that_reads_the_first_choice_is_no_witness_for_the_others(rule: str) -> None:
    assert RULES[rule].harm in story(rule, outcome=MainOutcome(0, "", True))
    assert "does not notice" not in story(rule, outcome=MainOutcome(0, "", True))
    assert "fails: `no`" in story(rule, outcome=MainOutcome(7, "no", printed=False))


def test_no_text_can_close_its_fence_or_hide_a_byte() -> None:
    assert format_code_block("a\n```\nb").startswith("````\n")
    assert format_inline_code("a`b") == "``a`b``"
    assert escape_invisible(b"a\r\n\xff\x1b[31m\xef\xbb\xbf\tb") == "a␍\n\\xff\\x1b[31m\\ufeff␉b"


@pytest.mark.security("credentials in written files")
def test_an_issue_holds_no_key() -> None:
    exchange = broken("usage.adds-up")
    key = "sk-proj-abcdefghijklmnop"
    asked = replace(exchange.request, body=json.dumps({"model": "m", "note": f"Bearer {key}"}).encode())

    assert key not in format_issue(
        IssueContent(Judged(exchange.but(request=asked)), Path("b.yaml"), RULES["usage.adds-up"])
    )


@pytest.mark.security("credentials in written files")
def test_no_secret_of_an_unclean_recording_is_told(tmp_path: Path) -> None:
    key, out, text = "Zq81-opaque-Value-77", tmp_path / "small.yaml", tmp_path / "issue.md"
    whole = broken("errors.members")
    asked = replace(whole.request, headers=(("Authorization", f"Bearer {key}"),))
    said = whole.with_payload(whole.payload.replace(b"exist or you do not have", key.ljust(24).encode()))
    fixture.save(Fixture(said.but(request=asked), f"refuses {key}"), tmp_path / "whole.yaml")

    told = ("--rule", "errors.members", "--out", out, "--issue", text, "--title", f"a {key}")
    done = run(tmp_path / "whole.yaml", *told)

    assert done.return_value == 0, done.output
    assert key in (tmp_path / "whole.yaml").read_text()
    for one in (done.output, text.read_text(), out.read_text()):
        assert key not in one


def test_how_main_took_the_whole_recording_is_told_where_it_tells_something() -> None:
    failed = MainOutcome(7, "the reply has no end", printed=True)

    assert "prints the answer and does not notice" in story("usage.adds-up", outcome=MainOutcome(0, "", True))
    assert "prints a part and then fails: `the reply has no end`" in story("usage.adds-up", outcome=failed)
    assert "Measured" not in story("errors.challenge", outcome=failed)
    alone = format_issue(IssueContent(Judged(broken("usage.present")), Path("b.yaml"), None, failed))
    assert "prints a part and then fails" in alone


def test_a_title_says_where_and_what() -> None:
    assert title("chat.created").startswith("created is 1760000000")
    assert title("usage.adds-up") == ("usage.total_tokens: 14 + 6 is not 21, expected 20")
    other_id = title("chat.stream.same-id")
    assert re.search(r'is "[^"]+", expected "[^"]+", as before$', other_id)
    assert "in a stream" in title("chat.stream.id")


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("chat.stream.finishes", "streamed: choice 0 never gets a finish_reason"),
        ("chat.stream.choice-once", "n=2, streamed: choice 0 again in one chunk, expected one entry"),
        ("chat.choice-count", "n=2 returns 1 choice"),
        ("completions.choice-count", "text completion returns 1 choice, expected 2"),
        ("usage.every-choice", "n=2: usage.completion_tokens: 15 for 28 words in 2 choices, expected at least 28"),
        ("tools.no-call-as-text", "tools, tool_choice=none: message.content: the text is"),
        ("formats.no-control-tokens", "message.content: the text contains <|im_end|>"),
        ("completions.object", 'text completion: object is "chat.completion", expected "text_completion"'),
        ("models.list-data", "list of models: data is missing, expected an array"),
        ("errors.wrong-method", "PUT /v1/chat/completions: status 200, expected status 405"),
    ],
)
def test_a_title_says_what_was_asked_first(name: str, wanted: str) -> None:
    assert title(name).startswith(wanted)


def test_the_title_of_a_fixture_is_no_title_for_an_issue(tmp_path: Path) -> None:
    out, text = tmp_path / "small.yaml", tmp_path / "issue.md"
    run(BROKEN / "chat.stream.finishes.yaml", "--out", out, "--issue", text)
    assert fixture.load(out).title == "no chunk says why it ended"
    assert text.read_text().startswith("# streamed: choice 0 never gets a finish_reason\n")


def test_an_issue_holds_the_whole_file_where_it_is_small(tmp_path: Path) -> None:
    out, text = tmp_path / "small.yaml", tmp_path / "issue.md"
    run(BROKEN / "chat.stream.finishes.yaml", "--out", out, "--issue", text)
    assert [path.name for path in tmp_path.iterdir() if path != text] == ["small.yaml"]
    block = re.search(r"Save this as `small.yaml`:\n\n```yaml\n(.*?)\n```", text.read_text(), re.S)
    assert block is not None
    again = tmp_path / "again" / "small.yaml"
    again.parent.mkdir()
    again.write_text(block[1])
    assert fixture.load(again).exchange == fixture.load(out).exchange
    assert "pip install 'openai-contract-kit[contract]'" in text.read_text()
    assert "\ncontract replay small.yaml\n" in text.read_text()


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"a\x00b", b"x" * 5000, b"data: 1\r\n\r\n", b"  a\n\n", b"\xc2\x85", b"#", b""]
)
def test_a_body_stands_in_the_file_only_where_nothing_is_lost(body: bytes, tmp_path: Path) -> None:
    writes = (Write(body),) if body else ()
    exchange = Exchange(Request("GET", "/v1/models"), 200, (("Content-Length", str(len(body))),), writes)
    fixture.save(Fixture(exchange), tmp_path / "a.yaml", inline=4096)
    assert fixture.load(tmp_path / "a.yaml").exchange.payload == body


def test_an_imported_recording_claims_nothing_it_does_not_know() -> None:
    imported = broken("chat.stream.finishes").but(
        unknown=frozenset({Aspect.REQUEST, Aspect.FRAMING, Aspect.ENDING, Aspect.BODY_BYTES})
    )
    text = format_issue(IssueContent(Judged(imported), Path("bug.yaml"), RULES["chat.stream.finishes"]))
    assert "same framing" not in text
    assert "how the JSON was written, how the body was framed, how the reply ended: here it is as usual" in text
    assert "The recording does not hold the whole request" in text
    assert "curl" not in text
    assert "the bytes that crossed the wire are not known" in text


def test_an_issue_says_whether_the_bytes_are_as_they_came_and_who_sent_them() -> None:
    assert "\nThe body as it came.\n" in story("usage.adds-up")
    text = story("usage.adds-up", reduction="Reduced from 9 bytes of body to 3")
    assert "Reduced from 9 bytes of body to 3: what is not about the fault is removed." in text
    whole = broken("usage.adds-up").but(headers=(("Server", "uvicorn"), ("x-litellm-version", "1.80.0")))
    named = "The server calls itself `server: uvicorn`, `x-litellm-version: 1.80.0`."
    assert named in story("usage.adds-up", original=whole)


@pytest.mark.parametrize(
    ("target", "base", "rest"),
    [
        ("/v1/chat/completions", "http://localhost:1337/v1", "/chat/completions"),
        ("/chat/completions", "http://localhost:1337", "/chat/completions"),
        ("/api/v1/models?a=b", "http://localhost:1337/api/v1", "/models"),
        ("/openai/deployments/m/chat/completions", "http://localhost:1337/openai/deployments/m", "/chat/completions"),
    ],
)
def test_a_curl_line_has_the_url_in_the_form_that_was_asked(target: str, base: str, rest: str) -> None:
    line = curl(Exchange(Request("GET", target), 200))
    assert line.startswith(f"export OPENAI_BASE_URL={base}  #")
    assert f'"$OPENAI_BASE_URL{rest}' in line or f'"$OPENAI_BASE_URL"\'{rest}' in line


def test_an_issue_asks_for_what_was_answered_though_the_request_is_reduced(tmp_path: Path) -> None:
    whole = broken("chat.stream.finishes")
    asked = {**json.loads(whole.request.body), "n": 1, "max_tokens": 40, "seed": 7, "tools": []}
    recorded = whole.but(request=replace(whole.request, body=json.dumps(asked).encode()))
    fixture.save(Fixture(recorded), tmp_path / "whole.yaml")
    text = tmp_path / "issue.md"
    run(tmp_path / "whole.yaml", "--rule", "chat.stream.finishes", "--out", tmp_path / "small.yaml", "--issue", text)
    assert b"seed" not in fixture.load(tmp_path / "small.yaml").exchange.request.body
    assert '"seed": 7' in text.read_text().partition("## What comes back")[0]
    assert text.read_text().startswith("# n=1, tools, streamed: choice 0 never gets a finish_reason\n")
