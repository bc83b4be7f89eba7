"""The summary of a reasoning that nobody did, for requests that ask for one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fake_server.api import responses_request
from fake_server.api.reply import Reply
from fake_server.api.sensible import chance

_TITLES = ("Considering the request", "Working out an answer", "Planning the reply", "Checking the details")
_STEPS = (
    "I look at what is asked, and at what is known already.",
    "I weigh the ways to answer and choose the plainest.",
    "I make sure that the answer has the form that is wanted.",
)


def with_summary(reply: Reply, request: Mapping[str, Any], seed: int) -> Reply:
    """The reply, with a summary of its reasoning if one is asked for, and a script wrote none."""
    kind = responses_request.summary_of(request)
    choices = reply.choices
    if kind is None or reply.output or not reply.usage.reasoning_tokens or any(choice.reasoning for choice in choices):
        return reply
    key = ["thoughts", seed, choices[0].content or ""]
    steps = _STEPS if kind == "detailed" else _STEPS[:1]
    text = f"**{chance.pick(_TITLES, *key)}**\n\n{' '.join(steps)}"
    return replace(reply, choices=(replace(choices[0], reasoning=text), *choices[1:]))
