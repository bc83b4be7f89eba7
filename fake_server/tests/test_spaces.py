"""Spaces: each test its own scripts, uses and journal, named by header, path or key."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx2
import openai
import pytest

from fake_server import FakeServer
from fake_server.scripts import ScriptBook, ScriptError
from fake_server.space import Spaces

KEY = "sk-right-0123456789abcdef"


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeServer]:
    with FakeServer([], seed=1) as server:
        yield server


@pytest.fixture(autouse=True)
def fresh(fake: FakeServer) -> None:
    fake.reset()


def said(base_url: str, text: str = "hi", key: str = "any", **options: object) -> str | None:
    with openai.OpenAI(base_url=base_url, api_key=key, max_retries=0, **options) as client:  # type: ignore[arg-type]
        reply = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": text}])
    return reply.choices[0].message.content


def test_a_space_hears_only_what_is_asked_of_it(fake: FakeServer) -> None:
    mine, other = fake.space("mine"), fake.space("other")
    mine.reply("for me")
    assert said(other.base_url) != "for me"
    assert said(mine.base_url) == "for me"
    assert [len(one.requests) for one in (fake, mine, other)] == [0, 1, 1]
    assert mine.requests[0].path == "/v1/chat/completions"


@pytest.mark.parametrize(
    "named",
    [
        {"base_url": "/v1", "key": "sk-any@mine"},
        {"base_url": "/v1", "default_headers": {"x-fake-space": "mine"}},
        {"base_url": "/@mine/v1"},
        {"base_url": "/@mine"},
        {"base_url": "/@other/v1", "default_headers": {"x-fake-space": "mine"}},
    ],
)
def test_a_space_is_named_by_header_path_or_key(fake: FakeServer, named: dict[str, object]) -> None:
    fake.space("mine").reply("for me")
    assert said(**{**named, "base_url": fake.url + str(named["base_url"])}) == "for me"  # type: ignore[arg-type]


def test_a_key_that_is_no_fake_key_names_no_space(fake: FakeServer) -> None:
    said(fake.base_url, key="someone@example.com")
    assert len(fake.requests) == 1


def test_the_servers_key_stands_before_the_spaces_name() -> None:
    with FakeServer([], api_key=KEY) as fake:
        fake.space("mine").reply("for me")
        assert said(fake.base_url, key=f"{KEY}@mine") == "for me"
        assert said(fake.space("mine").base_url, key=KEY)
        for wrong in (f"{KEY}x@mine", "sk-@mine"):
            with pytest.raises(openai.AuthenticationError):
                said(fake.base_url, key=wrong)


@pytest.mark.parametrize("name", ["a b", "ü", "a/b", "x" * 101])
def test_a_name_that_cannot_stand_in_a_path_is_refused(fake: FakeServer, name: str) -> None:
    with pytest.raises(ValueError, match="names no space: use 1 to 100 of"):
        fake.space(name)
    answer = httpx2.get(f"{fake.url}/v1/models", headers=[(b"x-fake-space", name.encode())])
    assert answer.status_code == 400
    assert "names no space" in answer.json()["error"]["message"]


def test_replies_queue_up_and_stand_before_scripts(fake: FakeServer) -> None:
    fake.script({"reply": {"text": "script"}})
    fake.reply("first")
    fake.reply("second", when={"messages": {"last": {"contains": "hi"}}})
    assert [said(fake.base_url, text) for text in ("hi", "no", "hi", "hi")] == [
        "first",
        "script",
        "second",
        "script",
    ]


def test_a_script_replaces_the_one_of_the_same_name() -> None:
    with FakeServer([{"name": "a", "reply": {"text": "shared"}}]) as fake:
        assert said(fake.base_url) == "shared"
        fake.script({"name": "a", "reply": {"text": "mine"}, "times": 1})
        assert said(fake.base_url) == "mine"
        fake.script({"name": "a", "reply": {"text": "again"}, "times": 1})
        assert said(fake.base_url) == "again"
        fake.reset()
        assert said(fake.base_url) == "shared"


def test_used_up_replies_leave_and_there_is_a_bound(
    fake: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fake_server.space.MOST_SCRIPTS", 3)
    space = fake.settings.spaces("bounded")
    for _ in range(5):
        fake.space("bounded").reply("x")
        said(fake.space("bounded").base_url)
    assert len(space.queued) == 1
    fake.space("bounded").reply("x", times=None)
    with pytest.raises(ScriptError, match="holds at most 3 scripts"):
        fake.space("bounded").script(*({"reply": {"text": "x"}} for _ in range(3)))


def test_the_space_longest_unused_leaves_first() -> None:
    spaces = Spaces(ScriptBook, most=2)
    first = spaces("a")
    spaces("b")
    assert spaces("a") is first
    spaces("c")
    assert [one.name for one in spaces.known()] == ["", "a", "c"]
    assert spaces.drop("a")
    assert not spaces.drop("a")


def test_parallel_async_tests_keep_apart(fake: FakeServer) -> None:
    async def one(index: int) -> bool:
        space = fake.space(f"p{index}")
        space.reply(f"answer {index}")
        async with openai.AsyncOpenAI(base_url=space.base_url, api_key="any") as client:
            reply = await client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": "hi"}]
            )
        return reply.choices[0].message.content == f"answer {index}" and len(space.requests) == 1

    async def all_of_them() -> list[bool]:
        return await asyncio.gather(*(one(index) for index in range(20)))

    assert all(asyncio.run(all_of_them()))
