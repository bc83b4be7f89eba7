"""Parts `costly-faults`, `costly-templates`, `costly-schemas`: however much one request asks for, it has one budget.

It is answered or refused in time, another client is answered within a second meanwhile, and memory has a bound.
"""

from __future__ import annotations

import json
import threading
from itertools import count
from typing import Any

from hypothesis import strategies as st

from contract_tests.lab.fuzz.client import LONGEST, Received, ask, check_log, first_exchange, request_bytes, send
from contract_tests.lab.fuzz.fake_process import UNHURRIED, FakeProcess
from contract_tests.lab.fuzz.part import Check, Part
from contract_tests.lab.fuzz.schemas import SCHEMAS
from contract_tests.lab.fuzz.waits import measure
from fake_server.wire.exchange import Exchange, Request

PATIENCE = 60.0
"""Seconds in which the costliest request is answered on a machine that is busy with other work."""
SLOWEST = PATIENCE + LONGEST
MOST_MEMORY = 300 * 1024 * 1024
JSON = ("content-type", "application/json")
LIGHT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Repeat after me: Hi"}]}
_count = count()


def ask_beside_others(fake: FakeProcess, request: Request) -> Exchange:
    """Send a request, and others until it is answered, each of which must be answered within a second."""
    received: list[Received] = []
    assert fake.idle.port  # started before the clock runs
    heavy = threading.Thread(
        target=lambda: received.append(send(fake.port, [request_bytes(request)], PATIENCE)), daemon=True
    )
    heavy.start()
    late = 0
    while heavy.is_alive():
        wait = measure(fake)
        late = late + 1 if wait.is_late else 0
        assert late < 2, f"another client waited for {wait}, twice in a row"  # once, other programs may be why
        heavy.join(0.02)
    assert received, "the connection failed"
    assert received[0].ended, f"no end within {PATIENCE:g} s"
    assert received[0].data, "the connection was closed without a reply"
    check_log(fake)
    memory = fake.usage()["rss"]
    assert memory < MOST_MEMORY, f"the fake takes {memory // 2**20} MiB"
    return first_exchange(request, received[0].data)


def check_refusal(exchange: Exchange) -> None:
    """Assert that a reply is a 200 or a refusal in OpenAI's format; a script that gives no reply is a 500."""
    assert exchange.status in (200, 400, 413, 500), exchange.status
    if exchange.status != 200:
        error = json.loads(exchange.payload)["error"]
        assert exchange.status != 500 or error["message"].startswith("the script "), error


# -- faults of a header

_SIZES = st.sampled_from([1, 2, 7, 100, 1000, 10_000, 100_000])
_SEGMENTS = st.sampled_from(
    [
        "..*",
        "[*]",
        "[*,*,*,*]",
        "..[*,*]",
        ".choices",
        "[::]",
        "[::-1,0,*]",
        "[?@]",
        "..content",
        "[?search(@,'(a|aa)*b')]",
    ]
)
PATHS = st.recursive(
    st.lists(_SEGMENTS, min_size=1, max_size=12).map("".join),
    lambda inner: st.builds(lambda path, more: f"..[?@{path} || $..*]{more}", inner, inner),
    max_leaves=6,
).map(lambda path: "$" + path)
_WORDS = st.sampled_from(["a", "data", "{", "e", "a" * 100, "ae" * 500, "data: x\n\n".replace("\n", " ")])
FAULTS = st.one_of(
    st.builds("comments;count={};size={}".format, _SIZES, st.sampled_from([0, 20, 10_000])),
    st.builds(
        'rewrite;find="{}";by="{}"'.format,
        st.sampled_from(["a", "d", ":", '{\\"']),
        _WORDS.map(lambda w: w.replace("{", "x")),
    ),
    st.builds('json;at="{}";value="{}"'.format, PATHS, st.sampled_from(["a", "a" * 3000])),
    st.builds('json;at="{}";where="{}";drop'.format, PATHS, PATHS),
    st.builds('{};where="{}"'.format, st.sampled_from(["drop-events", "repeat-events"]), PATHS),
    st.builds('insert-event;text="{}"'.format, st.sampled_from(["a", "a" * 9000])),
    st.builds("garbage;bytes={}".format, st.sampled_from([1, 1000, 10**6, 10**8])),
    st.builds("split;every={}".format, _SIZES),
    st.sampled_from(
        [
            "line-ends",
            "compress",
            "broken-gzip",
            "merge",
            "double-event",
            "split-utf8",
            "bom",
            "no-space",
            "double-done",
        ]
    ),
)
BODIES = st.builds(
    lambda text, times, more: {
        **LIGHT,
        "messages": [{"role": "user", "content": f"Repeat after me: {text * times}"}],
        **more,
    },
    st.sampled_from(["word, ", "é", "a", "{[(", "\U0001f600 "]),
    st.sampled_from([1, 100, 15_000]),
    st.sampled_from(
        [{}, {"stream": True}, {"stream": True, "n": 9}, {"n": 128}, {"logprobs": True, "top_logprobs": 20, "n": 9}]
    ),
)


