"""The messages of a chat request: roles, content parts, and answers to tool calls."""

from __future__ import annotations

from itertools import islice
from typing import Any

from fake_server.api.validate.checks import Check, Invalid, anything, missing, one_of, string, wrong_type
from fake_server.api.validate.containers import array, by_type, members, nullable, tagged_union
from fake_server.api.validate.tools import CALL, LEGACY_CALL, NAME

TEXT_PART = members({"text": string()}).named("ChatCompletionRequestMessageContentPartText", "A text.")
_REFUSAL = members({"refusal": string()}).named(
    "ChatCompletionRequestMessageContentPartRefusal", "An earlier refusal by the assistant."
)
_URL = string().documented("The picture's URL, or the picture as a data URL.")
_DETAIL = nullable(one_of("auto", "low", "high", "original"))
_IMAGE = members({"image_url": members({"url": _URL}, {"detail": _DETAIL}).named("ImageUrl")}).named(
    "ChatCompletionRequestMessageContentPartImage", "A picture."
)
_INPUT_AUDIO = members({"data": string().documented("Base64."), "format": one_of("wav", "mp3")}).named("InputAudio")
_AUDIO = members({"input_audio": _INPUT_AUDIO}).named("ChatCompletionRequestMessageContentPartAudio", "Audio.")
_INPUT_FILE = members(optional=dict.fromkeys(("file_data", "file_id", "filename"), nullable(string())))
_FILE = members({"file": _INPUT_FILE.named("InputFile")}).named(
    "ChatCompletionRequestMessageContentPartFile", "A file."
)


def _content(**parts: Check) -> Check:
    return by_type(
        "one of a string or array of objects",
        string=anything,
        array=array(tagged_union("type", **parts), least=1),
    )


_TEXTS = _content(text=TEXT_PART)
_USER = _content(text=TEXT_PART, image_url=_IMAGE, input_audio=_AUDIO, file=_FILE)
_ASSISTANT = _content(text=TEXT_PART, refusal=_REFUSAL)
_SPEAKER = {"name": string()}

_MESSAGE = tagged_union(
    "role",
    system=members({"content": _TEXTS}, _SPEAKER).named(
        "ChatCompletionRequestSystemMessage", "Instructions of the application."
    ),
    assistant=members(
        {},
        {
            "content": nullable(_ASSISTANT),
            "refusal": nullable(string()),
            **_SPEAKER,
            "audio": nullable(members({"id": string()}).named("AudioSaid")),
            "tool_calls": nullable(array(CALL, least=1, expected="an array of objects")),
            "function_call": nullable(LEGACY_CALL).documented(deprecated=True),
        },
    ).named(
        "ChatCompletionRequestAssistantMessage",
        "An earlier answer; without content it has tool calls or a refusal.",
    ),
    user=members({"content": _USER}, _SPEAKER).named("ChatCompletionRequestUserMessage", "Input of the user."),
    function=members({"name": NAME, "content": nullable(string())}).named(
        "ChatCompletionRequestFunctionMessage", "The result of a function, in the legacy form."
    ),
    tool=members(
        {"content": _TEXTS, "tool_call_id": string().documented("The id of the call that this answers.")}
    ).named("ChatCompletionRequestToolMessage", "The result of a tool call."),
    developer=members({"content": _TEXTS}, _SPEAKER).named(
        "ChatCompletionRequestDeveloperMessage",
        "Instructions of the application; newer models use it instead of `system`.",
    ),
)
_INSTEAD_OF_CONTENT = ("tool_calls", "function_call", "refusal", "audio")


def _validate_message(value: Any, path: str) -> None:
    _MESSAGE.validate(value, path)
    if value["role"] == "assistant" and value.get("content") is None:
        if any(value.get(name) for name in _INSTEAD_OF_CONTENT):
            return
        if "content" not in value:
            raise missing(f"{path}.content")
        raise wrong_type(f"{path}.content", "one of a string or array of objects", None)


MESSAGES = array(Check(_validate_message, _MESSAGE.schema), least=1, expected="an array of objects")


def check_tool_answers(messages: list[dict[str, Any]]) -> None:
    """Raise Invalid unless tool messages follow and answer every tool call, and each answers one."""
    waiting: dict[str, None] = {}
    known: frozenset[str] = frozenset()
    for index, message in enumerate([*messages, {"role": None}]):
        if message["role"] == "tool":
            if not known:
                wording = (
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    "preceding message with 'tool_calls'."
                )
                raise Invalid(wording, f"messages.[{index}].role")
            if message["tool_call_id"] not in known:
                wording = (
                    f"Invalid parameter: 'tool_call_id' of '{message['tool_call_id'][:64]}' "
                    "not found in 'tool_calls' of previous message."
                )
                raise Invalid(wording, f"messages.[{index}].tool_call_id")
            waiting.pop(message["tool_call_id"], None)
            continue
        if waiting:
            wording = (
                "An assistant message with 'tool_calls' must be followed by tool messages responding to "
                "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
                f"{', '.join(call_id[:64] for call_id in islice(waiting, 10))}"
            )
            raise Invalid(wording, f"messages.[{index}].role")
        calls = message.get("tool_calls")
        waiting = dict.fromkeys(call["id"] for call in calls) if calls else {}
        known = frozenset(waiting)
