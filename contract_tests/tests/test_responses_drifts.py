"""Single drifts of a streamed Response that were once judged clean: each is a finding of the rule that is about it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import pytest

from contract_tests.rules.responses.steps import STEPS
from contract_tests.tests.test_responses import Event, broken, events_of, streamed
from contract_tests.tests.test_responses_steps import ITEMS, built_in

Change = Callable[[list[Event]], list[Event]]


def place_of(events: list[Event], kind: str, nth: int) -> int:
    return [place for place, event in enumerate(events) if event["type"] == f"response.{kind}"][nth]


def doubled(kind: str) -> Change:
    return lambda events: [copy for event in events for copy in [event] * (1 + (event["type"] == f"response.{kind}"))]


def swapped(kind: str) -> Change:
    """The event of this type and the one behind it, the other way round."""

    def change(events: list[Event]) -> list[Event]:
        place = place_of(events, kind, 0)
        return [*events[:place], events[place + 1], events[place], *events[place + 2 :]]

    return change


def edited(kind: str, act: Callable[[Event], object], nth: int = 0) -> Change:
    def change(events: list[Event]) -> list[Event]:
        copies = deepcopy(events)
        act(copies[place_of(copies, kind, nth)])
        return copies

    return change


TEXT, CALLS = "response-stream", "response-calls-stream"
DRIFTS: dict[str, tuple[str, Change, str]] = {
    "a text is said whole twice": (TEXT, doubled("output_text.done"), "part-brackets"),
    "a summary is said whole twice": (CALLS, doubled("reasoning_summary_text.done"), "part-brackets"),
    "arguments are said whole twice": (CALLS, doubled("function_call_arguments.done"), "steps"),
    "in progress twice": (TEXT, doubled("in_progress"), "in-progress"),
    "a part before its item": (TEXT, swapped("output_item.added"), "announced"),
    "a part that begins with text": (
        TEXT,
        edited("content_part.added", lambda event: event["part"].update(text="A")),
        "part-brackets",
    ),
    "a summary that begins with text": (
        CALLS,
        edited("reasoning_summary_part.added", lambda event: event["part"].update(text="A")),
        "part-brackets",
    ),
    "a call is announced under another name": (
        CALLS,
        edited("output_item.added", lambda event: event["item"].update(name="other"), 1),
        "item-closes",
    ),
    "arguments of another function": (
        CALLS,
        edited("function_call_arguments.done", lambda event: event.update(name="other")),
        "item-closes",
    ),
    "no usage, be it null, before the end": (
        TEXT,
        edited("created", lambda event: event["response"].pop("usage")),
        "early-is-empty",
    ),
    "no details, be they null, before the end": (
        TEXT,
        edited("in_progress", lambda event: event["response"].pop("incomplete_details")),
        "early-is-empty",
    ),
    "a penalty before the end alone": (
        TEXT,
        edited("created", lambda event: event["response"].update(frequency_penalty="0")),
        "same-parameters",
    ),
    "a use of tools before the end alone": (
        TEXT,
        edited("created", lambda event: event["response"].update(tool_usage={})),
        "same-parameters",
    ),
    "a whole text under another name": (
        TEXT,
        edited("output_text.done", lambda event: event.update(content=event.pop("text"))),
        "shape",
    ),
}


@pytest.mark.parametrize("name", DRIFTS)
def test_a_drift_is_named(name: str) -> None:
    source, change, rule = DRIFTS[name]
    assert broken(streamed(source, change(events_of(source)))) == {f"responses.stream.{rule}"}


def test_reasoning_is_encrypted_when_its_item_is_closed() -> None:
    change = edited("output_item.done", lambda event: event["item"].update(encrypted_content=None))
    assert broken(streamed(CALLS, change(events_of(CALLS)))) == {"responses.encrypted"}


@pytest.mark.parametrize("kind", ["web_search_call", "file_search_call", "code_interpreter_call"])
def test_a_closed_item_of_a_tool_is_not_still_running(kind: str) -> None:
    status = "interpreting" if kind.startswith("code") else "searching"
    events = built_in(kind, list(STEPS[kind]), status=status)
    assert broken(streamed(TEXT, events)) == {"responses.stream.item-closes"}


@pytest.mark.parametrize("kind", ITEMS)
def test_each_step_of_a_tool_comes_once(kind: str) -> None:
    steps = [step for step in STEPS[kind] for _ in range(2)]
    assert "responses.stream.steps" in broken(streamed(TEXT, built_in(kind, steps)))