def check_faults(fake: FakeProcess, value: tuple[list[str], dict[str, Any]]) -> None:
    faults, body = value
    fields = (JSON, ("x-fake-fault", ", ".join(faults)))
    ask_beside_others(fake, Request("POST", "/v1/chat/completions", fields, json.dumps(body).encode()))


# -- templates through the control API

_NUMBERS = st.sampled_from(["0", "1", "3", "79", "9999", "90000", "1000000", "999999999", "-1", "'x'", "2 ** 40"])
_ATOMS = (
    st.sampled_from(["s", "last", "messages", "request", "n.a", "'a b\\n'", "[1, 's']", "{'a': s}", "(s, s)", "turn"])
    | _NUMBERS
)
_FILTERS = (
    "upper", "title", "list", "join", "sort", "unique | list", "tojson", "pprint", "string", "length", "sum",
    "reverse | list", "urlencode", "urlize", "wordcount", "striptags", "escape", "items | list", "first", "max",
    "trim", "float", "int",
)  # fmt: skip
_CALLS = (
    "{0} | replace({1}, {2})", "{0} | indent({1})", "{0} | center({1})", "{0} | wordwrap({1}, wrapstring={2})",
    "{0} | join({1})", "{0} | batch({1}, {2}) | list", "{0} | slice({1}) | list", "{0} | truncate({1})",
    "{0} | map('string') | list", "{0} | format({1})", "{0} | groupby({1}) | list", "{0}.replace({1}, {2})",
    "{0}.join({1})", "{0}.format({1}, a={2})", "{0}.split({1})", "{0}.zfill({1})", "{0}.translate({1})",
    "{0}.expandtabs({1})", "range({1}) | list", "({0}) * ({1})", "({0}) + ({1})", "({0}) ~ ({1})", "({0}) % ({1})",
    "({0}) in ({1})", "({0}) == ({1})", "[{0}, {1}]", "({0})[{1}:]", "({0})[{1}]", "'%s%s%9999d' % ({0}, {1}, 1)",
    "('{{0}}' * 9000).format({0})", "({0}) ** ({1})", "{0} | round({1})", "{0} | sum(start={1})",
    "dict(a={0}, b={1})",
)  # fmt: skip
EXPRESSIONS = st.recursive(
    _ATOMS,
    lambda inner: (
        st.builds("({} | {})".format, inner, st.sampled_from(_FILTERS))
        | st.builds(lambda form, *given: f"({form.format(*given)})", st.sampled_from(_CALLS), inner, inner, inner)
    ),
    max_leaves=8,
)
_FORMS = st.sampled_from(
    [
        "{{ %s }}",
        "{%% for i in range(90000) %%}{%% set n.a = %s %%}{%% endfor %%}{{ n.a }}",
        "{%% for i in range(60) %%}{%% set n.a = [n.a, n.a] %%}{%% endfor %%}{{ %s }}",
        "{%% macro f(x) %%}{{ f(x) }}{{ %s }}{%% endmacro %%}{{ f(1) }}",
        "{%% macro f(x) %%}{%% if x %%}{{ f(x-1) }}{{ f(x-1) }}{%% endif %%}{{ %s }}{%% endmacro %%}{{ f(30) }}",
        "{%% set b %%}{%% for i in range(9000) %%}{{ %s }}{%% endfor %%}{%% endset %%}{{ b | length }}",
        "{%% for i in range(9000) recursive %%}{{ loop(range(9000)) if loop.depth < 4 }}{{ %s }}{%% endfor %%}",
        "{%% if %s %%}{%% endif %%}",
    ]
)
_OPENING = "{% set s = 'x ' * 500000 %}{% set n = namespace(a=1) %}"
TEMPLATES = st.builds(lambda form, expression: _OPENING + form % expression, _FORMS, EXPRESSIONS)


