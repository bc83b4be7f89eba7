"""The API operations that the fake serves, as operations.yaml describes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fake_server.server.state.completions import LIMIT, MOST_LISTED
from fake_server.wire.datafile import read_yaml


@dataclass(frozen=True)
class Operation:
    """An API operation. `name` is its operationId; `request`, `reply` and `event` are names of components.

    `event` describes one event of its stream, `query` names query parameters, `examples` has request bodies
    by title.
    """

    name: str
    method: str
    path: str
    tag: str
    summary: str
    reply: str
    request: str | None = None
    event: str | None = None
    examples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    query: Sequence[str] = ()


_DATA = read_yaml(Path(__file__).with_suffix(".yaml"))
TAGS: Mapping[str, str] = _DATA["tags"]
OPERATIONS = tuple(Operation(**operation) for operation in _DATA["operations"])
QUERY: Mapping[str, Mapping[str, Any]] = _DATA["query"]
"""Query parameters of the list operations."""
QUERY["limit"]["schema"].update(maximum=MOST_LISTED, default=LIMIT)
FINE_TUNED_MODEL = "ft:gpt-4o-mini:team::Bq7vXe2L"
"""A model that can be deleted."""
STORED_PATH = "/chat/completions/{completion_id}"
