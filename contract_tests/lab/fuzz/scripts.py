"""Parts `scripts` and `templates`: whatever a script file holds answers, or is refused with a message."""

from __future__ import annotations

import json
from typing import Any

import yaml
from click.testing import CliRunner
from hypothesis import strategies as st

from contract_tests.lab.fuzz.fake_process import FakeProcess
from contract_tests.lab.fuzz.part import Part
from contract_tests.lab.fuzz.requests import EXAMPLES
from contract_tests.lab.fuzz.values import byte_mutations, mutations
from contract_tests.lab.tools.checkout import ROOT
from fake_server.api.render import chat
from fake_server.api.render.style import Style
from fake_server.api.reply import ErrorReply, Reply
from fake_server.api.request import EMBEDDINGS, MODERATIONS, ApiRequest
from fake_server.scripts import book as scripts
from fake_server.scripts.book import ScriptBook, ScriptError
from fake_server.scripts.commands import validate_command
from fake_server.scripts.match import ScriptState
from fake_server.server.answer import answer, answer_numbers

_PAGE = (ROOT / "fake_server" / "scripts" / "SCRIPTS.md").read_text(encoding="utf-8")
_FILES = [path.read_bytes() for path in sorted((ROOT / "fixtures" / "scripts").glob("*.yaml"))]
_BLOCKS = [part.partition("```")[0].encode() for part in _PAGE.split("```yaml\n")[1:]]
_READ = [item for text in (*_FILES, *_BLOCKS) if isinstance(item := yaml.safe_load(text), list) and item]
_AIMOCK: list[Any] = [
    {"match": {"userMessage": "a", "model": "gpt-4o", "turnIndex": 0}, "response": {"content": "b"}},
    {"match": {"toolName": "f"}, "response": {"toolCalls": [{"name": "f", "arguments": {"a": 1}}]}},
    {"match": {"endpoint": "chat"}, "response": {"error": {"message": "a", "type": "b"}, "status": 429},
    "chaos": {"dropRate": 1}},
]  # fmt: skip
_BITS = (
    b"- ", b"{", b"[" * 400, b"}", b": ", b"\t", b"&a ", b"*a", b"<<: *a", b"!!python/name:os.x",
    b"!!binary x", b"'", b'"', b"|\n", b"#", b"\0", b"\xff", b"\xef\xbb\xbf", b"---\n", b"? ",
    b"times: 1\n", b"!!timestamp 9", b".inf", b"0o7", b"yes",
)  # fmt: skip
_WHOLE = st.sampled_from([*_READ, {"fixtures": _AIMOCK}])
_TEXTS = byte_mutations(
    st.sampled_from([*_FILES, *_BLOCKS, json.dumps({"fixtures": _AIMOCK}).encode()]),
    _BITS,
)
FILES = _TEXTS | mutations(_WHOLE).map(
    lambda value: yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "surrogatepass")
)
_CHATS = [ApiRequest(body) for path, body in EXAMPLES if path == "/chat/completions"]


def check_answers(book: ScriptBook) -> None:
    """Assert that every example is answered, as a dict and as a stream."""
    state = ScriptState()
    for request in _CHATS:
        reply = answer(request, book, state)
        if isinstance(reply, Reply):
            json.loads(chat.render_dict(reply, request.body, Style.PLAIN))
            assert b"".join(chat.render_stream(reply, request.body, Style.PLAIN))
    for endpoint in (EMBEDDINGS, MODERATIONS):
        answer_numbers(ApiRequest({"model": "m", "input": "a"}, endpoint=endpoint), book, state)


def check_file(fake: FakeProcess, data: bytes) -> None:
    path = fake.folder / "scripts.yaml"
    path.write_bytes(data)
    result = CliRunner().invoke(validate_command, [str(path)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    try:
        book = scripts.load([path])
    except ScriptError as error:
        assert (result.exit_code, str(error).partition(":")[0]) == (1, str(path))  # noqa: PT017
    else:
        assert result.exit_code == 0
        check_answers(book)


_WORDS = st.sampled_from(
    [
        "{{ ", " }}", "{% ", " %}", "{#", "#}", "{{ last }}", "{% if turn %}", "{% endif %}", "{% else %}",
        "{% endfor %}", "{% for a in messages %}", "{% set a = last %}", "{% macro f(x) %}",
        "{% endmacro %}", "{{ f(1) }}", "{% raw %}", "{{ request.messages[0] }}", "{{ results }}",
        "{{ headers | tojson }}", "{{ [last] * 9 ** 9 }}", "{{ '%s' % last }}",
        "{{ range(10 ** 9) | list }}", "{{ last.__class__ }}", "{{ last | upper | length }}",
        "{% include 'a' %}", "{{ 1/0 }}", "{{ self }}", "{{ namespace() }}", "{% call f() %}{% endcall %}",
        "{{ last[::-1] }}", "{{ cycler }}", "{{ joiner() }}", "| join", "| sort", "| batch(3)",
        "| xmlattr", "| random", "| map('upper')", "| groupby('a')", "| truncate(2)", "x",
        "| default('a')", "| int", "| round(99)", "| format(1)", "| wordwrap(0)", "| indent(99999)",
        "| urlize", "| sum", "-", "turn", "last", "messages", "results", "(", ")", "[", "]", "~", "*",
        "**", "%", "//", "9" * 400, "'a'", "not", "in", "is",
    ]
)  # fmt: skip
TEMPLATES = st.lists(_WORDS | st.text(max_size=3), min_size=1, max_size=7).map(" ".join)


def check_template(fake: FakeProcess, text: str) -> None:
    script_reply = {"template": True, "text": text, "tool_calls": [{"name": "f", "arguments": {"a": text}}]}
    try:
        book = scripts.parse([{"name": "s", "reply": script_reply}])
    except ScriptError:
        return
    for request in _CHATS[:4]:
        reply = answer(request, book, ScriptState())
        if isinstance(reply, ErrorReply):
            assert "gave no reply" not in reply.message, reply.message


PARTS = (
    Part("scripts", "a script file answers, or is refused at its line", FILES, check_file),
    Part("templates", "a template is filled in, or fails with a message and in time", TEMPLATES, check_template),
)
