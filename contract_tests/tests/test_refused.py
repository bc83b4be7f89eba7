"""What a refusal is about: a parameter is unsupported only where the refusal refuses it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract_tests.rules.engine.lacks import lacks_context, lacks_pictures
from contract_tests.rules.engine.refused import describe_refusal, refusal_text, refuses
from contract_tests.rules.engine.view import View
from contract_tests.target.refusals import is_about_model
from fake_server.wire.exchange import Exchange, Request, Write


def refusal(body: Any, status: int = 400) -> View:
    text = body if isinstance(body, str) else json.dumps(body)
    return View(Exchange(Request("POST", "/v1/chat/completions"), status, writes=(Write(text.encode()),)))


def error(message: str, param: str | None = None, code: str | None = None) -> View:
    return refusal({"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}})


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("tools", "Unsupported parameter: 'tools' is not supported with this model."),
        ("tools", "Unrecognized request argument supplied: tools"),
        ("functions", "Unrecognized request arguments supplied: tools, functions"),
        ("n", "Unknown parameter: 'n'."),
        ("n", "Invalid value for 'n': expected 1."),
        ("n", "'n' : number must be at most 1"),
        ("n", "n must be 1"),
        ("logprobs", "property 'logprobs' is unsupported"),
        ("logprobs", "`logprobs` is not supported with this model"),
        ("logprobs", "litellm.UnsupportedParamsError: x does not support parameters: ['n', 'logprobs'], for model=y."),
        ("logprobs", 'Invalid JSON payload received. Unknown name "logprobs": Cannot find field.'),
        ("tools", "registry.ollama.ai/library/x does not support tools"),
        ("tools", "tools param requires --jinja flag"),
        ("echo", "Unsupported param: echo"),
        ("seed", 'json: unknown field "seed"'),
        ("seed", "unknown field `seed`, expected one of `model`, `n`"),
        ("seed", "Unsupported parameter seed"),
        ("developer", "Unsupported value: 'messages[0].role' does not support 'developer' with this model."),
        ("role", "Unsupported value: 'messages[0].role' does not support 'developer' with this model."),
        ("developer", "Invalid value: 'developer'. Supported values are: 'system', 'user' and 'tool'."),
        ("developer", "unknown variant `developer`, expected one of `system`, `user`"),
        ("json_schema", "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."),
        ("response_format", "The field response_format doesn't work here: 'response_format' can't be used with x."),
        ("content", "'messages.0.content' : value must be a string"),
        ("n", "Error code: 400 - {'error': {'message': 'no', 'type': 'x', 'param': 'n', 'code': None}}"),
        ("n", "[{'type': 'extra_forbidden', 'loc': ('body', 'n'), 'msg': 'Extra inputs are not permitted'}]"),
        ("tool_choice", "tool_choice is not supported"),
        ("n", "n > 1 is not supported"),
        ("n", "Multiple choices (n=2) not implemented"),
        ("n", "Invalid 'n': integer above maximum value. Expected a value <= 1, but got 2 instead."),
    ],
)
def test_a_parameter_that_is_refused(parameter: str, message: str) -> None:
    assert refuses(error(message), parameter)
    assert refuses(refusal(message), parameter)
    assert refuses(refusal({"detail": message}, 422), parameter)


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("name", "Invalid model name passed in model=x"),
        ("name", "The model name is not known"),
        ("name", 'Unknown name "seed": Cannot find field.'),
        ("user", "The user has no access. Ask the owner of the key."),
        ("tool", "Invalid value: 'developer'. Supported values are: 'system', 'user' and 'tool'."),
        ("n", "unknown field `seed`, expected one of `model`, `n`"),
        ("max_completion_tokens", "'max_tokens' is not supported. Use 'max_completion_tokens' instead."),
        ("logprobs", "create() got an unexpected keyword argument 'logprobs'"),
        ("logprobs", "KeyError: 'logprobs'"),
        ("logprobs", "Invalid type for 'logprobs': expected a boolean, but got an integer instead."),
        ("stop", "The server had to stop."),
        ("stop", "Stop: this is not supported."),
        ("content", "Your content was not accepted by the filter"),
        ("text", "I cannot read the text"),
        ("dimensions", "Internal error in dimensions.py"),
        ("n", ""),
        ("n", "[" * 3000 + "'n' " * 5000),
    ],
)
def test_a_parameter_whose_name_only_occurs(parameter: str, message: str) -> None:
    assert not refuses(error(message), parameter)
    assert not refuses(refusal(message), parameter)


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("tools", "When using `tool_choice`, `tools` must be set."),
        ("tools", "'tools' must not be empty"),
        ("tools", "Missing required parameter: 'tools'."),
        ("tools", "'tools' is required with 'tool_choice'"),
        ("top_logprobs", "top_logprobs requires logprobs"),
        ("stream_options", "'stream_options' requires 'stream'"),
        ("tool_choice", "tool_choice needs tools"),
        ("logprobs", "`logprobs` must be specified when `top_logprobs` is"),
    ],
)
@pytest.mark.parametrize("structured", [False, True])
def test_a_companion_that_was_lost_on_the_way_is_no_lack(parameter: str, message: str, structured: bool) -> None:
    """The request had both: that one of them is missing, is the target's own fault."""
    body = dict.fromkeys(("tools", "tool_choice", "logprobs", "top_logprobs", "stream", "stream_options"), 1)
    reply = {"error": {"message": message, "type": "x", "param": parameter if structured else None, "code": None}}
    asked = Request("POST", "/v1/chat/completions", body=json.dumps(body).encode())
    assert not refuses(View(Exchange(asked, 400, writes=(Write(json.dumps(reply).encode()),))), parameter)


