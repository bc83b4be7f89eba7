"""Failures that call themselves a success: the forms in which servers report one in place of an answer."""

from __future__ import annotations

from typing import Any

from contract_tests.rules.engine.node import Node

_MESSAGES = ("message", "msg", "errmsg", "error_msg", "error_message", "reason")
_CODES = ("code", "status", "errno", "errcode", "error_code", "statusCode", "status_code")
_FINE: tuple[object, ...] = (0, 200, "0", "200", "success", "ok", None)


def is_flat_error(node: Node) -> bool:
    """Whether an object of a stream reports an error in another form than OpenAI's, as vLLM and FastAPI do."""
    if "choices" in node.value or "error" in node.value:
        return False
    return bool(node["message"].text) or is_failure(node.value)


def is_failure(value: Any) -> bool:
    """Whether a JSON value is an object that reports a failure in one of the usual forms, and holds no choices.

    OpenAI's `error`, FastAPI's `detail`, vLLM's `object`, `fault` and `success` of gateways, a message with its code.
    """
    if not isinstance(value, dict) or value.get("choices"):
        return False
    if value.get("object") == "error" or value.get("success") is False:
        return True
    if any(value.get(name) for name in ("error", "errors", "detail", "fault")):
        return True
    speaks = any(isinstance(value.get(name), str) for name in _MESSAGES)
    return speaks and any(value.get(name, 0) not in _FINE for name in _CODES)
