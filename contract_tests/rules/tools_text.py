"""Section tools, calls that went wrong on their way: a call that arrives as text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from contract_tests.rules.engine.answers import Answer, answers
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.view import View
from contract_tests.rules.tools.calls import offered, tools
from fake_server.wire import jsontext

_TAGS = (
    "<tool_call>",
    "<|python_tag|>",
    "[TOOL_CALLS]",
    "<function=",
    "<|tool_call|>",
    "<｜tool▁calls▁begin｜>",
)
"""How the templates of several model families open a call."""


def _texts(view: View) -> Iterable[tuple[Answer, set[str]]]:
    names = offered(view)
    for one in answers(view) if names and view.endpoint == "chat" else ():
        if one.text and not one.calls:
            yield one, names


@tools.rule("no-call-as-text", over=_texts, level=SHOULD, harm="agents print the call instead of running it")
def no_call_as_text(subject: tuple[Answer, set[str]]) -> Iterable[Complaint]:
    """A call of an offered tool comes in `tool_calls`, not as text that only looks like one."""
    answer, names = subject
    text = answer.text.strip()
    tag = next((one for one in _TAGS if text.startswith(one)), "")
    if tag or _called(text) in names:
        yield answer.where, f"the text is {text[:60]!r}", "tool_calls"


def _called(text: str) -> str:
    """The name in a text that is nothing but a call written as JSON, with or without a Markdown fence."""
    value = jsontext.parse(re.sub(r"^```(?:json)?\s*|\s*```$", "", text).encode("utf-8", "replace")).value
    if isinstance(value, dict) and {"arguments", "parameters"} & value.keys():
        return str(value.get("name", ""))
    return ""
