"""Schemas of recorded requests that would keep the judge busy: beyond their budget the rule is left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from contract_tests.lab.tools.command import run_contract
from contract_tests.rules import judge
from contract_tests.rules.formats import fitting
from contract_tests.run.outcome import ExitCode
from contract_tests.tests.hostile_replies import CALL, MESSAGE, asked, choice, completion
from fake_server.wire import budget, fixture
from fake_server.wire.exchange import Exchange
from fake_server.wire.fixture import Fixture

pytestmark = pytest.mark.security("clocks of the suite")

Schema = dict[str, Any]


def branches(deep: int, word: str) -> Schema:
    """Each schema has four ways to the next one."""
    ways = {f"d{level}": {word: [{"$ref": f"#/$defs/d{level + 1}"}] * 4} for level in range(deep)}
    return {"$defs": {**ways, f"d{deep}": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/d0"}}}


def property_a(schema: Schema) -> Schema:
    return {"properties": {"a": schema}}


NESTED = json.loads('{"a":' * 20 + "{}" + "}" * 20)
ENUM = [f"value {number}" for number in range(3000)]
EVIL: dict[str, tuple[Callable[[], Schema], Any]] = {
    "ways to one thing": (lambda: branches(14, "anyOf"), 1),
    "ways that all hold": (lambda: branches(14, "allOf"), "a"),
    "one of many ways": (lambda: branches(14, "oneOf"), 1),
    "not a way": (lambda: {**branches(14, "anyOf"), **property_a({"not": {"$ref": "#/$defs/d0"}})}, 1),
    "a schema that is itself": (lambda: {"$ref": "#"}, 1),
    "two that are each other": (
        lambda: {
            "$defs": {"b": {"$ref": "#/$defs/c"}, "c": {"$ref": "#/$defs/b"}},
            "properties": {"a": {"$ref": "#/$defs/b"}},
        },
        1,
    ),
    "itself in every member": (
        lambda: {"additionalProperties": {"allOf": [{"$ref": "#"}] * 2}},
        NESTED,
    ),
    "enums for every item": (lambda: property_a({"items": {"enum": ENUM}}), ["value 2999"] * 20_000),
    "a schema of many members": (lambda: {"properties": {f"k{number}": {} for number in range(60_000)}}, 1),
    "a schema of huge enums": (lambda: property_a({"allOf": [{"enum": ENUM}] * 20}), "value 1"),
    "schemas for every item": (lambda: property_a({"items": {"allOf": [{"minimum": 0}] * 500}}), [1] * 5000),
    "large patterns for every item": (
        lambda: property_a({"items": {"pattern": r"(\w{50}){9}"}}),
        ["a" * 2000] * 500,
    ),
    "contains for every item": (
        lambda: property_a({"items": {"contains": {"const": 1}}}),
        [[2] * 100 + [1]] * 1500,
    ),
}
FITTING: dict[str, tuple[Callable[[], Schema], Any]] = {
    "a pattern for a backtracking engine": (lambda: property_a({"pattern": "^(a+)+$"}), "a" * 5000),
    "alternatives for a backtracking engine": (lambda: property_a({"pattern": "(a|aa)+$"}), "a" * 5000),
    "unique objects": (
        lambda: property_a({"uniqueItems": True}),
        [{"a": number} for number in range(5000)],
    ),
    "a huge enum": (lambda: property_a({"enum": ENUM}), "value 2999"),
    "a schema as deep as is read": (
        lambda: property_a(reduce(lambda inner, _: {"not": {"not": inner}}, range(30), {"type": "string"})),
        "a",
    ),
    "recursion that ends": (lambda: property_a({"$ref": "#/$defs/n", "$defs": {}}), {"b": {"b": {}}}),
}
OF_OTHERS = [
    ({"uniqueItems": True}, [1, 1.0], False),
    ({"uniqueItems": True}, [1, True, "1", [1], {"a": 1}], True),
    ({"uniqueItems": True}, [{"a": 1, "b": 2}, {"b": 2, "a": 1}], False),
    ({"uniqueItems": False}, [1, 1], True),
    ({"pattern": "^a+$"}, "b", False),
    ({"enum": ["a", 1]}, 1.0, True),
]


def answer_as_text(schema: Schema, value: Any) -> Exchange:
    form = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": schema}}
    text = json.dumps({"a": value})
    return completion([choice(message={**MESSAGE, "content": text})], asked(messages=[], response_format=form))


def call_of_tool(schema: Schema, value: Any) -> Exchange:
    tools = [{"type": "function", "function": {"name": "f", "strict": True, "parameters": schema}}]
    call = {**CALL, "function": {"name": "f", "arguments": json.dumps({"a": value})}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return completion([choice(message=message, finish_reason="tool_calls")], asked(messages=[], tools=tools))


FORMS = [(answer_as_text, "formats.schema-kept"), (call_of_tool, "tools.strict-kept")]


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "STEPS", 100_000)


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("name", EVIL)
@pytest.mark.parametrize(("form", "rule"), FORMS)
def test_a_schema_beyond_the_budget_is_left_out(name: str, form: Callable[[Schema, Any], Exchange], rule: str) -> None:
    make, value = EVIL[name]
    judgement = judge(form({"type": "object", **make()}, value))
    assert judgement.left_out == {rule}
    assert rule not in judgement.ids()


@pytest.mark.parametrize("name", FITTING)
@pytest.mark.parametrize(("form", "rule"), FORMS)
def test_what_only_looks_costly_is_judged(name: str, form: Callable[[Schema, Any], Exchange], rule: str) -> None:
    make, value = FITTING[name]
    judgement = judge(form({"type": "object", **make()}, value))
    assert not judgement.left_out
    assert rule in judgement.applied
    assert rule not in judgement.ids()


@pytest.mark.parametrize(("schema", "value", "fits"), OF_OTHERS)
def test_values_are_compared_as_json(schema: Schema, value: Any, fits: bool) -> None:
    assert (not fitting.Fitting().violation(value, schema)) is fits


def test_all_answers_have_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would be within the budget, all are not."""
    monkeypatch.setattr(budget, "STEPS", 5000)
    schema = property_a({"items": {"minimum": 0}})
    one = answer_as_text(schema, [1] * 200)
    assert not judge(one).left_out
    content = json.loads(one.payload)["choices"][0]["message"]
    many = [choice(index=number, message=content) for number in range(60)]
    body = {**json.loads(one.payload), "choices": many}
    assert judge(one.with_payload(json.dumps(body).encode())).left_out == {"formats.schema-kept"}


def test_a_large_honest_schema_is_judged() -> None:
    """As large as OpenAI takes them: 5,000 properties, 1,000 values of enums."""
    members: Schema = {f"k{number}": {"type": "string", "description": "a word"} for number in range(5000)}
    schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"a": {"type": "array", "items": {"enum": ENUM[:1000]}}, **members},
        "required": ["a"],
    }
    judgement = judge(answer_as_text(schema, ENUM[:1000]))
    assert not judgement.left_out
    assert "formats.schema-kept" not in judgement.ids()


def test_a_recording_with_an_evil_schema_is_said_not_to_be_judged(tmp_path: Path) -> None:
    make, value = EVIL["a schema that is itself"]
    fixture.save(Fixture(answer_as_text(make(), value)), tmp_path / "a.yaml")
    result = run_contract("judge", str(tmp_path / "a.yaml"))
    assert "not judged by 1 rule: too many values" in result.stdout
    assert result.returncode in (ExitCode.FINDINGS, ExitCode.UNREACHABLE)
    assert not result.stderr
