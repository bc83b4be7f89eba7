"""Scripts: what is accepted, and every complaint as the author reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fake_server.scripts import book as scripts
from fake_server.scripts.book import ScriptBook, ScriptError
from fake_server.scripts.match import ScriptState

SHIPPED = Path(__file__).parents[2] / "fixtures" / "scripts"


def load(folder: Path, text: str, name: str = "s.yaml") -> ScriptBook:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return scripts.load([path])


def complaint(folder: Path, text: str) -> str:
    """What `load` says about the text, the file's folder taken off."""
    with pytest.raises(ScriptError) as caught:
        load(folder, text)
    return str(caught.value).replace(f"{folder}/", "")


def test_the_shipped_scripts_load_without_warnings() -> None:
    book = scripts.load([SHIPPED])
    assert {"poem", "weather tool"} <= {script.name for script in book}
    assert book.warnings == ()
    poem = next(script for script in book if script.name == "poem").every_reply[0].text or ""
    assert len(poem.split("\n\n")) == 3
    assert "—" in poem
    assert "\n\n\n" not in poem


def test_everything_an_author_can_write(tmp_path: Path) -> None:
    book = load(
        tmp_path,
        """
- name: whole
  when:
    model: {prefix: gpt-, regex: "4o$"}
    messages:
      first: {role: system}
      any: {contains: [a, b]}
      system: {regex: "(?i)pirate"}
      last: {role: user, contains: h, equals: hi}
    # a comment
    tools: {include: [x, y]}
    stream: false
    response_format: json_object
    turn: 2
  reply:
    text: before
    tool_calls: [{name: x, arguments: {n: 1}, id: call_1}, {name: y, arguments: "{broken"}]
    reasoning: thinking
    finish_reason: length
    usage: {prompt_tokens: 1, completion_tokens: 2, cached_tokens: 1, reasoning_tokens: 1}
    id: chatcmpl-1
    model: other
    created: 5
    system_fingerprint: fp_1
    logprobs: [{token: be, logprob: -0.5, top: {be: -0.5, de: -2}}, {token: fore, logprob: 0}]
    timing: {first: 0.2, rate: 50, jitter: 0.1}
  times: 3
- {name: exact, when: {model: gpt-4o}, reply: {refusal: no}}
- {name: several, when: {turn: 1}, reply: {choices: [{text: a}, {text: b}]}}
- name: error
  reply: {error: {status: 429, message: slow down, headers: {retry-after: "1"}}}
- {name: raw, reply: {raw: {status: 200, headers: {x-a: b}, body: {any: thing}, stream: [{a: 1}, "[DONE]"]}}}
""",
    )
    assert [script.name for script in book] == ["whole", "exact", "several", "error", "raw"]
    assert [script.place.partition(".yaml:")[2] for script in book] == ["2", "28", "29", "30", "32"]
    assert book.scripts[1].every_reply[0].refusal == "no"


