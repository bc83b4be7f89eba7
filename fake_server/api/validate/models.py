"""What OpenAI's models do not support, by model name; models of any other name support everything.

The errors of o1-mini, web search, images and audio are recorded; the wording of the others is reported by
users: https://github.com/ITSpecialist111/ai_automation_suggester/issues/38 (`max_tokens`),
https://github.com/decolua/9router/issues/560 (`temperature`),
https://github.com/chathub-dev/chathub/issues/126 (the context).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from fake_server.api import tokens
from fake_server.api.validate.checks import Invalid, echo

UNKNOWN_PREFIX = "no-such-model"
"""Models with such a name are on no server: the way to ask for a 404."""
_DATED = r"(?:-\d{4}-?\d{2}-?\d{2}|-\d{4})?$"
_REASONING = re.compile(r"(?:o1|o3|o4-mini|gpt-5)(?!.*(?:chat|search))")
_FIXED_TEMPERATURE = re.compile(rf"(?:o1|o3|o4-mini|gpt-5|gpt-5-mini|gpt-5-nano){_DATED}")
"""Models whose temperature is fixed; later models allow others when reasoning is off."""
_FIRST_REASONING = re.compile(r"o1-(?:mini|preview)")
_WITHOUT_VISION = re.compile(r"gpt-4(?:-0613|-0314|-32k.*)?$|o1-mini|o3-mini")
"""Models without image input; not gpt-3.5-turbo, because the contract suite asks it everything."""
_CHAT_MODELS = re.compile(r"gpt-3\.5-turbo(?!-instruct)|gpt-4|gpt-5|chatgpt-|o1|o3|o4-mini")
_SIZES = (
    (re.compile(rf"gpt-4o(?:-mini)?{_DATED}"), 128_000, 16_384),
    (re.compile(rf"gpt-4\.1(?:-mini|-nano)?{_DATED}"), 1_047_576, 32_768),
    (re.compile(rf"gpt-4-turbo(?:-preview)?{_DATED}"), 128_000, 4_096),
    (re.compile(r"gpt-4(?:-0613)?$"), 8_192, None),
    (re.compile(r"gpt-3\.5-turbo(?:-0125|-1106)?$"), 16_385, 4_096),
)
"""Context size and maximum completion tokens by model name; None: up to the context size."""
_LONGEST_NAME = 100
"""Characters of a name that are looked at: all of these names are shorter."""
_IMAGE_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF")
_DATA_URL = re.compile(r"data:[^,]{0,100};base64,([A-Za-z0-9+/]{8})")


def is_served(model: str, served: Sequence[str] | None) -> bool:
    """Whether a server that has these models has this one; None: it has any, but for UNKNOWN_PREFIX."""
    if not model.strip() or model.startswith(UNKNOWN_PREFIX):
        return False
    return served is None or model in served


def is_chat_model(model: str) -> bool:
    """Whether it is one of OpenAI's chat-only models."""
    return bool(_CHAT_MODELS.match(model))


def check_model(request: Mapping[str, Any]) -> None:
    """Raise Invalid for anything the request's model does not support."""
    model = request["model"]
    if _REASONING.match(model):
        _check_reasoning_model(request, model)
    if request.get("web_search_options") is not None and re.match(r"gpt-(?:3\.5|4)(?!.*search)", model):
        raise Invalid("Web search options not supported with this model.", "web_search_options")
    for index, message in enumerate(request["messages"]):
        content = message.get("content")
        for number, part in enumerate(content if isinstance(content, list) else ()):
            if part["type"] == "image_url":
                place = f"messages.[{index}].content.[{number}].type"
                _check_image(place, part["image_url"]["url"], bool(_WITHOUT_VISION.match(model)))
            if part["type"] == "input_audio" and model.startswith("gpt-5"):
                place, expected = f"messages[{index}]", "either text or image_url type"
                wording = f"Invalid '{place}'. Content blocks are expected to be {expected}."
                raise Invalid(wording, place, "invalid_value")
    if (sizes := _sizes_of(model[:_LONGEST_NAME])) is not None:
        _check_size(request, *sizes)


