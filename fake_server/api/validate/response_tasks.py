"""Validation of requests that only count the tokens of a response's input, or make the input shorter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_server.api.reply import ErrorReply
from fake_server.api.validate.checks import Check, string
from fake_server.api.validate.containers import find_refusal
from fake_server.api.validate.response_tools import check_choice
from fake_server.api.validate.responses import MEMBERS, check_exclusive, check_sources, unknown_member

COUNT: Mapping[str, Check] = {
    name: MEMBERS[name]
    for name in (
        "model", "input", "previous_response_id", "tools", "text", "reasoning", "truncation", "instructions",
        "conversation", "tool_choice", "parallel_tool_calls",
    )
} | {"personality": string()}  # fmt: skip
"""The members of a request that counts tokens; none is required."""
COMPACT_REQUIRED: Mapping[str, Check] = {"model": MEMBERS["model"]}
COMPACT: Mapping[str, Check] = {
    name: MEMBERS[name]
    for name in (
        "model", "input", "previous_response_id", "instructions", "prompt_cache_key", "prompt_cache_retention",
        "prompt_cache_options", "service_tier", "image",
    )
}  # fmt: skip
"""The members of a request that compacts an input."""


def validate_count(request: Mapping[str, Any]) -> ErrorReply | None:
    """Return the 400 for a request to count tokens that OpenAI would refuse, None for a valid one."""
    return find_refusal(request, (), COUNT, check_exclusive, check_choice, unknown=unknown_member)


def validate_compaction(request: Mapping[str, Any]) -> ErrorReply | None:
    """Return the 400 for a request to compact an input that OpenAI would refuse, None for a valid one."""
    return find_refusal(request, COMPACT_REQUIRED, COMPACT, check_sources, unknown=unknown_member)