GOLDEN = [
    (
        "- name: a\n  when:\n    messages:\n      last: {contain: x}\n  reply: {text: b}\n",
        "s.yaml:4: unknown key 'contain' in when.messages.last: did you mean 'contains'?",
    ),
    (
        "- name: a\n  wen: {}\n  reply: {text: b}\n",
        "s.yaml:2: unknown key 'wen': did you mean 'when'?",
    ),
    (
        "- name: a\n  reply: {text: b}\n  zzz: 1\n",
        "s.yaml:3: unknown key 'zzz': known here: name, when, reply, replies, choose, times, per, fallback",
    ),
    ("- name: a\n", "s.yaml:1: the key 'reply' is missing: add it"),
    (
        "- name: a\n  reply:\n    text: 5\n",
        "s.yaml:3: reply.text: a string is expected, this is the number 5: put quotes around it",
    ),
    (
        "- name: a\n  when:\n    model: 5\n  reply: {text: b}\n",
        "s.yaml:3: when.model: a string or a mapping is expected, this is the number 5: put quotes around it",
    ),
    (
        "- name: a\n  when: {messages: {last: {contains: 5}}}\n  reply: {text: b}\n",
        "s.yaml:2: when.messages.last.contains: a string or a list is expected, this is the number 5:"
        " put quotes around it",
    ),
    (
        "- name: a\n  when: {messages: {last: hello}}\n  reply: {text: b}\n",
        "s.yaml:2: when.messages.last: a mapping is expected, this is 'hello': write {contains: 'hello'}",
    ),
    ("- name: a\n  reply: b\n", "s.yaml:2: reply: a mapping is expected, this is 'b': write {text: 'b'}"),
    (
        "- name: a\n  reply:\n    tool_calls: {name: x}\n",
        "s.yaml:3: reply.tool_calls: a list is expected, this is a mapping: write it with '- ' before each",
    ),
    (
        "- name: a\n  reply:\n    tool_calls: [{name: x, arguments: [1]}]\n",
        "s.yaml:3: reply.tool_calls.0.arguments: arguments are a mapping, or a text sent as it is",
    ),
    (
        "- name: a\n  when: {messages: {any: {regex: 'a(b'}}}\n  reply: {text: b}\n",
        "s.yaml:2: when.messages.any.regex: not a usable regular expression: unclosed group"
        " (Rust syntax: no look-around)",
    ),
    (
        "- name: a\n  when: {response_format: json_shema}\n  reply: {text: b}\n",
        "s.yaml:2: when.response_format: 'json_shema' is not known here: did you mean 'json_schema'?",
    ),
    (
        "- name: a\n  when: {turn: 0}\n  reply: {text: b}\n",
        "s.yaml:2: when.turn: must be greater than or equal to 1",
    ),
    (
        "- name: a\n  reply: {}\n",
        "s.yaml:2: reply: nothing to answer: give text, tool_calls, refusal, choices, output, error, raw or faults",
    ),
    (
        "- name: a\n  reply: {text: b, error: {status: 500, message: c}}\n",
        "s.yaml:2: reply: an answer of its own and error exclude each other: keep one",
    ),
    (
        "- name: a\n  reply: {text: b, logprobs: [{token: c, logprob: -1}]}\n",
        "s.yaml:2: reply: the tokens of logprobs joined are not the text",
    ),
    (
        "- name: a\n  when: {messages: {last: {}}}\n  reply: {text: b}\n",
        "s.yaml:2: when.messages.last: nothing to test: give role, contains, equals, regex or json",
    ),
    (
        "- name: a\n  reply: {text: b}\n- name: a\n  reply: {text: c}\n",
        "s.yaml:3: the name 'a' is taken by s.yaml:1: choose another",
    ),
    ("name: a\n", "s.yaml:1: a script file is a list: begin each script with '- name: …'"),
    (
        "openai-contract-fixture: 1\n",
        "s.yaml:1: this is a fixture (a recording), not a script file: replay it instead",
    ),
    (
        "# known drift\nopenai-contract-baseline: 1\n",
        "s.yaml:1: this is a baseline of `contract`, not a script file: keep it elsewhere",
    ),
    ("- 5\n", "s.yaml:1: a script is a mapping with name, when, reply and times"),
    ("", "s.yaml:1: a script file is a list: begin each script with '- name: …'"),
    (
        "- {name: a, times: -1, reply: {text: x}}\n- {nam: b, reply: {text: y}}\n",
        "s.yaml:1: times: must be greater than or equal to 1\ns.yaml:2: unknown key 'nam': did you mean 'name'?",
    ),
]


@pytest.mark.parametrize(("text", "said"), GOLDEN)
def test_complaints(tmp_path: Path, text: str, said: str) -> None:
    assert complaint(tmp_path, text) == said


def test_problems_of_several_files_are_said_together(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("- name: a\n", encoding="utf-8")
    (tmp_path / "b.yml").write_text("- [", encoding="utf-8")
    with pytest.raises(ScriptError) as caught:
        scripts.load([tmp_path])
    first, second = str(caught.value).replace(f"{tmp_path}/", "").splitlines()
    assert first == "a.yaml:1: the key 'reply' is missing: add it"
    assert second.startswith("b.yml:1: not YAML: ")


def test_a_script_that_is_never_reached_is_a_warning(tmp_path: Path) -> None:
    book = load(tmp_path, "- {name: all, reply: {text: a}}\n- {name: b, when: {turn: 1}, reply: {text: b}}\n")
    (warning,) = book.warnings
    assert warning.replace(f"{tmp_path}/", "") == (
        "s.yaml:2: 'b' never answers: 'all' (s.yaml:1) comes first and matches every request"
    )


def test_parse_reads_values_written_in_python() -> None:
    book = scripts.parse([{"name": "a", "reply": {"text": "b"}}])
    assert book.scripts[0].place == "scripts[0]"
    with pytest.raises(ScriptError, match=r"^scripts\[0\]: unknown key 'txt' in reply: did you mean 'text'\?"):
        scripts.parse([{"name": "a", "reply": {"txt": "b"}}])


def test_the_state_counts_uses() -> None:
    (script,) = scripts.parse([{"name": "a", "times": 2, "reply": {"text": "b"}}])
    state = ScriptState()
    assert [state.take(script) for _ in range(3)] == [1, 2, 0]
    assert state.used(script) == 2
    state.reset()
    assert state.used(script) == 0
