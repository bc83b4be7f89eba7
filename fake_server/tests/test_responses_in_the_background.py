"""Responses in the background: queued, worked for, cancelled, streamed, by a clock that tests move."""

from __future__ import annotations

import httpx2
import openai
import pytest

from fake_server import FakeServer
from fake_server.tests.asking_responses import ask, items_of


def test_one_in_the_background_is_queued_worked_for_and_completed(client: openai.OpenAI, server: FakeServer) -> None:
    server.clock.stop()
    queued = ask(client, "Repeat after me: ett två", background=True)
    assert (queued.status, queued.output, queued.usage, queued.background) == ("queued", [], None, True)
    assert client.responses.retrieve(queued.id).status == "queued"
    server.clock.advance(0.6)
    assert client.responses.retrieve(queued.id).status == "in_progress"
    server.clock.advance(0.8)
    assert client.responses.retrieve(queued.id).output == []
    server.clock.advance(0.1)
    done = client.responses.retrieve(queued.id)
    assert (done.status, done.output_text, done.created_at) == ("completed", "ett två", queued.created_at)
    assert client.responses.retrieve(queued.id) == done == client.responses.cancel(queued.id)
    server.clock.run()
    soon = ask(client, background=True)
    server.clock.advance(60)
    assert client.responses.retrieve(soon.id).status == "completed"


def test_a_script_says_how_long_it_takes(client: openai.OpenAI, server: FakeServer) -> None:
    server.clock.stop()
    server.reply({"text": "slow", "timing": {"first": 20.0}})
    queued = ask(client, background=True)
    server.clock.advance(20)
    assert client.responses.retrieve(queued.id).status == "in_progress"
    server.clock.advance(2)
    assert client.responses.retrieve(queued.id).output_text == "slow"


@pytest.mark.parametrize("seconds", [0, 1])
def test_cancelling_ends_it_for_good(client: openai.OpenAI, server: FakeServer, seconds: float) -> None:
    server.clock.stop()
    name = client.conversations.create().id
    made = ask(client, background=True, conversation=name)
    server.clock.advance(seconds)
    cancelled = client.responses.cancel(made.id)
    assert (cancelled.status, cancelled.output, cancelled.id) == ("cancelled", [], made.id)
    assert client.responses.cancel(made.id) == cancelled
    server.clock.advance(100)
    assert client.responses.retrieve(made.id) == cancelled
    assert items_of(client, name) == []
    with pytest.raises(openai.BadRequestError, match="Previous response"):
        ask(client, previous_response_id=made.id)
    with pytest.raises(openai.BadRequestError, match="cancelled"):
        client.responses.retrieve(made.id, stream=True)
    with pytest.raises(openai.BadRequestError, match=r"Cannot cancel a synchronous response\."):
        client.responses.cancel(ask(client).id)


def test_its_items_come_to_the_conversation_when_it_is_completed(client: openai.OpenAI, server: FakeServer) -> None:
    server.clock.stop()
    name = client.conversations.create().id
    made = ask(client, background=True, conversation=name)
    assert made.conversation.id == name
    assert items_of(client, name) == []
    with pytest.raises(openai.BadRequestError, match="Previous response"):
        ask(client, previous_response_id=made.id)
    server.clock.advance(2)
    assert [item.role for item in items_of(client, name)] == ["user", "assistant"]
    assert client.responses.retrieve(made.id).status == "completed"
    assert len(items_of(client, name)) == 2
    assert ask(client, previous_response_id=made.id).status == "completed"


def test_its_stream_says_queued_and_can_be_taken_up_again(client: openai.OpenAI, server: FakeServer) -> None:
    server.clock.stop()
    events = list(ask(client, background=True, stream=True))
    assert [event.type for event in events[:3]] == ["response.created", "response.queued", "response.in_progress"]
    assert [events[0].response.status, events[-1].response.status] == ["queued", "completed"]
    made = ask(client, background=True)
    seen = list(client.responses.retrieve(made.id, stream=True))
    assert [event.type for event in seen] == ["response.created", "response.queued"]
    server.clock.advance(1)
    seen += client.responses.retrieve(made.id, stream=True, starting_after=1)
    assert [event.type for event in seen] == ["response.created", "response.queued", "response.in_progress"]
    server.clock.advance(1)
    seen += client.responses.retrieve(made.id, stream=True, starting_after=2)
    assert [event.sequence_number for event in seen] == list(range(len(seen)))
    assert seen[-1].type == "response.completed"


def test_a_stream_waits_for_what_is_still_to_come(client: openai.OpenAI, server: FakeServer) -> None:
    made = ask(client, background=True)
    server.clock.advance(1.3)
    seen = list(client.responses.retrieve(made.id, stream=True))
    assert seen[-1].type == "response.completed"
    assert client.responses.retrieve(made.id).status == "completed"


@pytest.mark.parametrize(
    ("query", "status"),
    [("stopped=true", 200), ("advance=2.5", 200), ("advance=-1", 400), ("advance=1e9", 400), ("stopped=maybe", 400)],
)
def test_the_clock_is_set_over_http(server: FakeServer, query: str, status: int) -> None:
    server.reset()
    with httpx2.Client(base_url=server.root) as root:
        before = root.get("/__fake__/clock").json()
        answer = root.post(f"/__fake__/clock?{query}")
        assert answer.status_code == status
        after = root.get("/__fake__/clock").json()
    assert after["stopped"] is (query == "stopped=true")
    assert after["now"] - before["now"] >= (2.5 if query == "advance=2.5" else 0)
    with pytest.raises(ValueError, match="0 seconds or more"):
        server.clock.advance(-1)