def test_param_decides() -> None:
    assert refuses(error("no", param="n"), "n")
    assert refuses(error("no", param="messages[0].role"), "role")
    assert refuses(error("no", param="tools[0].function.strict"), "strict")
    assert not refuses(error("no", param="model"), "n")


def test_an_error_of_another_form_says_what_it_refuses() -> None:
    fastapi = refusal(
        {"detail": [{"loc": ["body", "tool_choice"], "msg": "Input should be 'auto'", "type": "enum"}]}, 422
    )
    assert refuses(fastapi, "tool_choice")
    assert not refuses(fastapi, "tools")
    assert describe_refusal(fastapi) == "tool_choice is refused: Input should be 'auto'"
    mistral = {
        "type": "extra_forbidden",
        "loc": ["body", "messages", 0, "name"],
        "msg": "Extra inputs are not permitted",
    }
    view = refusal({"object": "error", "message": {"detail": [mistral]}}, 422)
    assert refuses(view, "name")
    assert describe_refusal(view) == "messages.0.name is refused: Extra inputs are not permitted"
    lacking = refusal({"detail": [{"loc": ["body", "messages"], "msg": "Field required"}]}, 422)
    assert describe_refusal(lacking) == "messages: Field required"
    assert describe_refusal(error("n must be 1", "n")) == "n must be 1"
    assert describe_refusal(refusal("<html>\n502</html>", 502)) == "502"  # a page by its words


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 4097 tokens. However, you requested 5000 tokens.",
        "the request exceeds the available context size. try increasing the context size",
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
        "The total length of all messages is too long.",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "The input (300 tokens) is longer than the model's context length (256 tokens).",
        "input length and `max_tokens` exceed context limit: 199 + 4096 > 2048",
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 3000 `inputs` tokens",
        "The decoder prompt (length 4500) is longer than the maximum model length of 4096.",
        "Input is too long for requested model.",
        "This model's maximum prompt length is 4096 but the request contains 5000 tokens.",
        "Prompt exceeds max length of 512",
        "Input tokens exceed the configured limit of 272000 tokens.",
        "prompt token count of 5000 exceeds the limit of 4096",
        "Request body too large for gpt-4o model. Max size: 8000 tokens.",
    ],
)
def test_a_context_that_is_too_short(message: str) -> None:
    assert lacks_context(error(message))
    assert lacks_context(refusal(message, 500))
    assert lacks_context(error("Please reduce the length of the messages.", code="context_length_exceeded"))
    assert not lacks_context(refusal({"choices": [{"message": {"content": message}}]}, 200))
    assert not lacks_context(error("messages is too long a word"))


