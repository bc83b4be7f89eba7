"""Validation of the requests of conversations and their items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_server.api.reply import ErrorReply
from fake_server.api.validate.chat import METADATA
from fake_server.api.validate.checks import Check, Invalid, echo
from fake_server.api.validate.containers import array, find_refusal, nullable
from fake_server.api.validate.response_input import ITEM

MOST_ITEMS = 20
"""Items that one request adds at most."""
ITEMS = array(ITEM, most=MOST_ITEMS)
CREATE: Mapping[str, Check] = {"items": nullable(ITEMS), "metadata": nullable(METADATA)}
"""The members of a request that makes a conversation; none is required."""
UPDATE: Mapping[str, Check] = {"metadata": METADATA}
ADD: Mapping[str, Check] = {"items": ITEMS}
"""The members of requests that update a conversation, and that add items to it; they are required."""


def validate_create(request: Mapping[str, Any]) -> ErrorReply | None:
    """Return the 400 for a request that makes a conversation, None for a valid one."""
    return find_refusal(request, (), CREATE, unknown=_unknown)


def validate_update(request: Mapping[str, Any]) -> ErrorReply | None:
    """Return the 400 for a request that updates a conversation, None for a valid one."""
    return find_refusal(request, UPDATE, UPDATE, unknown=_unknown)


def validate_add(request: Mapping[str, Any]) -> ErrorReply | None:
    """Return the 400 for a request that adds items to a conversation, None for a valid one."""
    return find_refusal(request, ADD, ADD, unknown=_unknown)


def _unknown(request: Mapping[str, Any], name: str) -> Invalid:
    return Invalid(f"Unknown parameter: '{echo(name)}'.", echo(name), "unknown_parameter")
