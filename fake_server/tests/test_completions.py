"""POST /completions, read by the official SDK and laid beside genuine answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types import Completion
from pydantic import TypeAdapter

from fake_server import FakeServer
from fake_server.api.render.completions import render_dict, render_stream
from fake_server.api.render.style import Style
from fake_server.api.reply import Choice, Reply, TokenLogprob, Usage
from fake_server.api.request import ApiRequest
from fake_server.server.routes.completions import reply_to
from fake_server.server.settings import Settings
from fake_server.tests.edge_client import ask, serving
from fake_server.tests.genuine import RECORDINGS, documents, genuine, refused_plainly, shapes
from fake_server.wire import sse

MODEL, BASE = "gpt-3.5-turbo-instruct", "davinci-002"


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    with (
        FakeServer(seed=7) as server,
        openai.OpenAI(base_url=server.base_url, api_key="sk-any", max_retries=0) as made,
    ):
        yield made


def test_a_prompt_is_completed_alike_as_dict_and_as_stream(client: openai.OpenAI) -> None:
    whole = client.completions.create(model=MODEL, prompt="Say this is a test", max_tokens=40)
    chunks = list(client.completions.create(model=MODEL, prompt="Say this is a test", stream=True, max_tokens=40))
    assert whole.object == "text_completion"
    assert whole.id.startswith("cmpl-")
    assert whole.choices[0].text == "".join(chunk.choices[0].text for chunk in chunks) != ""
    assert [chunk.choices[0].finish_reason for chunk in chunks][-1] == whole.choices[0].finish_reason
    assert {chunk.object for chunk in chunks} == {"text_completion"}
    assert len({chunk.id for chunk in chunks}) == 1


def test_each_prompt_gets_its_choices_and_all_are_counted(client: openai.OpenAI) -> None:
    said = client.completions.create(model=MODEL, prompt=["Say alpha", "Say beta", "Say gamma"], n=2)
    assert [choice.index for choice in said.choices] == list(range(6))
    assert said.choices[0].text == "alpha"
    assert said.choices[2].text == "beta"
    assert said.usage
    assert said.usage.total_tokens == said.usage.prompt_tokens + said.usage.completion_tokens


def test_limits_hold(client: openai.OpenAI) -> None:
    tokens = client.completions.create(model=MODEL, prompt=[[791, 6864], [13]])
    assert tokens.usage
    assert tokens.usage.prompt_tokens == 3
    asked = "Repeat after me: one two three four five six seven eight"
    cut = client.completions.create(model=MODEL, prompt=asked, max_tokens=3)
    assert (cut.choices[0].text, cut.choices[0].finish_reason) == ("one two three", "length")
    assert cut.usage
    assert cut.usage.completion_tokens == 3
    stopped = client.completions.create(model=MODEL, prompt=asked, stop=" four")
    assert (stopped.choices[0].text, stopped.choices[0].finish_reason) == ("one two three", "stop")
    long = client.completions.create(model=MODEL, prompt="Count from 1 to 100 in words.")
    assert long.usage
    assert long.usage.completion_tokens == 16, "the API's own limit where none is asked for"


def test_log_probabilities_tell_the_text_and_its_places(client: openai.OpenAI) -> None:
    said = client.completions.create(model=BASE, prompt="Say hello world", logprobs=2, echo=True)
    told: Any = said.choices[0].logprobs  # the types know no null in the lists
    assert told
    assert told.tokens
    assert told.text_offset
    assert told.top_logprobs
    assert told.token_logprobs
    assert "".join(told.tokens) == said.choices[0].text == "Say hello worldhello world"
    places = [
        said.choices[0].text.index(token, place) for token, place in zip(told.tokens, told.text_offset, strict=True)
    ]
    assert places == told.text_offset
    first, *rest = told.top_logprobs
    assert (told.token_logprobs[0], first) == (None, None), "nothing stands before the first token"
    assert all(len(top) == 2 for top in rest)
    chunks = list(client.completions.create(model=MODEL, prompt="Say hello world", logprobs=0, stream=True))
    pieces = [chunk.choices[0].logprobs for chunk in chunks if chunk.choices[0].logprobs]
    assert "".join(token for one in pieces for token in one.tokens or []) == "hello world"


def test_usage_comes_last_where_it_is_asked_for(client: openai.OpenAI) -> None:
    chunks = list(
        client.completions.create(model=MODEL, prompt="Say hi", stream=True, stream_options={"include_usage": True})
    )
    assert chunks[-1].choices == []
    assert chunks[-1].usage
    assert all(chunk.usage is None for chunk in chunks[:-1])


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"max_tokens": -1}, "max_tokens"),
        ({"logprobs": 6}, "logprobs"),
        ({"prompt": ["a", 1]}, "prompt[1]"),
        ({"prompt": {"a": 1}}, "prompt"),
        ({"prompt": ["a"] * 2049}, "prompt"),
        ({"prompt": ["a"] * 300, "n": 128}, "n"),
        ({"best_of": 1, "n": 2}, "best_of"),
        ({"best_of": 2, "stream": True}, "best_of"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"messages": []}, None),
    ],
)
def test_a_bad_completion_request_is_refused_by_name(client: openai.OpenAI, body: Any, param: str | None) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.completions.create(model=MODEL, prompt="Hi", extra_body=body)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"prompt": [12345, 123456]},
            "Invalid token in prompt: 123456. Minimum value is 0, maximum value is 100257",
        ),
        ({"prompt": []}, "'$.prompt' is invalid. Please check the API reference"),
        ({"prompt": [[1], []]}, "'$.prompt' is invalid. Please check the API reference"),
        ({"echo": True, "logprobs": 1}, "Setting 'echo' and 'logprobs' at the same time is not supported"),
        (
            {"prompt": [1] * 90, "max_tokens": 4090},
            "This model's maximum context length is 4097 tokens, however you requested 4180 tokens "
            "(90 in your prompt; 4090 for the completion). Please reduce your prompt; or completion length.",
        ),
    ],
)
def test_refusals_in_the_words_of_openai(client: openai.OpenAI, body: Any, message: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.completions.create(model=MODEL, prompt="Hi", extra_body=body)
    refused_plainly(refused.value, message)


def test_models_that_do_something_else(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.completions.create(model="no-such-model-1", prompt="Hi")
    with pytest.raises(openai.PermissionDeniedError, match="not allowed to sample"):
        client.completions.create(model="text-embedding-3-small", prompt="Hi")


def test_tokens_are_counted_as_they_come_and_equal_ones_are_equal_words(client: openai.OpenAI) -> None:
    said = client.completions.create(model=MODEL, prompt=[[791, 6864, 100257], [791]], echo=True, max_tokens=0)
    assert said.usage
    assert (said.usage.prompt_tokens, said.usage.completion_tokens) == (4, 0)
    one, other = said.choices
    assert one.text.startswith(other.text)
    assert (one.finish_reason, other.finish_reason) == ("length", "length")


def test_candidates_are_paid_for_and_only_the_wanted_ones_told(client: openai.OpenAI) -> None:
    said = client.completions.create(model=MODEL, prompt=["Say yes", "Say no"], best_of=3)
    assert [choice.text for choice in said.choices] == ["yes", "no"]
    assert said.usage
    assert said.usage.completion_tokens == 6


def test_a_script_answers_a_prompt_as_it_answers_a_chat(tmp_path: Path) -> None:
    script = tmp_path / "tree.yaml"
    script.write_text("- name: tree\n  when: {messages: {last: {contains: tree}}}\n  reply: {text: An oak.}\n")
    with FakeServer([script]) as server, openai.OpenAI(base_url=server.base_url, api_key="sk-any") as made:
        assert made.completions.create(model=MODEL, prompt="A tree:").choices[0].text == "An oak."


def test_offsets_count_from_the_beginning_of_the_prompt(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": MODEL, "prompt": "Say hello world", "logprobs": 0}
    whole = client.completions.create(**asked).choices[0].logprobs
    assert whole
    assert (whole.text_offset, whole.top_logprobs) == ([15, 20], None)
    streamed = [chunk.choices[0].logprobs for chunk in client.completions.create(**asked, stream=True)]
    assert [place for one in streamed if one for place in one.text_offset or []] == whole.text_offset


def entries_of(choices: tuple[Choice, ...], style: Style, **asked: Any) -> list[list[dict[str, Any]]]:
    stream = b"".join(render_stream(Reply(choices, Usage(3, 4), "m"), asked, style))
    return [json.loads(one.data)["choices"] for one in sse.decode(stream) if one.data not in (None, "[DONE]")]


def test_the_limit_is_told_with_the_last_text_and_a_stop_after_it() -> None:
    cut, stopped, silent = (
        entries_of((choice,), Style.PLAIN)
        for choice in (
            Choice("a b", finish_reason="length"),
            Choice("a b"),
            Choice("", finish_reason="length"),
        )
    )
    assert [(one["text"], one["finish_reason"]) for [one] in cut] == [("a", None), (" b", "length")]
    assert [(one["text"], one["finish_reason"]) for [one] in stopped] == [
        ("a", None),
        (" b", None),
        ("", "stop"),
    ]
    assert [(one["text"], one["finish_reason"]) for [one] in silent] == [("", "length")]


def test_one_chunk_may_end_all_choices() -> None:
    choices = (Choice("a b"), Choice("c"), Choice("d", finish_reason="length"))
    assert [one["index"] for one in entries_of(choices, Style(end_together=True))[-1]] == [0, 1]
    assert [len(one) for one in entries_of(choices, Style.PLAIN)] == [1] * 6


def test_the_end_of_a_scored_stream_has_empty_lists() -> None:
    """As in https://github.com/simonw/llm/issues/284, a stream of gpt-3.5-turbo-instruct."""
    scored = Choice("a", logprobs=(TokenLogprob("a", -0.5, (("a", -0.5),)),), start=16)
    [first], [last] = entries_of((scored,), Style.PLAIN, logprobs=1)
    assert first["logprobs"] == {
        "tokens": ["a"], "token_logprobs": [-0.5], "top_logprobs": [{"a": -0.5}], "text_offset": [16],
    }  # fmt: skip
    assert last["logprobs"] == {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}