@pytest.mark.parametrize(
    "message",
    [
        "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 40000.",
        "Rate limit: the number of tokens exceeds 10000 per day",
    ],
)
def test_too_much_at_a_time_is_no_short_context(message: str) -> None:
    assert not lacks_context(error(message))


@pytest.mark.parametrize(
    "message",
    [
        "tiny-llama is not a multimodal model",
        "At most 0 image(s) may be provided in one request.",
        "Unknown part type: image_url",
        "Invalid content type. image_url is only supported by certain models.",
        "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
        "this model is missing data required for image input",
        "messages[0]: unknown variant `image_url`, expected `text`",
        "Image input is not enabled for this model",
        "Model does not support images. Please use a model that does.",
        "No endpoints found that support image input",
        "This model doesn't support image inputs",
        "The model x doesn't have vision capabilities",
        "The requested model cannot process images",
        "This model only accepts text input",
        "Only text content is allowed",
        "vision is disabled for this deployment",
        "content type image_url not supported",
        "No multimodal projector loaded",
        "Invalid value: 'image_url'. Supported values are: 'text'.",
    ],
)
def test_pictures_that_are_not_read(message: str) -> None:
    assert lacks_pictures(error(message))
    assert lacks_pictures(refusal({"detail": message}, 404))


@pytest.mark.parametrize(
    "message",
    [
        "You uploaded an unsupported image. Please make sure your image has one of the following formats: ['png'].",
        "Error while downloading https://example.com/test-image.jpg.",
        "Invalid image data.",
        "Invalid 'messages[3]'. Content blocks are expected to be either text or image_url type.",
    ],
)
def test_a_picture_that_is_refused_is_no_lack(message: str) -> None:
    assert not lacks_pictures(error(message))


def test_a_long_refusal_is_cut_at_a_word() -> None:
    words = "the model does not support this, " * 20
    text = refusal_text(error(words))
    assert text.endswith((" …",))
    assert len(text) <= 160
    assert words.startswith(text.removesuffix(" …"))
    assert words[len(text) - 2 :][:1] in " ,"
    assert refusal_text(error("short\nenough")) == "short enough"
    assert refusal_text(error("a" * 500)) == "a" * 159 + "…"


@pytest.mark.parametrize(
    "message",
    [
        "The model `no-such` does not exist or you do not have access to it.",
        "The model gpt-3.5-turbo does not exist",
        "Invalid model name passed in model=nope.",
        "model 'x' not found, try pulling it first",
        "Unknown model: x",
        "This is a chat model and not supported in the v1/completions endpoint.",
        "The model does not support Embeddings API",
        "You are not allowed to generate embeddings from this model",
        "Model nonexistent is not supported. Supported models are ['a', 'b']",
        "This server doesn't serve such models",
    ],
)
def test_a_refusal_about_the_model(message: str) -> None:
    assert is_about_model(error(message))
    assert is_about_model(refusal({"detail": message}, 404))


@pytest.mark.parametrize(
    "message",
    [
        "Invalid type for 'logprobs': expected a boolean, but got an integer instead. LiteLLM: model group 'm' failed.",
        "Asked of model gpt-4.1: something went wrong.",
        "echo is refused; the model is fine",
    ],
)
def test_a_refusal_in_which_a_model_occurs(message: str) -> None:
    assert not is_about_model(error(message))
    assert not is_about_model(error("no model of this", param="logprobs"))
