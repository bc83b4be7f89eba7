"""POST /completions and /embeddings, read by the official SDK and laid beside genuine answers."""

from __future__ import annotations

import base64
import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from fake_server import FakeServer, embedding

SHARED = Path(os.environ.get("OPENAI_CONTRACT_SHARED", Path(__file__).parents[3] / "shared"))
RECORDINGS = SHARED / "recordings" / "openai.jsonl"
MODEL, VECTORS = "gpt-3.5-turbo-instruct", "text-embedding-3-small"


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    with FakeServer(seed=7) as server, openai.OpenAI(base_url=server.base_url, api_key="sk-any") as made:
        yield made


# -- text completions


def test_a_prompt_is_completed_alike_as_dict_and_as_stream(client: openai.OpenAI) -> None:
    whole = client.completions.create(model=MODEL, prompt="Say this is a test", max_tokens=40)
    chunks = list(
        client.completions.create(model=MODEL, prompt="Say this is a test", stream=True, max_tokens=40)
    )
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
    said = client.completions.create(model=MODEL, prompt="Say hello world", logprobs=2, echo=True)
    told = said.choices[0].logprobs
    assert told
    assert told.tokens
    assert told.text_offset
    assert told.top_logprobs
    assert told.token_logprobs
    assert "".join(told.tokens) == said.choices[0].text == "Say hello worldhello world"
    places = [
        said.choices[0].text.index(token, place)
        for token, place in zip(told.tokens, told.text_offset, strict=True)
    ]
    assert places == told.text_offset
    assert all(len(top) == 2 for top in told.top_logprobs)
    chunks = list(client.completions.create(model=MODEL, prompt="Say hello world", logprobs=0, stream=True))
    pieces = [chunk.choices[0].logprobs for chunk in chunks if chunk.choices[0].logprobs]
    assert "".join(token for one in pieces for token in one.tokens or []) == "hello world"


def test_usage_comes_last_where_it_is_asked_for(client: openai.OpenAI) -> None:
    chunks = list(
        client.completions.create(
            model=MODEL, prompt="Say hi", stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[-1].choices == []
    assert chunks[-1].usage
    assert all(chunk.usage is None for chunk in chunks[:-1])


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"logprobs": 6}, "logprobs"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt[1]"),
        ({"prompt": {"a": 1}}, "prompt"),
        ({"best_of": 1, "n": 2}, "best_of"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"messages": []}, None),
    ],
)
def test_a_bad_completion_request_is_refused_by_name(
    client: openai.OpenAI, body: Any, param: str | None
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.completions.create(model=MODEL, prompt="Hi", extra_body=body)
    assert refused.value.param == param


def test_an_unknown_model_is_a_404_everywhere(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.completions.create(model="no-such-model-1", prompt="Hi")
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="no-such-model-1", input="Hi")


def test_a_script_answers_a_prompt_as_it_answers_a_chat(tmp_path: Path) -> None:
    script = tmp_path / "tree.yaml"
    script.write_text(
        "- name: tree\n  when: {messages: {last: {contains: tree}}}\n  reply: {text: An oak.}\n"
    )
    with FakeServer([script]) as server, openai.OpenAI(base_url=server.base_url, api_key="sk-any") as made:
        assert made.completions.create(model=MODEL, prompt="A tree:").choices[0].text == "An oak."


# -- embeddings


def test_a_text_has_one_vector_of_length_one_however_it_is_asked_for(client: openai.OpenAI) -> None:
    texts = ["A tree stands.", "Stocks fell.", ""]
    batch = client.embeddings.create(model=VECTORS, input=texts)
    alone = [client.embeddings.create(model=VECTORS, input=text).data[0].embedding for text in texts]
    assert [one.embedding for one in batch.data] == alone
    assert [one.index for one in batch.data] == [0, 1, 2]
    assert all(abs(sum(number * number for number in one) - 1) < 1e-5 for one in alone)
    plain = client.embeddings.create(model=VECTORS, input=texts[0], encoding_format="float")
    assert plain.data[0].embedding == alone[0]
    assert len(alone[0]) == 1536


def test_base64_holds_little_endian_floats(client: openai.OpenAI) -> None:
    raw = client.embeddings.with_raw_response.create(model=VECTORS, input="a tree", encoding_format="base64")
    packed = json.loads(raw.text)["data"][0]["embedding"]
    assert list(struct.unpack("<1536f", base64.b64decode(packed))) == embedding.vector(VECTORS, "a tree")


def test_like_texts_are_nearer_than_unlike_ones() -> None:
    def near(one: str, other: str) -> float:
        pair = zip(embedding.vector(VECTORS, one), embedding.vector(VECTORS, other), strict=True)
        return sum(a * b for a, b in pair)

    assert near("a tall tree in the field", "the tall tree in a field") > 0.6
    assert near("a tall tree in the field", "stock markets fell today") < 0.3


def test_sizes(client: openai.OpenAI) -> None:
    large = client.embeddings.create(model="text-embedding-3-large", input="a tree")
    short = client.embeddings.create(model=VECTORS, input="a tree", dimensions=64)
    tokens = client.embeddings.create(model=VECTORS, input=[[1, 2], [3]])
    assert (len(large.data[0].embedding), len(short.data[0].embedding), len(tokens.data)) == (3072, 64, 2)
    assert tokens.usage.prompt_tokens == 3


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": []}, "input"),
        ({"input": 7}, "input"),
        ({"input": ["a"] * 2049}, "input"),
        ({"input": list(range(8193))}, "input"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": 1537}, "dimensions"),
        ({"model": "text-embedding-ada-002", "dimensions": 64}, "dimensions"),
        ({"encoding_format": "hex"}, "encoding_format"),
    ],
)
def test_a_bad_embeddings_request_is_refused_by_name(client: openai.OpenAI, body: Any, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model=VECTORS, input="Hi", extra_body=body)
    assert refused.value.param == param