@pytest.mark.parametrize("seed", range(12))
def test_every_style_reads_strictly_and_alike_in_both_forms(seed: int) -> None:
    adapter = TypeAdapter(Completion)
    asked: dict[str, Any] = {
        "prompt": ["Write a poem", "Say ünï 木 🌳"],
        "n": 2,
        "max_tokens": 9,
        "logprobs": 2,
    }
    reply = reply_to(ApiRequest({"model": MODEL, **asked}), settings := Settings(seed=seed), settings.spaces())
    assert isinstance(reply, Reply)
    style = Style.draw(seed, b"{}")
    whole = adapter.validate_json(render_dict(reply, asked, style), strict=True)
    stream = b"".join(render_stream(reply, {**asked, "stream_options": {"include_usage": True}}, style))
    texts, ends = [""] * 4, [""] * 4
    chunks = [json.loads(one.data) for one in sse.decode(stream) if one.data not in (None, "[DONE]")]
    for chunk in chunks:
        for choice in chunk["choices"]:
            texts[choice["index"]] += choice["text"]
            ends[choice["index"]] += choice["finish_reason"] or ""
            choice["finish_reason"] = "stop"  # the types know no null; OpenAI sends it until the end
        adapter.validate_python(chunk, strict=True)
    assert texts == [choice.text for choice in whole.choices]
    assert ends == [choice.finish_reason for choice in whole.choices]
    assert chunks[-1]["choices"] == []
    assert whole.usage
    assert chunks[-1]["usage"] == whole.usage.model_dump(exclude_none=True)


