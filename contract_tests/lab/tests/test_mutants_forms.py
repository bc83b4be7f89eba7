"""Only what genuine replies never do counts as a defect, shown on replies small enough to read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner

from contract_tests.lab.mutation.__main__ import main
from contract_tests.lab.mutation.corpora.genuine import GenuineCorpus
from contract_tests.lab.mutation.json_paths import KINDS, kind_of
from contract_tests.lab.mutation.operators.members import convert
from fake_server.wire.exchange import Exchange, Request, Write


@dataclass(frozen=True)
class Recorded:
    exchange: Exchange


def recorded(label: str, body: bytes, kind: str) -> Recorded:
    request = Request("POST", "/v1/chat/completions", body=b'{"stream": true}')
    return Recorded(Exchange(request, 200, (("content-type", kind),), (Write(body),), label=label))


def answer(label: str, **members: Any) -> Recorded:
    message = {"role": "assistant", "content": "Hi"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    document = {"id": label, "created": 1, "choices": [choice], **members}
    return recorded(label, json.dumps(document).encode(), "application/json")


def stream(label: str, *, usage_last: bool = True) -> Recorded:
    chunks: list[dict[str, Any]] = [
        {"id": label, "choices": [{"index": 0, "delta": {"role": "assistant"}, "finish_reason": None}]},
        {"id": label, "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}]},
        {"id": label, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    ]
    chunks.insert(3 if usage_last else 0, {"id": label, "choices": [], "usage": {"total_tokens": 3}})
    events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return recorded(label, "".join([*events, "data: [DONE]\n\n"]).encode(), "text/event-stream")


def made(recordings: list[Recorded], operator: str) -> set[str]:
    drawn = GenuineCorpus(recordings).draw(1, 3000)
    return {mutant.where for mutant in drawn if mutant.operator == operator}


def test_a_member_that_some_reply_lacks_is_not_dropped() -> None:
    assert "usage" in made([answer("a", usage={}), answer("b", usage={})], "drop")
    assert "usage" not in made([answer("a", usage={}), answer("b")], "drop")
    assert "usage" not in made([answer("a", usage={}), answer("b")], "rename")


def test_a_member_that_is_null_in_some_reply_stays() -> None:
    assert "usage" in made([answer("a", usage={}), answer("b", usage={})], "null")
    assert "usage" not in made([answer("a", usage={}), answer("b", usage=None)], "null")


def test_a_type_that_some_reply_has_is_no_defect() -> None:
    assert "tier" in made([answer("a", tier="x"), answer("b", tier="y")], "retype-integer")
    assert "tier" not in made([answer("a", tier="x"), answer("b", tier=1)], "retype-integer")


def test_an_order_that_some_stream_has_is_no_defect() -> None:
    def orders(recordings: list[Recorded]) -> set[str]:
        drawn = [mutant for seed in range(5) for mutant in GenuineCorpus(recordings).draw(seed, 3000)]
        moved = [mutant for mutant in drawn if mutant.shape == "chat.stream:usage" and mutant.operator == "move-event"]
        return {mutant.after for mutant in moved if mutant.original.label == "a"}

    assert "now event 0" in orders([stream("a"), stream("b")])
    assert "now event 0" not in orders([stream("a"), stream("b", usage_last=False)])


def test_replies_of_other_endpoints_teach_and_stay_whole() -> None:
    request = Request("POST", "/v1/audio/speech")
    refusal = b'{"error": {"message": "no", "type": "t", "param": null, "code": null}}'
    other = Recorded(Exchange(request, 400, (), (Write(refusal),), label="other"))
    corpus = GenuineCorpus([other, answer("a")])
    assert [reply.exchange.label for reply in corpus.replies] == ["a"]
    assert corpus.forms.witnesses["errors", "error.message"] == 1


@pytest.mark.parametrize("value", [None, False, 3, 2.5, "word", '{"a": 1}', [1], {"a": 1}])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "null"])
def test_a_converted_value_has_the_type(value: Any, kind: str) -> None:
    if kind != kind_of(value):
        assert kind_of(convert(value, kind)) == kind


def test_arguments_become_the_object_they_spell() -> None:
    assert convert('{"a": 1}', "object") == {"a": 1}


def test_the_command_says_what_is_wrong_with_its_input(tmp_path: Any) -> None:
    missing = CliRunner().invoke(main, ["genuine", "--recordings", str(tmp_path / "none.jsonl")])
    assert missing.exit_code == 1
    assert "OPENAI_CONTRACT_SHARED" in missing.output
    (tmp_path / "bad.jsonl").write_text("{}\n")
    bad = CliRunner().invoke(main, ["genuine", "--recordings", str(tmp_path / "bad.jsonl")])
    assert bad.exit_code == 1
    assert "not a recording" in bad.output
    (tmp_path / "empty.jsonl").write_text("")
    empty = CliRunner().invoke(main, ["genuine", "--recordings", str(tmp_path / "empty.jsonl")])
    assert empty.exit_code == 1
    assert "nothing in it can be broken" in empty.output