def check_template(fake: FakeProcess, text: str) -> None:
    space = ("x-fake-space", f"t{next(_count)}")
    added = ask(
        fake, Request("POST", "/__fake__/replies", (JSON, space), json.dumps({"template": True, "text": text}).encode())
    )
    assert added.status in (201, 400), added.payload
    exchange = ask_beside_others(
        fake, Request("POST", "/v1/chat/completions", (JSON, space), json.dumps(LIGHT).encode())
    )
    check_refusal(exchange)
    ask(fake, Request("DELETE", f"/__fake__/spaces/{space[1]}", (), b""))


# -- schemas of answers and tools

_ENUM = [f"value {number}" for number in range(1500)]
_PATTERNS = st.sampled_from(
    [
        r"^(\w{10}){12}x",
        r"((((){1000}){1000}){1000}){1000}",
        "([" + "a-z" * 900 + "]){9000}",
        r"\d{9,}",
        "(a?){500}a{500}",
        r"^\pL{50}$",
    ]
)


@st.composite
def schemas(draw: st.DrawFn) -> dict[str, Any]:
    """A schema that asks for much, around one of any kind."""
    leaf = draw(SCHEMAS)
    many, deep = draw(st.sampled_from([2, 9, 80, 900])), draw(st.sampled_from([2, 9, 25]))
    few = min(many, 80)
    branch = {f"d{number}": {"anyOf": [{"$ref": f"#/$defs/d{number + 1}"}] * 4} for number in range(deep)}
    made: dict[str, Any] = draw(
        st.sampled_from(
            [
                {"properties": {"a": leaf}, "required": ["a"]},
                {
                    "properties": {"a": {"allOf": [{"enum": [*_ENUM[:many], number]} for number in range(few)]}},
                    "required": ["a"],
                },
                {
                    "properties": {
                        "a": {"minItems": 10**9, "items": {"minItems": many, "uniqueItems": True, "items": leaf}}
                    }
                },
                {"$defs": {**branch, f"d{deep}": leaf}, "properties": {"a": {"$ref": "#/$defs/d0"}}, "required": ["a"]},
                {"properties": {"a": {"$ref": "#"}, "b": leaf, "c": {"$ref": "#"}}, "required": ["a", "b", "c"]},
                {"minProperties": many, "propertyNames": {"minLength": many}, "additionalProperties": leaf},
                {
                    "properties": {f"k{number}": leaf for number in range(many)},
                    "required": [f"k{number}" for number in range(many)],
                },
                {"properties": {"a": {"oneOf": [leaf] * few, "not": {"anyOf": [leaf] * few}}}, "required": ["a"]},
            ]
        )
    )
    patterns = draw(st.lists(_PATTERNS, max_size=6))
    if patterns:
        made["patternProperties"] = {
            f"{pattern}|{number}": leaf for number in range(few // 10 + 1) for pattern in patterns
        }
        made["required"] = [*made.get("required", []), *(f"p{number}" for number in range(few))]
    return {"type": "object", **made}


DEMANDS = st.tuples(schemas(), st.sampled_from(["format", "tool", "tools"]), st.sampled_from([1, 1, 9, 128]), BODIES)


def check_schema(fake: FakeProcess, value: tuple[dict[str, Any], str, int, dict[str, Any]]) -> None:
    schema, where, choices, body = value
    body = {**body, "n": choices}
    if where == "format":
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    else:
        names = [f"f{number}" for number in range(1 if where == "tool" else 40)]
        body["tools"] = [{"type": "function", "function": {"name": name, "parameters": schema}} for name in names]
        body["tool_choice"] = "required"
    request = Request("POST", "/v1/chat/completions", (JSON,), json.dumps(body).encode())
    check_refusal(ask_beside_others(fake, request))


_DESCRIPTIONS: tuple[tuple[str, st.SearchStrategy[Any], Check], ...] = (
    ("faults", st.tuples(st.lists(FAULTS, min_size=1, max_size=6), BODIES), check_faults),
    ("templates", TEMPLATES, check_template),
    ("schemas", DEMANDS, check_schema),
)
PARTS = tuple(
    Part(
        f"costly-{name}", f"{name} have the budget of a request", values, check, True, 20, PATIENCE + LONGEST, UNHURRIED
    )
    for name, values, check in _DESCRIPTIONS
)