@pytest.mark.parametrize("path", ["/v1/completions", "/completions", "/v1/embeddings", "/embeddings"])
def test_the_edge_treats_every_endpoint_alike(path: str) -> None:
    with serving(Settings(api_key="sk-right")) as port:
        right = {"Authorization": "Bearer sk-right"}
        assert ask(port, path=path, body={}).status == 401
        assert ask(port, path=path, body={}, headers=right).error["code"] == "missing_required_parameter"
        assert ask(port, path=path, body=b"{", headers=right).status == 400
        assert ask(port, path=path, body=b"a", headers={**right, "Content-Type": "text/plain"}).status == 400
        assert ask(port, "GET", path, headers=right).headers["allow"] == "POST"
        assert ask(port, "HEAD", path, headers=right).status == 405


@pytest.mark.skipif(not RECORDINGS.exists(), reason="OPENAI_CONTRACT_SHARED holds no recordings of OpenAI")
@pytest.mark.parametrize("choice", [Choice("a b"), Choice("a b", finish_reason="length")], ids=["stop", "length"])
def test_a_plain_answer_has_the_members_of_genuine_ones_in_their_order(choice: Choice) -> None:
    wanted = genuine("completions")
    reply = Reply((choice, choice), Usage(3, 4), "m")
    assert set(shapes(json.loads(render_dict(reply, {}, Style.PLAIN)))) <= wanted["json"]
    for usage in (False, True):
        options = {"stream_options": {"include_usage": usage}}
        for chunk in documents(b"".join(render_stream(reply, options, Style.PLAIN)).decode()):
            assert set(shapes(chunk)) <= wanted["sse"]


def test_scripts_see_all_that_was_asked() -> None:
    when = {"endpoint": "completions", "body": {"user": "ann", "prompt": {"contains": "test"}, "suffix": "!"}}
    with (
        FakeServer([{"name": "s", "when": when, "reply": {"text": "hello"}}]) as server,
        openai.OpenAI(base_url=server.base_url, api_key="any", max_retries=0) as client,
    ):
        asked: dict[str, Any] = {"model": MODEL, "prompt": "a test", "user": "ann"}
        assert client.completions.create(**asked, suffix="!").choices[0].text == "hello"
        assert client.completions.create(**asked).choices[0].text != "hello"
