"""POST /embeddings, read by the official SDK and laid beside genuine answers."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types import CreateEmbeddingResponse
from pydantic import TypeAdapter

from fake_server import FakeServer
from fake_server.api import vectors
from fake_server.scripts import book as scripts
from fake_server.server.routes.embeddings import embeddings_of
from fake_server.server.settings import Settings
from fake_server.server.state.memory import LARGEST_ALONE, MIB, MOST_IN_FLIGHT, MemoryBudget
from fake_server.tests.edge_client import ask, serving
from fake_server.tests.genuine import RECORDINGS, genuine, refused_plainly, shapes

VECTORS = "text-embedding-3-small"


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    with (
        FakeServer(seed=7) as server,
        openai.OpenAI(base_url=server.base_url, api_key="sk-any", max_retries=0) as made,
    ):
        yield made


def test_a_text_has_one_vector_of_length_one_however_it_is_asked_for(client: openai.OpenAI) -> None:
    texts = ["A tree stands.", "Stocks fell.", "木 🌳"]
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
    assert list(struct.unpack("<1536f", base64.b64decode(packed))) == vectors.make_vector(VECTORS, "a tree")


ALIKE = [
    ("a tall tree in the field", "the tall tree in a field"),
    ("The cat sits on the mat.", "A cat is sitting on a mat."),
    ("How do I reset my password?", "I forgot my password, how can it be reset?"),
    ("The company reported higher earnings", "Earnings reported by companies were higher"),
    ("LangChain embeds documents", "embedding documents with langchain"),
    ("Wonderful dogs are pets", "A dog makes a wonderful pet"),
    ("木 🌳 火", "木 🌳"),
]


@pytest.mark.parametrize("model", [VECTORS, "text-embedding-3-large", "text-embedding-ada-002"])
@pytest.mark.parametrize("size", [None, 256])
def test_like_texts_are_nearer_than_unlike_ones(model: str, size: int | None) -> None:
    def near(one: str, other: str) -> float:
        pair = zip(vectors.make_vector(model, one, size), vectors.make_vector(model, other, size), strict=True)
        return sum(a * b for a, b in pair)

    if size and model == vectors.FIXED_SIZE_MODEL:
        return
    alike = [near(one, other) for one, other in ALIKE]
    unlike = [near(one, other) for one, _ in ALIKE for own, other in ALIKE if own != one]
    assert min(alike) > 0.3
    assert max(map(abs, unlike)) < 0.3
    assert near("Is it in the tree?", "Is it in the bank?") < near("Is it in the tree?", "Is this a tree?")


def test_sizes(client: openai.OpenAI) -> None:
    large = client.embeddings.create(model="text-embedding-3-large", input="a tree")
    short = client.embeddings.create(model=VECTORS, input="a tree", dimensions=64)
    tokens = client.embeddings.create(model=VECTORS, input=[[1, 2], [3]])
    assert (len(large.data[0].embedding), len(short.data[0].embedding), len(tokens.data)) == (3072, 64, 2)
    assert tokens.usage.prompt_tokens == 3


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": 7}, "input"),
        ({"input": ["a"] * 2049}, "input"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": 1537}, "dimensions"),
        ({"foo": 1}, None),
        ({"encoding_format": "hex"}, "encoding_format"),
    ],
)
def test_a_bad_embeddings_request_is_refused_by_name(client: openai.OpenAI, body: Any, param: str | None) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model=VECTORS, input="Hi", extra_body=body)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"input": []}, "'$.input' is invalid. Please check the API reference"),
        ({"input": ["a", ""]}, "'$.input' is invalid. Please check the API reference"),
        (
            {"model": "text-embedding-ada-002", "dimensions": 64},
            "This model does not support specifying dimensions.",
        ),
        (
            {"input": [7] * 8610},
            "This model's maximum context length is 8192 tokens, however you requested 8610 tokens "
            "(8610 in your prompt; 0 for the completion). Please reduce your prompt; or completion length.",
        ),
    ],
)
def test_refusals_in_the_words_of_openai(client: openai.OpenAI, body: Any, message: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model=VECTORS, input="Hi", extra_body=body)
    refused_plainly(refused.value, message)


def test_too_many_tokens_together(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="Requested 320000 tokens, max 300000 tokens") as refused:
        client.embeddings.create(model=VECTORS, input=[[7] * 8000] * 40)
    assert (refused.value.type, refused.value.code) == ("max_tokens_per_request",) * 2


def test_models_that_do_something_else(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="no-such-model-1", input="Hi")
    with pytest.raises(openai.PermissionDeniedError, match="not allowed to generate embeddings"):
        client.embeddings.create(model="gpt-3.5-turbo-instruct", input="Hi")
    assert {VECTORS, "gpt-3.5-turbo-instruct"} <= {model.id for model in client.models.list()}


def test_one_empty_text_is_answered_as_openai_answers_it(client: openai.OpenAI) -> None:
    empty = client.embeddings.create(model="text-embedding-ada-002", input="")
    assert (len(empty.data[0].embedding), empty.usage.prompt_tokens) == (1536, 1)


def test_a_shorter_vector_is_the_beginning_of_the_long_one() -> None:
    long, short = vectors.make_vector(VECTORS, "a tree"), vectors.make_vector(VECTORS, "a tree", 256)
    length = sum(one * one for one in long[:256]) ** 0.5
    assert short == pytest.approx([one / length for one in long[:256]], abs=1e-6)
    assert abs(vectors.make_vector(VECTORS, "a tree", 1)[0]) == 1
    assert vectors.make_vector("text-embedding-ada-002", "a tree") != long


@pytest.mark.parametrize("packed", [False, True])
def test_answers_read_strictly(packed: bool) -> None:
    asked = {
        "model": VECTORS,
        "input": [[791, 6864], [791]],
        "encoding_format": "base64" if packed else "float",
    }
    body = embeddings_of(asked, 3)
    if packed:
        for one in body["data"]:  # the SDK decodes before its types are met
            one["embedding"] = list(struct.unpack("<1536f", base64.b64decode(one["embedding"])))
    TypeAdapter(CreateEmbeddingResponse).validate_python(body, strict=True)


def test_a_script_speaks_only_with_errors_and_raw_bytes() -> None:
    book = scripts.parse(
        [
            {"name": "words", "when": {}, "reply": {"text": "no vector"}, "times": 1},
            {
                "name": "busy",
                "when": {"model": VECTORS, "messages": {"any": {"contains": "tree"}}},
                "reply": {"error": {"status": 429, "message": "Slow down."}},
            },
        ]
    )
    settings = Settings(book=book)
    with serving(settings) as port:
        busy = ask(port, path="/v1/embeddings", body={"model": VECTORS, "input": ["a tree", "b"]})
        assert (busy.status, busy.error["code"]) == (429, "rate_limit_exceeded")
        assert ask(port, path="/v1/embeddings", body={"model": VECTORS, "input": "b"}).status == 200
        assert settings.spaces.default.state.used(book.scripts[0]) == 0
        assert [entry.status for entry in settings.spaces.default.journal.entries()] == [429, 200]


@pytest.mark.skipif(not RECORDINGS.exists(), reason="OPENAI_CONTRACT_SHARED holds no recordings of OpenAI")
def test_a_plain_answer_has_the_members_of_genuine_ones_in_their_order() -> None:
    body = embeddings_of({"model": VECTORS, "input": ["a", "b"], "encoding_format": "float"}, 2)
    assert set(shapes(body)) <= genuine("embeddings")["json"]


@pytest.mark.security("memory")
def test_as_many_vectors_as_the_api_takes_fit_alone() -> None:
    """2,048 inputs; two such replies at once do not fit, nor one beside others."""
    inputs, budget = 2048, MemoryBudget()
    listed = len(json.dumps({"object": "embedding", "index": inputs, "embedding": []}, indent=2))
    size = inputs * (len(json.dumps(vectors.make_vector(VECTORS, "a tree"))) + listed)
    assert MOST_IN_FLIGHT < size < LARGEST_ALONE
    assert budget.reserve(20_000, large=True)
    assert budget.reserve(size, large=True)
    assert not budget.reserve(size, large=True)
    budget.release(size)
    assert budget.reserve(2 * MIB, large=True)
    assert not budget.reserve(size, large=True)
    assert not budget.reserve(LARGEST_ALONE + 1, large=True)
