"""Scripts that never answer, `fake-server validate`, and the schema for editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from fake_server.cli import main
from fake_server.scripts import book
from fake_server.scripts.checks import FEW
from fake_server.scripts.commands import schema
from fake_server.server.settings import default_scripts

SHADOWED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"model": "gpt-4o"}),
    ({"model": {"prefix": "gpt"}}, {"model": "gpt-4o", "stream": True}),
    ({"messages": {"last": {"contains": "tree"}}}, {"messages": {"last": {"contains": ["A TREE", "poem"]}}}),
    ({"messages": {"last": {"contains": "tree"}}}, {"messages": {"last": {"equals": "a tree"}}}),
    ({"tools": {"include": "f"}}, {"tools": {"include": ["g", "f"]}, "turn": 1}),
    ({"headers": {"x-a": "1"}}, {"headers": {"X-A": "1", "x-b": "2"}}),
    ({"messages": {"any": {"contains": "tree"}}}, {"messages": {"last": {"contains": "a tree"}}}),
    ({"messages": {"last": {"regex": "^a"}}}, {"messages": {"last": {"equals": "a tree"}}}),
    ({"messages": {"last": {"json": {"a": 1}}}}, {"messages": {"last": {"json": {"a": 1, "b": 2}}}}),
    ({"model": {"regex": "4o"}}, {"model": "gpt-4o"}),
    ({"body": {"n": {"exists": True}}}, {"body": {"n": 2}}),
    ({"key": {"regex": "^sk-"}}, {"key": "sk-one"}),
    ({"messages": {"user": {"role": "user"}}}, {"messages": {"user": {"role": "user", "contains": "x"}}}),
]
NOT_SHADOWED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"model": "gpt-4o"}, {}),
    ({"model": "gpt-4o"}, {"model": {"prefix": "gpt-4o"}}),
    ({"messages": {"last": {"contains": "a tree"}}}, {"messages": {"last": {"contains": "tree"}}}),
    ({"messages": {"last": {"contains": "tree"}}}, {"messages": {"any": {"contains": "tree"}}}),
    ({"stream": True}, {"stream": False}),
    ({"messages": {"last": {"regex": "^b"}}}, {"messages": {"last": {"equals": "a tree"}}}),
    ({"messages": {"last": {"json": {"a": 1}}}}, {"messages": {"last": {"json": {"a": 2}}}}),
    ({"messages": {"last": {"json": {"a": 1}}}}, {"messages": {"last": {"role": "tool"}}}),
    ({"body": {"n": {"exists": False}}}, {"body": {"n": 2}}),
    ({"body": {"n": 2}}, {"body": {"n": {"exists": True}}}),
    ({"key": {"regex": "^sk-"}}, {"key": "other"}),
    ({"call": 1}, {"model": "x"}),
    ({"body": {"n": 1}}, {"body": {"n": 2}}),
]


def two(first: dict[str, Any], second: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    reply = {"text": "x"}
    return [
        {"name": "a", "when": first, "reply": reply, **more},
        {"name": "b", "when": second, "reply": reply},
    ]


@pytest.mark.parametrize(("first", "second"), SHADOWED)
def test_a_script_behind_a_wider_one_never_answers(first: dict[str, Any], second: dict[str, Any]) -> None:
    (warning,) = book.parse(two(first, second)).warnings
    assert warning.startswith("scripts[1]: 'b' never answers: 'a' (scripts[0]) comes first and matches ")
    assert book.parse(two(first, second, times=1)).warnings == ()
    assert book.parse(two(first, second, fallback=True)).warnings == () or first == second


@pytest.mark.parametrize(("first", "second"), NOT_SHADOWED)
def test_others_are_not_accused(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert book.parse(two(first, second)).warnings == ()


def test_scripts_of_different_endpoints_do_not_hide_each_other() -> None:
    vector, words = {"name": "v", "reply": {"embedding": [1.0]}}, {"name": "w", "reply": {"text": "x"}}
    error = {"name": "e", "reply": {"error": {"status": 500, "message": "m"}}}
    assert book.parse([vector, words, error]).warnings == ()
    assert len(book.parse([error, vector, words]).warnings) == 2


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ({"times": 1}, "never gives its reply 2: it answers 1 times"),
        ({"when": {"call": 2}}, "never gives its reply 2: it waits for one call"),
        (
            {"when": {"model": {"exact": "o1", "prefix": "gpt"}}},
            "never answers: no model has this name and this prefix or pattern",
        ),
        ({"when": {"messages": {"user": {"role": "tool"}}}}, "messages.user never has the role 'tool'"),
        (
            {"when": {"messages": {"last": {"equals": "a", "contains": "b"}}}},
            "messages.last cannot equal this text and pass the other tests",
        ),
        (
            {"when": {"messages": {"any": {"equals": "a", "regex": "b"}}}},
            "messages.any cannot equal this text and pass the other tests",
        ),
    ],
)
def test_what_can_never_be_is_told(script: dict[str, Any], message: str) -> None:
    replies = [{"text": "x"}, {"text": "y"}]
    (warning,) = book.parse([{"name": "s", "replies": replies, **script}]).warnings
    assert warning.startswith("scripts[0]: 's' never ")
    assert warning.endswith(message)


def test_what_can_be_is_not_told() -> None:
    whens: list[dict[str, Any]] = [
        {"model": {"exact": "gpt-4o", "prefix": "gpt", "regex": "4o"}},
        {
            "messages": {
                "last": {"equals": "Ab", "contains": "b", "regex": "b$"},
                "system": {"role": "developer"},
            }
        },
    ]
    written = [{"name": str(n), "when": when, "reply": {"text": "x"}} for n, when in enumerate(whens)]
    assert book.parse(written).warnings == ()


def test_many_are_not_compared_each_with_each_on_loading() -> None:
    many = [{"name": str(n), "when": {"stream": True}, "reply": {"text": "x"}} for n in range(FEW + 1)]
    assert book.parse(many).warnings == ()
    assert len(book.parse([{"name": "all", "reply": {"text": "x"}}, *many]).warnings) == FEW + 1


def validate(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["validate", *arguments])
    return done.exit_code, done.output


def test_validate_says_every_problem_with_its_line(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("- {name: a, reply: {text: x}}\n- {name: b, reply: {text: y}}\n")
    bad.write_text("- name: c\n  when: {modell: x}\n  reply:\n    txt: y\n- {name: d}\n")
    warning = f"warning: {good}:2: 'b' never answers: 'a' ({good}:1) comes first and matches every request\n"
    assert validate(str(good)) == (0, f"{warning}2 scripts, no problem, 1 warning\n")
    assert validate(str(tmp_path)) == (
        1,
        f"{bad}:2: unknown key 'modell' in when: did you mean 'model'?\n"
        f"{bad}:4: unknown key 'txt' in reply: did you mean 'text'?\n"
        f"{bad}:5: the key 'reply' is missing: add it\n"
        "3 problems\n",
    )
    code, told = validate("--json", str(bad))
    assert (code, len(json.loads(told)["problems"])) == (1, 3)
    assert validate(str(tmp_path / "none.yaml"))[0] == 1


def test_the_schema_reads_what_the_loader_reads() -> None:
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())
    for path in default_scripts()[0].parent.glob("*.yaml"):
        validator.validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    for first, second in SHADOWED + NOT_SHADOWED:
        validator.validate(two(first, second))
        validator.validate({"scripts": two(first, second)})
    whole = {"choose": [{"weight": 2, "reply": {"json": {"a": 1}}}], "per": "key", "name": "x", "times": 2}
    validator.validate([whole])


@pytest.mark.parametrize(
    "script",
    [
        {"name": "a", "reply": {"txt": "x"}},
        {"name": "a", "when": {"modell": "x"}, "reply": {"text": "x"}},
        {"reply": {"text": "x"}},
        {"name": "a", "reply": {"faults": [{"fault": "cutt"}]}},
        {"name": "a", "reply": {"text": 3}},
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(script: dict[str, Any]) -> None:
    assert list(jsonschema.Draft202012Validator(schema()).iter_errors([script]))
    with pytest.raises(book.ScriptError):
        book.parse([script])


def test_the_schema_is_printed() -> None:
    done = CliRunner().invoke(main, ["schema"])
    assert (done.exit_code, json.loads(done.output)) == (0, schema())
