"""What OpenAI's own models refuse is refused in its words, and no other model is asked for it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from fake_server import FakeServer
from fake_server.api.validate.chat import validate_chat

USER = {"role": "user", "content": "hi"}


def refusal(model: str, **members: Any) -> tuple[str, str | None, str | None] | None:
    reply = validate_chat({"model": model, "messages": [USER], **members})
    return None if reply is None else (reply.message, reply.param, reply.code)


def image(url: str) -> dict[str, Any]:
    return {"messages": [USER, {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]}


def data(head: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(head + bytes(20)).decode()}"


THINKING = ("o1", "o3-mini", "o4-mini", "gpt-5", "gpt-5-nano-2025-08-07", "gpt-5.4")
OTHERS = ("gpt-4o", "gpt-5-chat-latest", "openai/gpt-5", "ollama-o1", "my-o3", "llama")


@pytest.mark.parametrize("model", THINKING)
def test_a_model_that_thinks_counts_completion_tokens(model: str) -> None:
    message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
    assert refusal(model, max_tokens=5) == (f"{message}instead.", "max_tokens", "unsupported_parameter")
    assert refusal(model, max_completion_tokens=5) is refusal(model, max_tokens=None) is None


@pytest.mark.parametrize("model", OTHERS)
def test_other_models_take_it(model: str) -> None:
    assert refusal(model, max_tokens=5, temperature=0.5) is None


def test_some_have_one_temperature() -> None:
    message = "Unsupported value: 'temperature' does not support 0.16 with this model. "
    message += "Only the default (1) value is supported."
    assert refusal("gpt-5-mini", temperature=0.16) == (message, "temperature", "unsupported_value")
    assert refusal("gpt-5-mini", temperature=1) is refusal("gpt-5-mini", temperature=1.0) is None
    assert refusal("gpt-5.2", temperature=0.16) is None


def test_the_first_of_them_take_no_instructions_and_no_stop() -> None:
    for role in ("system", "developer"):
        wording = f"Unsupported value: 'messages[1].role' does not support '{role}' with this model."
        refused = refusal("o1-mini", messages=[USER, {"role": role, "content": "x"}])
        assert refused == (wording, "messages[1].role", "unsupported_value")
        assert refusal("o3-mini", messages=[{"role": role, "content": "x"}]) is None
    assert refusal("o1-preview", stop="a") is not None
    assert refusal("o3-mini", stop="a") is None


def test_web_search_is_for_its_models() -> None:
    assert refusal("gpt-4o", web_search_options={}) is not None
    assert refusal("gpt-4o-search-preview", web_search_options={}) is refusal("mine", web_search_options={}) is None


def test_images() -> None:
    certain = "Invalid content type. image_url is only supported by certain models."
    for model in ("gpt-4", "gpt-4-0613", "o3-mini"):
        assert refusal(model, **image("https://x/y.png")) == (certain, "messages.[1].content.[0].type", None)
    for head in (b"\x89PNG\r\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF"):
        assert refusal("gpt-4o", **image(data(head))) is None
    refused = refusal("gpt-4o", **image(data(b"BM")))
    assert refused is not None
    assert refused[1:] == (None, "invalid_image_format")
    assert refusal("gpt-4o", **image("https://x/y.png")) is refusal("gpt-4-turbo", **image(data(b"GIF8"))) is None
    assert refusal("gpt-4o", **image("data:image/png;base64,")) is refusal("o1", **image("data:,x")) is None


def test_the_context_has_an_end() -> None:
    long = [{"role": "user", "content": "hello " * 9000}]
    assert refusal("gpt-4", messages=long) == (
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9007 tokens. "
        "Please reduce the length of the messages.",
        "messages",
        "context_length_exceeded",
    )
    parts = [{"role": "user", "content": [{"type": "text", "text": "hello " * 9000}]}]
    assert refusal("gpt-4", messages=parts) is not None
    assert refusal("gpt-4o", messages=long) is refusal("mine", messages=long) is None
    assert refusal("gpt-4", messages=[{"role": "user", "content": "x" * 9000}]) is None


def test_a_completion_has_an_end() -> None:
    message = "max_tokens is too large: 20000. This model supports at most 16384 completion tokens, "
    message += "whereas you provided 20000."
    assert refusal("gpt-4o-mini", max_tokens=20000) == (message, "max_tokens", "invalid_value")
    assert refusal("gpt-4o-mini", max_completion_tokens=20000) is not None
    assert refusal("gpt-4o-mini", max_tokens=16384) is refusal("mine", max_tokens=20000) is None


def test_the_word_json() -> None:
    json_object = {"response_format": {"type": "json_object"}}
    message = "'messages' must contain the word 'json' in some form, "
    message += "to use 'response_format' of type 'json_object'."
    assert refusal("gpt-4o", **json_object) == (message, "messages", None)
    for content in ("Say it in JSON", [{"type": "text", "text": "as Json"}]):
        assert refusal("gpt-4o", messages=[{"role": "user", "content": content}], **json_object) is None


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    with (
        FakeServer([], seed=1) as server,
        openai.OpenAI(base_url=server.base_url, api_key="any", max_retries=0) as client,
    ):
        yield client


def test_a_model_of_another_endpoint(client: openai.OpenAI) -> None:
    def chat(model: str) -> object:
        return client.chat.completions.create(model=model, messages=[{"role": "user", "content": "x"}])

    with pytest.raises(openai.NotFoundError, match="not a chat model") as caught:
        chat("gpt-3.5-turbo-instruct")
    assert (caught.value.param, caught.value.code) == ("model", None)
    with pytest.raises(openai.PermissionDeniedError, match="sample"):
        chat("text-embedding-3-small")
    with pytest.raises(openai.NotFoundError, match="v1/chat/completions"):
        client.completions.create(model="gpt-4o", prompt="x")
    with pytest.raises(openai.PermissionDeniedError, match="embeddings"):
        client.embeddings.create(model="gpt-4o", input="x")
    assert client.completions.create(model="mine", prompt="x").choices
    assert client.embeddings.create(model="mine", input="x").data
