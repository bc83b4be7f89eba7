"""The messages of a chat request: roles, their content forms, and answers to tool calls."""

from __future__ import annotations

from typing import Any

from fake_server.api.validate.checks import (
    Check,
    Invalid,
    anything,
    array,
    by_kind,
    members,
    missing,
    nullable,
    string,
    tagged,
    word,
    wrong_type,
)
from fake_server.api.validate.tools import CALL, LEGACY_CALL, NAME

_TEXT = members({"text": string()})
_REFUSAL = members({"refusal": string()})
_IMAGE = members(
    {"image_url": members({"url": string()}, {"detail": nullable(word("auto", "low", "high", "original"))})}
)
_AUDIO = members({"input_audio": members({"data": string(), "format": word("wav", "mp3")})})
_FILE = members(
    {"file": members(optional=dict.fromkeys(("file_data", "file_id", "filename"), nullable(string())))}
)


def _content(**parts: Check) -> Check:
    return by_kind(
        "one of a string or array of objects",
        string=anything,
        array=array(tagged("type", parts), least=1),
    )


_TEXTS = _content(text=_TEXT)
_USER = _content(text=_TEXT, image_url=_IMAGE, input_audio=_AUDIO, file=_FILE)
_ASSISTANT = _content(text=_TEXT, refusal=_REFUSAL)
_SPEAKER = {"name": string()}

_ROLES: dict[str, Check] = {
    "system": members({"content": _TEXTS}, _SPEAKER),
    "assistant": members(
        {},
        {
            "content": nullable(_ASSISTANT),
            "tool_calls": nullable(array(CALL, least=1, expected="an array of objects")),
            "function_call": nullable(LEGACY_CALL),
            "refusal": nullable(string()),
            "audio": nullable(members({"id": string()})),
            **_SPEAKER,
        },
    ),
    "user": members({"content": _USER}, _SPEAKER),
    "function": members({"name": NAME, "content": nullable(string())}),
    "tool": members({"content": _TEXTS, "tool_call_id": string()}),
    "developer": members({"content": _TEXTS}, _SPEAKER),
}
_MESSAGE = tagged("role", _ROLES)
_INSTEAD = ("tool_calls", "function_call", "refusal", "audio")


def _message(value: Any, path: str) -> None:
    _MESSAGE(value, path)
    if value["role"] == "assistant" and value.get("content") is None:
        if any(value.get(name) for name in _INSTEAD):
            return
        if "content" not in value:
            raise missing(f"{path}.content")
        raise wrong_type(f"{path}.content", "one of a string or array of objects", None)


MESSAGES = array(_message, least=1, expected="an array of objects")


def answered(messages: list[dict[str, Any]]) -> None:
    """Every tool call is answered at once, and every tool message answers one. Raises Invalid."""
    waiting: list[str] = []
    known: frozenset[str] = frozenset()
    for index, message in enumerate([*messages, {"role": None}]):
        if message["role"] == "tool":
            if not known:
                wording = (
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    "preceding message with 'tool_calls'."
                )
                raise Invalid(wording, f"messages.[{index}].role", None)
            if message["tool_call_id"] not in known:
                wording = (
                    f"Invalid parameter: 'tool_call_id' of '{message['tool_call_id'][:64]}' "
                    "not found in 'tool_calls' of previous message."
                )
                raise Invalid(wording, f"messages.[{index}].tool_call_id", None)
            waiting = [one for one in waiting if one != message["tool_call_id"]]
            continue
        if waiting:
            wording = (
                "An assistant message with 'tool_calls' must be followed by tool messages responding to "
                "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
                f"{', '.join(one[:64] for one in waiting[:10])}"
            )
            raise Invalid(wording, f"messages.[{index}].role", None)
        waiting = [call["id"] for call in message.get("tool_calls") or []]
        known = frozenset(waiting)
