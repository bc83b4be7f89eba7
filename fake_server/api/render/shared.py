"""What the renderers of chat and text completions share."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any, TypeVar

from fake_server.api.render.style import Style
from fake_server.api.reply import Reply, Usage

_Entry = TypeVar("_Entry")


def reply_head(reply: Reply, kind: str, style: Style, prefix: str) -> dict[str, Any]:
    """The members `id`, `object` and `created`; a reply without an id gets a new one with this prefix."""
    return {
        "id": reply.id if reply.id is not None else style.new_reply_id(prefix),
        "object": kind,
        "created": reply.created if reply.created is not None else int(time.time()),
    }


def token_counts(usage: Usage) -> dict[str, Any]:
    """The members of `usage` that all completions have."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }


def interleave(choices: Iterable[Iterator[_Entry]]) -> Iterator[_Entry]:
    """Take one entry of each choice in turn, as choices are generated side by side."""
    for row in zip_longest(*choices):
        yield from (entry for entry in row if entry is not None)