# -- beside genuine answers

Shape = tuple[tuple[str, str], ...]


def shapes(value: Any, place: str = "") -> Iterator[tuple[str, Shape]]:
    """Every object of a document: its place, its members in order with the kinds of their values."""
    if isinstance(value, dict):
        yield place, tuple((name, type(member).__name__) for name, member in value.items())
        for name, member in value.items():
            yield from shapes(member, f"{place}.{name}")
    elif isinstance(value, list):
        for member in value:
            yield from shapes(member, f"{place}[]")


def documents(body: Any) -> list[Any]:
    """The objects of a reply: its own, or its events'."""
    if not isinstance(body, str):
        return [body]
    return [json.loads(event[6:]) for event in body.split("\n\n") if event.startswith("data: {")]


@pytest.mark.skipif(not RECORDINGS.exists(), reason="OPENAI_CONTRACT_SHARED holds no recordings of OpenAI")
@pytest.mark.parametrize("endpoint", ["completions", "embeddings"])
def test_the_plain_fake_has_the_members_of_genuine_answers_in_their_order(endpoint: str) -> None:
    genuine: dict[bool, set[tuple[str, Shape]]] = {True: set(), False: set()}
    for line in RECORDINGS.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if entry["endpoint"] == endpoint and entry["response"]["status"] == 200:
            body = entry["response"]["body"]
            genuine[isinstance(body, str)].update(one for value in documents(body) for one in shapes(value))
    with FakeServer(plain=True) as server, openai.OpenAI(base_url=server.base_url, api_key="sk-any") as made:
        if endpoint == "embeddings":
            raw = made.embeddings.with_raw_response.create(
                model=VECTORS, input=["a", "b"], encoding_format="float"
            )
            assert set(shapes(json.loads(raw.text))) <= genuine[False]
            return
        whole = made.completions.with_raw_response.create(model=MODEL, prompt="Say hello world")
        assert set(shapes(json.loads(whole.text))) <= genuine[False]
        stream = made.completions.with_raw_response.create(
            model=MODEL, prompt="Say hello world", stream=True, stream_options={"include_usage": True}
        )
        chunks = documents(stream.http_response.read().decode())
        sets = {(place, frozenset(shape)) for place, shape in genuine[True]}
        assert {(place, frozenset(shape)) for one in chunks for place, shape in shapes(one)} <= sets