def check_model_of_response(request: Mapping[str, Any], chat: Mapping[str, Any]) -> None:
    """Raise Invalid for anything in a request for a response that its model does not support.

    `chat` is the chat request that stands for it. A long input is no fault where it may be truncated.
    """
    model = chat["model"]
    temperature = request.get("temperature")
    if temperature not in (None, 1) and _FIXED_TEMPERATURE.match(model):
        raise _unsupported("parameter", "temperature", "is not supported")
    effort = (request.get("reasoning") or {}).get("effort")
    if effort not in (None, "none") and is_chat_model(model) and not _REASONING.match(model):
        raise _unsupported("parameter", "reasoning.effort", "is not supported")
    if request.get("truncation") == "auto":
        return
    if (sizes := _sizes_of(model[:_LONGEST_NAME])) is not None and _is_too_long(chat, sizes[0]):
        message = "Your input exceeds the context window of this model. Please adjust your input and try again."
        raise Invalid(message, "input", "context_length_exceeded")


@lru_cache(1000)
def _sizes_of(model: str) -> tuple[int, int | None] | None:
    """The model's context size and maximum of completion tokens, None where they are unknown."""
    return next(((context, limit) for name, context, limit in _SIZES if name.match(model)), None)


def _check_reasoning_model(request: Mapping[str, Any], model: str) -> None:
    if request.get("max_tokens") is not None:
        raise _unsupported("parameter", "max_tokens", "is not supported", " Use 'max_completion_tokens' instead.")
    temperature = request.get("temperature")
    if temperature not in (None, 1) and _FIXED_TEMPERATURE.match(model):
        only = " Only the default (1) value is supported."
        raise _unsupported("value", "temperature", f"does not support {echo(temperature)}", only)
    if not _FIRST_REASONING.match(model):
        return
    if request.get("stop") is not None:
        raise _unsupported("parameter", "stop", "is not supported")
    for index, message in enumerate(request["messages"]):
        if message["role"] in ("system", "developer"):
            raise _unsupported("value", f"messages[{index}].role", f"does not support '{message['role']}'")


def _unsupported(kind: str, param: str, why: str, hint: str = "") -> Invalid:
    """The error for a `kind` (parameter or value) that the model does not support."""
    return Invalid(f"Unsupported {kind}: '{param}' {why} with this model.{hint}", param, f"unsupported_{kind}")


def _check_image(place: str, url: str, blind: bool) -> None:
    if blind:
        raise Invalid("Invalid content type. image_url is only supported by certain models.", place)
    data = _DATA_URL.match(url)
    if data and not binascii.a2b_base64(data[1]).startswith(_IMAGE_SIGNATURES):
        message = (
            "You uploaded an unsupported image. Please make sure your image has of one the following "
            "formats: ['png', 'jpeg', 'gif', 'webp']."
        )
        raise Invalid(message, None, "invalid_image_format")


def _check_size(request: Mapping[str, Any], context: int, limit: int | None) -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        max_tokens = request.get(name)
        if limit is not None and max_tokens is not None and max_tokens > limit:
            message = (
                f"{name} is too large: {max_tokens}. This model supports at most {limit} completion tokens, "
                f"whereas you provided {max_tokens}."
            )
            raise Invalid(message, name, "invalid_value")
    if sum(map(_count_characters, request["messages"])) <= context:
        return  # a token is a character at least
    count = tokens.count_messages(request)
    if count > context:
        message = (
            f"This model's maximum context length is {context} tokens. However, your messages resulted in "
            f"{count} tokens. Please reduce the length of the messages."
        )
        raise Invalid(message, "messages", "context_length_exceeded")


def _is_too_long(request: Mapping[str, Any], context: int) -> bool:
    """Whether the messages have more tokens than the context takes; a token is a character at least."""
    long = sum(map(_count_characters, request["messages"])) > context
    return long and tokens.count_messages(request) > context


def _count_characters(message: Mapping[str, Any]) -> int:
    content = message.get("content") or ""
    if isinstance(content, str):
        return len(content)
    return sum(len(part["text"]) for part in content if part["type"] == "text")
