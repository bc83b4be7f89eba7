"""The members of a moderation request as a table.

Source: the API reference and genuine traffic; another model is a 400 (https://github.com/openai/openai-node/issues/56).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_server.api.reply import ErrorReply
from fake_server.api.validate.checks import Check, string, wrong_type, wrong_value
from fake_server.api.validate.containers import array, find_refusal, members, nullable, tagged_union

MODELS = (
    "omni-moderation-latest",
    "omni-moderation-2024-09-26",
    "text-moderation-latest",
    "text-moderation-stable",
    "text-moderation-007",
)
MOST_INPUTS = 2048
"""Inputs per request; this server's own limit."""
_URL = string(1).documented("The picture's URL, or the picture as a data URL.")
_PART = tagged_union(
    "type",
    text=members({"text": string()}).named("ModerationTextInput", "A text."),
    image_url=members({"image_url": members({"url": _URL}).named("ModerationImage")}).named(
        "ModerationImageURLInput", "A picture."
    ),
)


def _validate_input(value: Any, path: str) -> None:
    if isinstance(value, str):
        return
    if not isinstance(value, list):
        raise wrong_type(path, "one of a string or an array", value)
    item = string() if value and isinstance(value[0], str) else _PART
    array(item, least=1, most=MOST_INPUTS).validate(value, path)


_FORMS = (string(), array(string(), 1, MOST_INPUTS), array(_PART, 1, MOST_INPUTS))
REQUIRED: Mapping[str, Check] = {
    "input": Check(_validate_input, {"anyOf": _FORMS}).documented(
        "A text, several texts (one result each), or parts (one result for all)."
    )
}
MEMBERS: Mapping[str, Check] = {
    **REQUIRED,
    "model": nullable(string(1)).documented("The `text-` models accept only texts.", enum=[*MODELS, None]),
}


def validate_moderations(request: Mapping[str, Any]) -> ErrorReply | None:
    """Return the 400 for a moderation request that OpenAI would refuse, None for a valid one."""
    return find_refusal(request, REQUIRED, MEMBERS, _check_model)


def _check_model(request: Mapping[str, Any]) -> None:
    """Raise Invalid for a model that does not moderate, and for pictures sent to a text model."""
    model, inputs = request.get("model") or MODELS[0], request["input"]
    if model not in MODELS:
        raise wrong_value("model", model, MODELS)
    if model.startswith("text-") and isinstance(inputs, list):
        array(string()).validate(inputs, "input")
