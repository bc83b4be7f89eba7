"""`assert_asked`: what was asked, and a message one would like to receive when it was not."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from fake_server import FakeServer
from fake_server.scripts.book import ScriptError


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with FakeServer([], seed=1) as server:
        yield server


def ask(fake: FakeServer, text: str, model: str = "gpt-4o") -> None:
    with openai.OpenAI(base_url=fake.base_url, api_key="any", max_retries=0) as client:
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}])


def test_what_was_asked_is_found(fake: FakeServer) -> None:
    ask(fake, "weather in Oslo")
    ask(fake, "weather in Rome")
    entry = fake.assert_asked({"messages": {"last": {"contains": "weather"}}}, times=2)
    assert entry.json["messages"][-1]["content"] == "weather in Rome"
    assert fake.assert_asked().status == 200
    fake.assert_not_asked({"model": "gpt-4"})


def test_a_miss_shows_the_requests_and_what_each_lacks(fake: FakeServer) -> None:
    ask(fake, "weather in Oslo", model="gpt-4o-mini")
    ask(fake, "news")
    with pytest.raises(AssertionError) as raised:
        fake.assert_asked({"model": "gpt-4o", "messages": {"last": {"contains": "weather"}}})
    assert str(raised.value) == (
        "no request asked for model: 'gpt-4o', messages: {'last': {'contains': 'weather'}}; "
        "2 requests were made:\n"
        "  POST /v1/chat/completions  model gpt-4o-mini, last message user: 'weather in Oslo'  status 200\n"
        "    model: expected 'gpt-4o', got 'gpt-4o-mini'\n"
        "  POST /v1/chat/completions  model gpt-4o, last message user: 'news'  status 200\n"
        "    messages.last: expected a text that contains 'weather', got 'news'"
    )


def test_the_number_is_asserted_too(fake: FakeServer) -> None:
    with pytest.raises(AssertionError, match=r"^no request asked for anything; nothing was asked$"):
        fake.assert_asked()
    ask(fake, "news")
    with pytest.raises(AssertionError, match=r"^1 request asked for anything, expected 2 requests; 1 req"):
        fake.assert_asked(times=2)
    with pytest.raises(AssertionError, match=r"^1 request asked for anything, expected none:\n  POST"):
        fake.assert_not_asked()
    with pytest.raises(ValueError, match="assert_not_asked says never"):
        fake.assert_asked({"model": "gpt-3"}, times=0)


def test_wrong_conditions_are_an_error_of_their_own(fake: FakeServer) -> None:
    with pytest.raises(ScriptError, match="unknown key 'modell' in when: did you mean 'model'"):
        fake.assert_asked({"modell": "gpt-4o"})


def test_requests_without_a_body_count_too(fake: FakeServer) -> None:
    with openai.OpenAI(base_url=fake.base_url, api_key="any", max_retries=0) as client:
        client.models.list()
    assert fake.assert_asked({"headers": {"user-agent": {"contains": "openai"}}}).path == "/v1/models"
    with pytest.raises(AssertionError, match=r"^1 request asked for anything, expected none:\n  GET"):
        fake.assert_not_asked()
    with pytest.raises(AssertionError, match="its body is no JSON object"):
        fake.assert_asked({"model": "gpt-4o"})


def test_prompts_and_inputs_are_messages_of_the_user(fake: FakeServer) -> None:
    def holds(text: str) -> dict[str, object]:
        return {"messages": {"any": {"role": "user", "contains": text}}}

    with openai.OpenAI(base_url=fake.base_url, api_key="any", max_retries=0) as client:
        client.embeddings.create(model="mine", input=["a cat", "a tree"])
        client.moderations.create(input=["a dog", "a field"])
        client.completions.create(model="mine", prompt=["a bird", "a pond"], user="ann")
    for text, endpoint in (("tree", "embeddings"), ("dog", "moderations"), ("pond", "completions")):
        fake.assert_asked({"endpoint": endpoint, **holds(text)}, times=1)
    fake.assert_asked({"body": {"user": "ann", "prompt[1]": "a pond"}})
    fake.assert_asked({"endpoint": "moderations", "model": {"prefix": "omni-"}})
    with pytest.raises(AssertionError, match="expected a text that contains 'fish', got 'a bird'"):
        fake.assert_asked({"endpoint": "completions", **holds("fish")})


def test_strict_is_for_all_that_scripts_answer() -> None:
    tree = {"messages": {"any": {"contains": "tree"}}}
    script = {"name": "tree", "when": tree, "reply": {"embedding": [1.0]}}
    with (
        FakeServer([script], strict=True) as fake,
        openai.OpenAI(base_url=fake.base_url, api_key="any", max_retries=0) as client,
    ):
        assert client.embeddings.create(model="mine", input="a tree").data
        with pytest.raises(openai.NotFoundError, match="contains 'tree', got 'a cat'"):
            client.embeddings.create(model="mine", input="a cat")
        with pytest.raises(openai.NotFoundError, match="moderations cannot answer so"):
            client.moderations.create(input="a tree")
        assert client.models.list().data


# -- what a request goes on from


def test_a_request_is_found_by_what_it_goes_on_from(fake: FakeServer) -> None:
    with openai.OpenAI(base_url=fake.base_url, api_key="any", max_retries=0) as client:
        first = client.responses.create(model="gpt-4o", input="I am Ada.", instructions="Be brief.")
        second = client.responses.create(model="gpt-4o", input="Say hello.", previous_response_id=first.id)
        client.responses.create(model="gpt-4o", input="Who am I?", previous_response_id=second.id, stream=True).close()
    third = fake.assert_asked({"messages": {"any": {"equals": "I am Ada."}, "last": {"equals": "Who am I?"}}}, times=1)
    assert third is fake.requests[2]
    assert third.messages == (
        ("user", "I am Ada."),
        ("assistant", first.output_text),
        ("user", "Say hello."),
        ("assistant", second.output_text),
        ("user", "Who am I?"),
    )
    fake.assert_asked({"messages": {"any": {"equals": "I am Ada."}}}, times=3)
    fake.assert_asked({"messages": {"system": {"equals": "Be brief."}}}, times=1)  # instructions do not carry over


def test_a_request_is_found_by_what_was_said_in_its_conversation(fake: FakeServer) -> None:
    with openai.OpenAI(base_url=fake.base_url, api_key="any", max_retries=0) as client:
        told = [{"type": "message", "role": "user", "content": "I am Ada."}]
        talk = client.conversations.create(items=told)  # type: ignore[arg-type]
        client.responses.create(model="gpt-4o", input="Who am I?", conversation=talk.id)
    entry = fake.assert_asked({"endpoint": "responses", "messages": {"any": {"equals": "I am Ada."}}}, times=1)
    assert entry.messages == (("user", "I am Ada."), ("user", "Who am I?"))


def test_what_a_request_goes_on_from_counts_in_the_journal(fake: FakeServer) -> None:
    with openai.OpenAI(base_url=fake.base_url, api_key="any", max_retries=0) as client:
        first = client.responses.create(model="gpt-4o", input="word " * 5000)
        client.responses.create(model="gpt-4o", input="Go on.", previous_response_id=first.id)
    entry = fake.requests[-1]
    assert entry.counted is None or entry.counted > 25_000


def test_the_messages_of_a_chat_are_its_own(fake: FakeServer) -> None:
    ask(fake, "news")
    assert fake.requests[0].messages == (("user", "news"),)
