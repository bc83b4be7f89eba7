# mypy: ignore-errors
"""LangChain's standard suites for the chat class of langchain-openai, over both APIs, and for its embeddings.

This file runs in an environment of its own, where langchain-tests is. The properties are those that
langchain-openai's own classes for these suites set (libs/partners/openai/tests/integration_tests of
github.com/langchain-ai/langchain), except that cassettes are not recorded.
"""

from __future__ import annotations

from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langchain_tests.integration_tests import ChatModelIntegrationTests, EmbeddingsIntegrationTests

LONG = "The tree stands in the field, and the field lies by the sea. " * 400


class TestChat(ChatModelIntegrationTests):
    chat_model_class = ChatOpenAI
    chat_model_params = {"model": "gpt-4o-mini"}  # noqa: RUF012
    supports_image_inputs = True
    supports_image_urls = True
    supports_json_mode = True
    supports_anthropic_inputs = True
    supports_pdf_inputs = True
    model_override_value = "gpt-4.1-mini"
    supported_usage_metadata_details = {  # noqa: RUF012
        "invoke": ["reasoning_output", "cache_read_input"],
        "stream": [],
    }

    def invoke_with_cache_read_input(self, *, stream=False):
        model = ChatOpenAI(model="gpt-4o-mini", stream_usage=True)
        ask(model, LONG, stream)
        return ask(model, LONG, stream)

    def invoke_with_reasoning_output(self, *, stream=False):
        model = ChatOpenAI(model="gpt-5-nano", reasoning_effort="medium")
        return ask(model, "Why did the economy fall in 2008, and what did founders do then?", stream)


class TestResponses(TestChat):
    chat_model_params = {"model": "gpt-4o-mini", "use_responses_api": True}  # noqa: RUF012
    supports_image_tool_message = True
    supports_pdf_tool_message = True

    def invoke_with_cache_read_input(self, *, stream=False):
        model = ChatOpenAI(model="gpt-4.1-mini", use_responses_api=True)
        ask(model, LONG, stream)
        return ask(model, LONG, stream)

    def invoke_with_reasoning_output(self, *, stream=False):
        reasoning = {"effort": "medium", "summary": "auto"}
        model = ChatOpenAI(model="o4-mini", reasoning=reasoning, use_responses_api=True)
        return ask(model, "Why did the economy fall in 2008, and what did founders do then?", stream)


class TestEmbeddings(EmbeddingsIntegrationTests):
    embeddings_class = OpenAIEmbeddings
    embedding_model_params = {"model": "text-embedding-3-small", "dimensions": 128}  # noqa: RUF012


def ask(model, text, stream):
    """The whole message, put together where it streams."""
    if not stream:
        return model.invoke(text)
    whole = None
    for chunk in model.stream(text):
        whole = chunk if whole is None else whole + chunk
    return whole
