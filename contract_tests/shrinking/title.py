"""The title of an issue: what was asked, and what is wrong with the reply."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from contract_tests.rules.engine.judge import Finding, Rule
from contract_tests.rules.engine.node import show, show_path
from contract_tests.rules.engine.view import View
from contract_tests.rules.judged import Judged
from contract_tests.target.main_program import MainOutcome
from fake_server.wire.text import shorten, shorten_words

MAX_TITLE = 110
MAX_EXPECTED = 40
"""Characters up to which the expected value is part of a title."""
MAX_ASKED = 3
"""Members of a request that are part of a title."""
_LIMITS = ("max_tokens", "max_completion_tokens")
_COMMON = ("model", "messages", "prompt", "input", "stream", "stream_options", "user", "temperature", "seed")
_ENDPOINTS = {
    "completions": "text completion",
    "embeddings": "embeddings",
    "models": "list of models",
    "model": "a model",
}
_VALUE = re.compile(r"""missing|null|true|false|-?\d+(\.\d+)?([eE][-+]?\d+)?|["\[{].*""")
_COUNT = re.compile(r"[\d,]+ (?:choice|result|number)s?")
"""What was seen, where there are too few or too many of what was asked for."""


def format_title(
    judged: Judged, rule: Rule | None, outcome: MainOutcome | None = None, original: View | None = None
) -> str:
    """A title: what was asked, and what is wrong with the reply; the message of main() if no rule is broken.

    `original` is the exchange before it was reduced: a server answers the whole request.
    """
    finding = judged.first(rule)
    if finding is None:
        what = f"main() fails: {outcome.line}" if outcome else f"{judged.exchange.request.path} fails"
        return shorten(what, MAX_TITLE)
    place, seen = show_path(finding.place.path), " ".join(finding.actual.split())
    place = re.sub(r"^choices\[0\]\.?", "", place)
    asked = list(_asked(original or judged.view, "token" in seen or "words" in seen))
    if asked and _COUNT.fullmatch(seen):
        known = f"n={finding.expected}" in asked
        return shorten_words(f"{', '.join(asked)} returns {seen}{'' if known else format_expected(finding)}", MAX_TITLE)
    if not place or seen.startswith("choice "):
        what = seen
    else:
        if asked == ["streamed"]:
            asked, place = [], f"{place} in a stream"
        what = f"{place} is {seen}" if is_value(seen) else f"{place}: {seen}"
    return shorten_words(f"{', '.join(asked)}: {what}{format_expected(finding)}".removeprefix(": "), MAX_TITLE)


def _asked(view: View, about_tokens: bool) -> Iterator[str]:
    """What is special about a request: `n=2`, `tools`, `streamed`; the limit only in a complaint about tokens."""
    request = view.exchange.request
    if view.endpoint != "chat":
        yield _ENDPOINTS.get(view.endpoint, f"{request.method} {request.path}")
    unsaid = (*_COMMON, *(() if about_tokens else _LIMITS))
    members = {name: value for name, value in view.request.value.items() if name not in unsaid}
    for name, value in islice(members.items(), MAX_ASKED):
        if isinstance(value, dict) and isinstance(value.get("type"), str):
            yield f"{name}={value['type']}"
        elif isinstance(value, dict | list):
            yield name
        elif value is not None:
            yield f"{name}={show(value, MAX_EXPECTED)}".replace('"', "")
    if view.wants_stream:
        yield "streamed"
        if view.request["stream_options"]["include_usage"].value is True:
            yield "include_usage"


def format_expected(finding: Finding) -> str:
    """The expected value if it is short, with a comma before it; else ''."""
    expected = " ".join(finding.expected.split())
    return f", expected {expected}" if 0 < len(expected) <= MAX_EXPECTED else ""


def is_value(seen: str) -> bool:
    return _VALUE.fullmatch(seen) is not None
