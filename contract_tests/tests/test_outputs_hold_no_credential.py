"""No output shows a credential: each form, where a target quotes it, in everything that is printed or written."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from urllib.parse import quote

import pytest
from rich.console import Console

from contract_tests.cli import _clean
from contract_tests.diffing import written
from contract_tests.diffing.compare import compare
from contract_tests.diffing.difference import Side
from contract_tests.diffing.sources import Pairs
from contract_tests.diffing.terminal import print_differences
from contract_tests.recordings.judging import Summary
from contract_tests.report.files import as_json, judgement_as_json, run_document
from contract_tests.report.html.diff import format_diff
from contract_tests.report.html.page import format_html
from contract_tests.report.terminal import Terminal
from contract_tests.rules import judge
from contract_tests.rules.engine.judge import Finding
from contract_tests.rules.engine.view import View
from contract_tests.rules.evidence import with_evidence
from contract_tests.rules.judged import Judged
from contract_tests.run.outcome import CaseResult, ExitCode, Outcome, RunReport
from contract_tests.shrinking.issue import IssueContent, format_issue
from contract_tests.target.options import Options
from contract_tests.tests.junit_of_run import as_junit
from contract_tests.tests.planted_key import KEY, readable
from contract_tests.tolerance.baseline import as_yaml, renew_baseline
from fake_server.relay.redact import excerpts_without
from fake_server.tests.credential_forms import CREDENTIALS
from fake_server.wire.exchange import Exchange, Request, Write
from fake_server.wire.text import dump_json

LONG = "and so on " * 12
RUN = Options(
    "http://127.0.0.1:1/v1?code=Zq81InTheUrl77", api_key=KEY, headers=(("X-Extra-Key", "aB3-in-a-header-77"),)
)


def broken(text: str) -> Exchange:
    """A reply that breaks many rules, each with a member that quotes the text at another distance from a cut."""
    body = {
        "id": f"{text} {LONG}",
        "object": f"{'o' * 30} {text} {LONG}",
        "created": f"{'c' * 45} {text}",
        "model": [text],
        text: 1,
        "choices": [
            {"index": 0, "finish_reason": f"{'f' * 55} {text}", "message": {"role": text, "content": {"a": text}}},
            {"index": "1", "logprobs": f"Bearer {text}"},
        ],
        "usage": {"prompt_tokens": text, "total_tokens": f"{'t' * 62}{text}" if text[:2].isalnum() else text},
    }
    asked = {
        "model": "m",
        "messages": [{"role": "user", "content": f"{'m' * 20} {text} {LONG}"}],
        "user": text,
        "password": text,
    }
    headers = (
        ("Content-Type", f"application/json; note={text}"),
        ("Server", text),
        ("Date", f"today, {text}"),
        ("Set-Cookie", f"a={text}"),
    )
    request = Request(
        "POST", f"/v1/chat/completions?code={quote(text, errors='replace')}", body=json.dumps(asked).encode()
    )
    return Exchange(request, 200, headers, (Write(json.dumps(body).encode()),), label="chat.poem")


def refused(text: str) -> Exchange:
    """A refusal whose message quotes the text."""
    error = {
        "message": f"{'x' * 100} Incorrect API key provided: {text}. {LONG}",
        "type": text,
        "param": 5,
        "code": {"a": text},
    }
    request = Request("POST", "/v1/chat/completions", body=b'{"model":"m"}')
    return Exchange(
        request,
        401,
        (("Content-Type", "text/html"),),
        (Write(json.dumps({"error": error}).encode()),),
        label="chat.short",
    )


def events(text: str) -> Exchange:
    """A stream that quotes the text in its framing."""
    body = f'event: {text}\n{text}: 1\ndata: {text} {LONG}\n\ndata: {{"id": 1, "error": "{"e" * 50} {text}"}}\n\n'
    request = Request("POST", "/v1/chat/completions", body=b'{"model":"m","stream":true}')
    return Exchange(
        request,
        200,
        (("Content-Type", "text/event-stream"),),
        (Write(body.encode("utf-8", "replace")),),
        label="chat.stream.poem",
    )


def findings_of(exchange: Exchange) -> tuple[Finding, ...]:
    view = View(exchange)
    with excerpts_without(lambda: RUN.secrets):
        return with_evidence(judge(view).findings, (view,), RUN.secrets)


def console() -> Console:
    return Console(file=io.StringIO(), width=110, highlight=False, markup=False, emoji=False)


def printed(terminal: Terminal) -> str:
    assert isinstance(terminal.console.file, io.StringIO)
    return terminal.console.file.getvalue()


def report_of(text: str, ways: Sequence[Callable[[str], Exchange]] = (broken, refused, events)) -> RunReport:
    exchanges = [way(text) for way in ways]
    results = tuple(
        CaseResult(
            exchange.label, "chat", "a case", Outcome.FAIL, findings_of(exchange), (exchange,), reason=f"it says {text}"
        )
        for exchange in exchanges
    )
    return RunReport(RUN.target, "m", results, notes=(f"note {text}",), stopped=f"at {text}", command=RUN.command)


def in_terminal(text: str) -> str:
    report, terminal = report_of(text), Terminal(console(), RUN.secrets)
    terminal.print_all_findings(report.findings)
    terminal.print_findings(report.findings, command=report.command)
    terminal.print_outcomes(report)
    return printed(terminal)


def in_json(text: str) -> str:
    return as_json(report_of(text), ExitCode.FINDINGS, RUN.secrets)


def in_junit(text: str) -> str:
    return as_junit(report_of(text), ExitCode.FINDINGS, RUN.secrets)


def in_baseline(text: str) -> str:
    return as_yaml(renew_baseline(report_of(text).findings, (), (), date(2026, 1, 1)), RUN.secrets)


def in_page(text: str) -> str:
    return format_html(run_document(report_of(text), ExitCode.FINDINGS, RUN.secrets))


def in_judgement(text: str) -> str:
    summary = Summary(findings=list(findings_of(broken(text))), surprises=[f"{text}: declares nothing"])
    return judgement_as_json(summary, ExitCode.FINDINGS, secrets=RUN.secrets)


def in_issue(text: str) -> str:
    judged = Judged(refused(text))
    content = IssueContent(judged, Path("no-such-file.yaml"), title=f"it says {text}", source=text)
    return format_issue(content, RUN.secrets)


def in_diff(text: str) -> str:
    plain, terminal = events("a"), Terminal(console(), RUN.secrets)
    comparisons = [compare(Side(View(exchange)), Side(View(plain))) for exchange in (broken(text), events(text))]
    pairs = Pairs(())
    print_differences(terminal, comparisons, pairs, each=True)
    document = written.as_document((text, "b"), comparisons, pairs, False, RUN.secrets)
    return printed(terminal) + dump_json(document) + format_diff(document)


def in_message(text: str) -> str:
    return _clean(f"the target cannot be judged: {text}") + _clean(f"KeyError: '{text}'\n  in x.py\n")


OUTPUTS: dict[str, Callable[[str], str]] = {
    "terminal": in_terminal,
    "JSON": in_json,
    "JUnit": in_junit,
    "baseline": in_baseline,
    "page": in_page,
    "judge": in_judgement,
    "issue": in_issue,
    "diff": in_diff,
    "message": in_message,
}


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize("form", CREDENTIALS)
def test_no_report_shows_a_credential_of_this_form(form: str) -> None:
    way = (broken, refused, events)[list(CREDENTIALS).index(form) % 3]
    text = as_json(report_of(CREDENTIALS[form], [way]), ExitCode.FINDINGS)
    assert readable(CREDENTIALS[form], text) == []


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize("form", ["ghp_{A36}", "hf_{A34}", "https://me:{A24}@host/v1"])
@pytest.mark.parametrize("output", OUTPUTS)
def test_no_output_shows_a_credential(output: str, form: str) -> None:
    assert readable(CREDENTIALS[form], OUTPUTS[output](CREDENTIALS[form])) == []


ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper case": str.upper,
    "reversed case": str.swapcase,
    "percent": lambda key: quote(key, safe=""),
    "every character in percent": lambda key: "".join(f"%{ord(char):02x}" for char in key),
    "JSON escapes": lambda key: "".join(f"\\u{ord(char):04x}" for char in key),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 among others": lambda key: base64.b64encode(f"the key {key} is wrong".encode()).decode(),
    "base64 for URLs": lambda key: base64.urlsafe_b64encode(f"ab{key}".encode()).decode(),
    "Basic": lambda key: "Basic " + base64.b64encode(f"me:{key}".encode()).decode(),
    "hex": lambda key: key.encode().hex(),
    "start": lambda key: key[:-6],
    "URL": lambda key: f"https://host/v1?a={key}&b=1",
    "password": lambda key: f"https://me:{key}@host/v1",
}


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize("secret", [KEY, "aB3-in-a-header-77", "Zq81InTheUrl77"], ids=["key", "header", "URL"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_report_shows_a_key_of_the_run(encoding: str, secret: str) -> None:
    encoded = ENCODINGS[encoding](secret)
    report = report_of(encoded, [refused, events])
    for text in (as_json(report, ExitCode.FINDINGS, RUN.secrets), as_junit(report, ExitCode.FINDINGS, RUN.secrets)):
        assert readable(secret, text) == []


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize("key", ["sk-1234", "abc123", "k3y!", "sk-a", "hunter", "test"])
def test_a_short_key_of_the_run_is_not_shown_where_it_stands_as_a_key(key: str) -> None:
    options = Options("http://127.0.0.1:1/v1", api_key=key)
    error = json.dumps({"error": {"message": f"Incorrect API key provided: {key}.", "type": 5, "code": {}}}).encode()
    view = View(
        Exchange(Request("POST", "/v1/chat/completions", body=b"{}"), 401, (), (Write(error),), label="chat.poem")
    )
    findings = with_evidence(judge(view).findings, (view,), options.secrets)
    result = CaseResult("chat.poem", "chat", "a case", Outcome.FAIL, findings, reason=f'401: "Invalid token {key}"')
    report = RunReport(options.target, "m", (result,), command=options.command)
    for text in (
        as_json(report, ExitCode.FINDINGS, options.secrets),
        as_junit(report, ExitCode.FINDINGS, options.secrets),
    ):
        assert f": {key}" not in text
        assert f"token {key}" not in text


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "GROQ_API_KEY", "DB_PASSWORD"])
def test_keys_of_the_environment_are_not_shown(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, KEY)
    terminal = Terminal(console())
    terminal.print(f"it says {KEY} and {KEY[:16]}…")
    for text in (
        printed(terminal),
        _clean(f"it says {KEY}"),
        judgement_as_json(Summary(surprises=[KEY]), ExitCode.OK, secrets=terminal.secrets),
    ):
        assert readable(KEY, text) == []


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize(
    ("words", "secret"),
    [
        (["run", "http://host/v1?code=Zq81InTheUrl77"], "Zq81InTheUrl77"),
        (["run", "http://me:Zq81InTheUrl77@host/v1"], "Zq81InTheUrl77"),
        (["run", "http://host", "--header", "Authorization: Bearer Zq81InTheUrl77"], "Zq81InTheUrl77"),
        (["run", "http://host", "--header=Cookie: a=Zq81InTheUrl77"], "Zq81InTheUrl77"),
        (["run", "http://host", "--query", "code=Zq81InTheUrl77"], "Zq81InTheUrl77"),
        (["run", "http://[::1", "--header", "x-signature:Zq81InTheUrl77"], "Zq81InTheUrl77"),
    ],
    ids=range(6),
)
def test_a_mistake_does_not_repeat_what_the_command_line_keeps_secret(
    words: list[str], secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["contract", *words])
    text = _clean(f"cannot use {secret}: {' '.join(words)}\nTraceback: '{secret}'")
    assert readable(secret, text) == []
    assert "host" in text or "::1" in text


HOSTILE = "a\x1b[31mb\x1b]0;t\x07c\x9bd\x85e\x7ff\u202eg\u2066h\u200bi\u2028j\ufeffk\ud800l\U000e0041m\rn\x08"


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize("output", OUTPUTS)
def test_no_output_holds_what_a_terminal_acts_on(output: str) -> None:
    text = OUTPUTS[output](HOSTILE)
    assert [char for char in text if not char.isprintable() and char != "\n"] == []


def test_json_keeps_what_was_there() -> None:
    value = json.loads(as_json(RunReport("http://127.0.0.1:1", "m", (), stopped=HOSTILE), ExitCode.FINDINGS))
    assert value["stopped"] == HOSTILE.replace("\ud800", "?")
