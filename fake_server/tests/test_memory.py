"""What is kept is bounded, all of it: one account of bytes, one eviction, truthful numbers, clear refusals."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from fake_server import FakeServer
from fake_server.faults import parse as parse_fault
from fake_server.scripts.book import parse as parse_scripts
from fake_server.server.settings import Settings
from fake_server.server.state import memory
from fake_server.server.state.completions import CompletionStore
from fake_server.server.state.journal import MOST_KEPT, JournalEntry
from fake_server.server.state.memory import FAULTS, KINDS, REQUESTS, SCRIPTS, STORED, USES, StorageFull
from fake_server.server.state.space import Space, Spaces
from fake_server.wire.deep_size import deep_size

pytestmark = pytest.mark.security("memory")
WORD = "x" * 1000


def allocated(make: Callable[[int], Any], times: int = 20) -> float:
    """Bytes that Python allocates for what `make` returns, on average of so many."""
    make(-1)
    gc.collect()
    tracemalloc.start()
    try:
        made = [make(number) for number in range(times)]
        gc.collect()
        return tracemalloc.get_traced_memory()[0] / len(made)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "item",
    [
        {"reply": {"text": "a"}},
        {"reply": {"text": WORD * 100}},
        {"reply": {"text": "é" * 5000 + "😀"}},
        {"reply": {"choices": [{"text": str(number)} for number in range(100)]}},
        {"reply": {"raw": {"base64": "QUFB" * 10_000}}},
        {"replies": [{"text": WORD, "faults": [{"fault": "cut", "after_events": 1}]} for _ in range(20)]},
        {"when": {"messages": {"last": {"contains": [WORD] * 20}}, "body": {"$.a": 1}}, "reply": {"text": "a"}},
        {"reply": {"text": "{{ last }}" * 200, "template": True}},
    ],
    ids=["small", "long text", "wide text", "choices", "base64", "many replies", "conditions", "template"],
)
def test_the_size_of_a_script_is_what_python_holds(item: dict[str, Any]) -> None:
    def make(number: int) -> Any:
        return tuple(parse_scripts([{**json.loads(json.dumps(item)), "name": f"n{number}"}]))

    held = allocated(make)
    counted = deep_size(make(0)[0])
    assert 0.7 * held <= counted <= 3.5 * held + 2000


@pytest.mark.parametrize("pieces", [1, 100, 10_000])
def test_a_reply_in_many_pieces_is_counted_and_cut(pieces: int) -> None:
    def make(number: int) -> JournalEntry:
        entry = JournalEntry("POST", f"/{number}")
        for _ in range(pieces):
            entry.sent(b"x" * (2 * MOST_KEPT // pieces))
        return entry

    entry = make(0)
    assert (len(entry.reply), entry.sent_bytes) == (MOST_KEPT, 2 * MOST_KEPT // pieces * pieces)
    assert allocated(make, 5) <= 1.2 * entry.size


def test_the_first_piece_of_a_reply_is_cut_too() -> None:
    """Sixty small requests for large replies held 1.6 GB."""
    entry = JournalEntry("POST", "/")
    entry.sent(b"x" * 20 * memory.MIB)
    assert len(entry.reply) == MOST_KEPT
    assert entry.size < 2 * MOST_KEPT


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({f"x-{number}": "" for number in range(500)}, "/"),
        ({"x": "y" * 60_000}, "/"),
        ({}, "/" + "a" * 60_000),
        ({}, "/" + "😀" * 6000),
    ],
    ids=["many fields", "long field", "long path", "wide path"],
)
def test_a_head_is_counted_as_what_it_takes(fields: dict[str, str], path: str) -> None:
    def make(number: int) -> JournalEntry:
        return JournalEntry(
            "GET", path + str(number), {name + str(number): value + str(number) for name, value in fields.items()}
        )

    assert 0.8 * allocated(make) <= make(0).size + 500


@pytest.mark.parametrize(
    "choices",
    [[], [[number] for number in range(500)], "x" * 100_000, [{str(number): [{}]} for number in range(200)]],
    ids=["none", "lists", "text", "dicts"],
)
def test_stored_completions_count_what_python_holds(choices: Any) -> None:
    def make(number: int) -> CompletionStore:
        store = CompletionStore()
        copied = deep_copy(choices)
        store.save({"id": f"{number}", "model": "m", "choices": copied}, {"messages": [{"role": "user"}]})
        return store

    assert 0.7 * allocated(make) <= make(0)._held + 2500


def deep_copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: deep_copy(member) for name, member in value.items()}
    return [deep_copy(item) for item in value] if isinstance(value, list) else value


def add_scripts(space: Space, number: int) -> None:
    space.add([{"name": f"n{number}", "reply": {"text": WORD}}])


def queue_replies(space: Space, number: int) -> None:
    space.queue([{"reply": {"text": WORD + str(number)}, "times": 1}])


def arm_faults(space: Space, number: int) -> None:
    space.activate([{"fault": "error", "message": WORD + str(number)}])


def arm_conditional_faults(space: Space, number: int) -> None:
    space.activate([{"fault": "cut", "when": {"key": WORD + str(number)}}])


def arm_bugs(space: Space, number: int) -> None:
    space.activate([{"bug": "ikllama-no-done", "when": {"model": WORD + str(number)}}])


def add_many(space: Space, add: Callable[[Space, int], None]) -> None:
    for number in range(1, 200):
        add(space, number)


@pytest.mark.parametrize("add", [add_scripts, queue_replies, arm_faults, arm_conditional_faults, arm_bugs])
def test_what_a_test_relies_on_is_refused_beyond_its_share_never_evicted(
    add: Callable[[Space, int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MOST_ADDED", 100_000)
    spaces = Spaces(Settings())
    first, second = spaces("first"), spaces("second")
    add(first, 0)
    with pytest.raises(StorageFull, match=r"of all spaces take at most .* remove some, reset, or forget spaces"):
        add_many(second, add)
    kinds = spaces.budget.kinds
    assert 50_000 < kinds[SCRIPTS] + kinds[FAULTS] <= 100_000
    assert len(first.own) + len(first.queued) + len(first.faults.current) == 1
    assert spaces.budget.refused[SCRIPTS] + spaces.budget.refused[FAULTS] == 1
    spaces.make_room()
    assert first.holds_additions
    spaces.drop("second")
    add(first, 1000)
    spaces.drop("first")
    assert spaces.budget.kinds == dict.fromkeys(KINDS, 0)
    assert spaces.budget.held == 0


def test_what_is_removed_counts_no_more() -> None:
    spaces = Spaces(Settings())
    space = spaces("a")
    for _ in range(3):
        for add in (add_scripts, queue_replies, arm_faults):
            add(space, 1)
        assert space.ledger.kinds[SCRIPTS] > 2000
        assert space.ledger.kinds[FAULTS] > 1000
        space.remove("n1")
        space.remove()
        space.faults.remove()
        assert spaces.budget.held == 0


def test_used_up_replies_make_room_for_others(fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST_ADDED", 20_000)
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
    for number in range(30):
        fake.reply(f"{number}{WORD}")
        reply = httpx2.post(f"{fake.base_url}/chat/completions", json=body).json()
        assert reply["choices"][0]["message"]["content"] == f"{number}{WORD}"


@pytest.mark.parametrize("key", ["k{}", "k" * 60_000 + "{}"], ids=["short", "long"])
def test_counts_for_keys_are_evicted_the_oldest_first(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spaces = Spaces(Settings(), size=40_000)
    space = spaces("a")
    (script,) = space.add([{"name": "a", "per": "key", "when": {"call": 2}, "reply": {"text": "a"}}])
    from fake_server.api.request import ApiRequest
    from fake_server.scripts.match import scope_of

    def meet(number: int) -> int:
        request = ApiRequest({}, headers={"authorization": f"Bearer {key.format(number)}"})
        return space.state.meet(script, scope_of(script, request))

    for number in range(200):
        meet(number)
        spaces.make_room()
    assert meet(199) == 2
    assert meet(0) == 1
    assert space.state.dropped == spaces.budget.dropped[USES] > 50
    assert spaces.budget.held <= 40_000


def test_spaces_without_additions_leave_before_those_that_a_test_relies_on() -> None:
    spaces = Spaces(Settings(), most=3)
    add_scripts(spaces("mine"), 1)
    for number in range(10):
        spaces(f"other{number}")
    assert "mine" in [space.name for space in spaces.known()]
    assert spaces.dropped == 8
    for number in range(3):
        arm_faults(spaces(f"armed{number}"), 1)
    assert [space.name for space in spaces.known()] == ["", "armed0", "armed1", "armed2"]


def test_places_of_deleted_completions_are_counted_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fake_server.server.state.completions.MOST", 50)
    spaces = Spaces(Settings(), size=1000)
    store = spaces("a").stored
    for number in range(500):
        store.save({"id": f"{number}", "model": "m"}, {})
        store.delete(f"{number}")
    assert spaces.budget.kinds[STORED] == 100 * 200
    spaces.make_room()
    assert spaces.budget.held <= 1000


def test_metadata_given_later_is_counted() -> None:
    store = CompletionStore()
    store.save({"id": "a", "model": "m"}, {})
    before = store._held
    store.update("a", {"k": "v" * 500})
    assert store._held > before + 500
    store.update("a", {})
    assert store._held < before + 500
    store.delete("a")
    assert store._held == 200


def test_the_numbers_are_told(fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = fake.space("mine")
    mine.reply("a")
    mine.fault("cut", when={"model": "none"})
    httpx2.get(f"{mine.base_url}/models")
    mine._space.journal.drop()
    monkeypatch.setattr(memory, "MOST_ADDED", 10)
    refused = httpx2.post(f"{mine.url}/__fake__/replies", json={"text": "b"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (507, "storage_full")
    assert "reset, or forget spaces" in refused.json()["error"]["message"]
    account = httpx2.get(f"{fake.url}/__fake__").json()["memory"]
    assert account["kinds"][SCRIPTS] > 1000
    assert (account["dropped"][REQUESTS], account["refused"][SCRIPTS]) == (1, 1)
    assert account["held"] == sum(account["kinds"].values())
    told = {space["name"]: space for space in httpx2.get(f"{fake.url}/__fake__/spaces").json()["spaces"]}
    assert set(told["mine"]["bytes"]) == {SCRIPTS, FAULTS}
    text = httpx2.get(f"{fake.url}/metrics").text
    assert 'fake_server_dropped_total{kind="requests"} 1.0' in text
    assert 'fake_server_refused_total{kind="scripts"} 1.0' in text
    assert 'fake_server_held_bytes{kind="faults"}' in text


def test_the_names_of_metrics_are_bounded(fake: FakeServer) -> None:
    """Paths, keys, models and names of scripts make no series of their own."""
    fake.settings.counts.__init__()  # type: ignore[misc]
    with httpx2.Client() as client:
        for number in range(30):
            fields = {"authorization": f"Bearer k{number}", "x-fake-fault": f"error;status={500 + number % 3}"}
            client.get(f"{fake.url}/a{number}")
            client.get(f"{fake.base_url}/models/m{number}", headers=fields)
            client.request(f"M{number}", f"{fake.base_url}/models")
        text = client.get(f"{fake.url}/metrics").text
    assert len([line for line in text.splitlines() if line.startswith("fake_server_requests_total")]) < 10


def test_a_fault_is_counted_with_what_was_written_of_it() -> None:
    written = {"fault": "reply", "json": {"a": [[number] for number in range(1000)]}}
    space = Space("a", Settings())
    space.activate([written])
    assert space.ledger.kinds[FAULTS] > deep_size(written)
    assert space.ledger.kinds[FAULTS] < 5 * deep_size([written, parse_fault(written)])
