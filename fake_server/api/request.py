"""A client's request to an endpoint: the parsed body and what the fake reads of the head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from fake_server.api import chat_request

CHAT, COMPLETIONS, RESPONSES = "chat/completions", "completions", "responses"
EMBEDDINGS, MODERATIONS = "embeddings", "moderations"


def endpoint_of(path: str) -> str:
    """The endpoint at a path: `chat/completions` at `/v1/chat/completions`, without the slashes around it."""
    return path.removeprefix("/v1").strip("/")


@dataclass(frozen=True)
class ApiRequest:
    """A request to answer.

    `endpoint` is the path without `/v1` and surrounding slashes (`chat/completions`), `body` the parsed JSON
    object. `headers` has lower-case names; repeated fields are joined by `, `. `slash` tells whether the path
    ended with a slash. `method` and `path` are those of the request, without the space and the query.
    """

    body: Mapping[str, Any]
    endpoint: str = CHAT
    headers: Mapping[str, str] = field(default_factory=dict)
    slash: bool = False
    method: str = "POST"
    path: str = f"/v1/{CHAT}"

    @property
    def key(self) -> str | None:
        """The API key of the Authorization header, None without one."""
        scheme, _, key = self.headers.get("authorization", "").partition(" ")
        return key.strip() or None if scheme.lower() == "bearer" else None

    @property
    def model(self) -> str:
        return str(self.body.get("model", ""))

    @property
    def streams(self) -> bool:
        return bool(self.body.get("stream"))

    @cached_property
    def messages(self) -> tuple[chat_request.Message, ...]:
        """Every message in order."""
        return chat_request.messages(self.body)

    @cached_property
    def results(self) -> tuple[chat_request.ToolResult, ...]:
        """All tool results in order."""
        return chat_request.tool_results(self.body)

    @cached_property
    def in_words(self) -> ApiRequest:
        """The request as conditions see it: a request for a response as the chat that stands for it."""
        if self.endpoint != RESPONSES or self.method != "POST":
            return self
        from fake_server.api import responses_request  # few servers are asked for responses

        return self.but(responses_request.as_chat(self.body))

    def but(self, body: Mapping[str, Any]) -> ApiRequest:
        """The same request with another body."""
        return replace(self, body=body)
