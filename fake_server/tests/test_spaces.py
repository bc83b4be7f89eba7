"""Spaces: each test its own scripts, uses and journal, named by header, path or key."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import openai
import pytest

from fake_server import FakeServer
from fake_server.scripts.book import ScriptError
from fake_server.server.settings import Settings
from fake_server.server.state import memory
from fake_server.server.state import space as space_module
from fake_server.server.state.journal import FRAME, JournalEntry
from fake_server.server.state.memory import UnderWay
from fake_server.server.state.space import Spaces
from fake_server.tests.raw_client import wait_until

KEY = "sk-right-0123456789abcdef"


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


def test_what_is_no_script_is_named(fake: FakeServer) -> None:
    with pytest.raises(ScriptError, match="a script is a mapping with name, when, reply and times"):
        fake.script("nowhere")  # type: ignore[arg-type]


def test_a_script_replaces_the_one_of_the_same_name() -> None:
    with FakeServer([{"name": "a", "reply": {"text": "shared"}}]) as fake:
        assert said(fake.base_url) == "shared"
        fake.script({"name": "a", "reply": {"text": "mine"}, "times": 1})
        assert said(fake.base_url) == "mine"
        fake.script({"name": "a", "reply": {"text": "again"}, "times": 1})
        assert said(fake.base_url) == "again"
        fake.reset()
        assert said(fake.base_url) == "shared"


def test_used_up_replies_leave_and_there_is_a_bound(fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fake_server.server.state.space.MOST_SCRIPTS", 3)
    space = fake.settings.spaces("bounded")
    for _ in range(5):
        fake.space("bounded").reply("x")
        said(fake.space("bounded").base_url)
    assert len(space.queued) == 1
    fake.space("bounded").reply("x", times=None)
    with pytest.raises(ScriptError, match="holds at most 3 scripts"):
        fake.space("bounded").script(*({"reply": {"text": "x"}} for _ in range(3)))


def test_the_space_longest_unused_leaves_first() -> None:
    spaces = Spaces(Settings(), most=2)
    first = spaces("a")
    spaces("b")
    assert spaces("a") is first
    spaces("c")
    assert [one.name for one in spaces.known()] == ["", "a", "c"]
    assert spaces.drop("a")
    assert not spaces.drop("a")


def test_all_spaces_together_are_bounded_and_the_longest_unused_loses_its_oldest_first() -> None:
    spaces = Spaces(Settings())
    default, old, new = every = spaces(), spaces("old"), spaces("new")
    for space in every:
        for index in range(5):
            space.journal.add(JournalEntry("POST", f"/{index}"))
    old.stored.save({"id": "stored", "model": "m", "choices": "x" * 2 * FRAME}, {"messages": []})
    spaces.budget.most = spaces.budget.held + 3 * FRAME
    spaces.make_room()
    assert [len(one.journal.entries()) for one in every] == [5, 5, 5]

    grown = JournalEntry("POST", "/grown", body=b"x" * 4 * FRAME)
    new.journal.add(grown)
    spaces.make_room()  # room is made until 15 of 16 parts are held
    assert [one.journal.dropped for one in every] == [0, 4, 0]
    assert [one.path for one in old.journal.entries()] == ["/4"]
    assert old.stored.get("stored") is not None

    grown.sent(b"x" * 7 * FRAME)
    new.journal.grown(grown)
    spaces.make_room()
    assert (old.journal.dropped, old.stored.get("stored"), old.stored.dropped) == (5, None, 1)
    assert (default.journal.dropped, new.journal.dropped) == (0, 2)
    assert spaces.budget.eased

    for space in every:
        space.reset()
    assert (spaces.budget.held, old.journal.dropped, old.stored.dropped) == (0, 0, 0)


def test_a_space_that_left_counts_no_more() -> None:
    spaces = Spaces(Settings(), most=1)
    left, entry = spaces("a"), JournalEntry("POST", "/", body=b"x" * 100)
    left.journal.add(entry)
    assert spaces.budget.held == entry.size
    spaces("b").journal.add(JournalEntry("POST", "/"))
    spaces.drop("b")
    left.journal.add(JournalEntry("POST", "/late"))  # by a request that was under way
    left.stored.save({"id": "late", "model": "m"}, {"messages": []})
    assert spaces.budget.held == 0


def test_what_left_for_room_is_said(fake: FakeServer) -> None:
    mine = fake.space("mine")
    for _ in range(2):
        said(mine.base_url)
    mine._space.journal.drop()
    listed = httpx2.get(f"{mine.url}/__fake__/requests").json()
    assert (len(listed["requests"]), listed["dropped"]) == (1, 1)
    told = {one["name"]: one for one in httpx2.get(f"{fake.url}/__fake__/spaces").json()["spaces"]}
    assert (told["mine"]["dropped"], told["mine"]["stored_dropped"], told[""]["dropped"]) == (1, 0, 0)


def test_room_is_looked_for_only_where_it_can_be_made(fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies in flight may hold more than the bound: the little that could go is not looked for at each request."""
    spaces = fake.settings.spaces
    for number in range(3):
        said(fake.space(f"space-{number}").base_url)
    looks: list[tuple[object, ...]] = []
    known = Spaces.known

    def look(spaces: Spaces) -> Any:
        looks.append(known(spaces))
        return looks[-1]

    monkeypatch.setattr(Spaces, "known", look)
    monkeypatch.setattr(spaces.budget, "most", 4 * memory.MIB)
    assert spaces.budget.reserve(8 * memory.MIB, large=True)
    spaces.make_room()
    assert looks == []
    said(fake.space("large").base_url, "x" * 64 * FRAME)  # more than may be left
    wait_until(lambda: bool(looks))  # once the reply has left
    spaces.budget.release(8 * memory.MIB)


def test_what_goes_at_once_is_bounded(fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fake.settings.counts.requests.total()
    for _ in range(12):
        said(fake.base_url)
    wait_until(lambda: fake.settings.counts.requests.total() == before + 12)  # which is counted last
    monkeypatch.setattr(space_module, "MOST_AT_ONCE", 5)
    monkeypatch.setattr(fake.settings.spaces.budget, "most", 1)
    for left in (7, 2, 0):
        fake.settings.spaces.make_room()
        assert len(fake.requests) == left


def test_a_server_makes_room_by_itself(fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    # what connections hold would hide what is looked for
    monkeypatch.setattr(UnderWay, "_count", lambda under_way: True)
    monkeypatch.setattr(fake.settings.spaces.budget, "most", 52 * FRAME)
    said(fake.space("idle").base_url)
    for _ in range(3):
        said(fake.space("busy").base_url, "x" * 12 * FRAME)
    said(fake.space("busy").base_url)
    wait_until(lambda: not fake.space("idle").requests)  # room is made once a reply has left
    wait_until(lambda: len(fake.space("busy").requests) == 3)
    assert [fake.space(name)._space.journal.dropped for name in ("idle", "busy")] == [1, 1]


def test_parallel_async_tests_keep_apart(fake: FakeServer) -> None:
    async def one(index: int) -> bool:
        space = fake.space(f"p{index}")
        space.reply(f"answer {index}")
        async with openai.AsyncOpenAI(base_url=space.base_url, api_key="any") as client:
            reply = await client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}])
        return reply.choices[0].message.content == f"answer {index}" and len(space.requests) == 1

    async def all_of_them() -> list[bool]:
        return await asyncio.gather(*(one(index) for index in range(20)))

    assert all(asyncio.run(all_of_them()))
