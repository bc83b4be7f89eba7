"""FAULTS.md: the faults that its introduction shows on a stream of a response do what it says."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest
import yaml

from contract_tests.lab.pages.faults_page import PAGE
from fake_server import FakeServer
from fake_server.tests.folding import events_of

INTRODUCTION = PAGE.read_text(encoding="utf-8").partition("\n## ")[0]
SHOWN = re.findall(r"\| `([^`|]*;[^`|]*)` \|$", INTRODUCTION, re.MULTILINE)
(SCRIPTS,) = (yaml.safe_load(example) for example in re.findall(r"```yaml\n(.*?)```", INTRODUCTION, re.DOTALL))
WHOLE = [
    "created", "in_progress", "output_item.added", "content_part.added", *3 * ["output_text.delta"],
    "output_text.done", "content_part.done", "output_item.done", "completed",
]  # fmt: skip
ARRIVE = {
    "cut;after_events=2;of=output_text.delta": WHOLE[:6],
    "drop-event;event=1;of=output_item.done": [*WHOLE[:9], WHOLE[10]],
    "drop-events;of=output_text.delta": [*WHOLE[:4], *WHOLE[7:]],
    "error-event;after_events=1;of=output_text.delta;failed=true": [*WHOLE[:5], "failed"],
    "drop-event;event=-1": WHOLE[:-1],
}


def stream(fake: FakeServer, **headers: str) -> list[dict[str, Any]]:
    """The events that arrive, however the stream ends."""
    received = b""
    body = {"model": "gpt-4o", "input": "Count", "stream": True}
    with httpx2.Client(transport=fake.transport()) as client:
        try:
            with client.stream("POST", "http://fake/v1/responses", json=body, headers=headers) as response:
                for piece in response.iter_bytes():
                    received += piece
        except httpx2.HTTPError:
            pass
    return events_of(received)


def test_the_page_shows_these() -> None:
    assert set(SHOWN) == set(ARRIVE)


@pytest.mark.parametrize("fault", ARRIVE)
def test_a_fault_strikes_the_events_of_a_type(fault: str) -> None:
    fake = FakeServer([{"name": "counting", "reply": {"text": "one two three"}}], plain=True)
    events = stream(fake, **{"x-fake-fault": fault})
    assert [event["type"].removeprefix("response.") for event in events] == ARRIVE[fault]


def test_the_script_takes_members_from_the_deltas() -> None:
    events = stream(FakeServer(SCRIPTS, plain=True))
    assert [event["type"].removeprefix("response.") for event in events] == WHOLE
    lacking = {event["type"] for event in events if not {"item_id", "output_index"} & event.keys()}
    assert "response.output_text.delta" in lacking
    assert "response.output_text.done" not in lacking
