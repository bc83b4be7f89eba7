"""Lists of the control API are bounded, and patterns of scripts are."""

from __future__ import annotations

import httpx2
import pytest

from fake_server import FakeServer
from fake_server.scripts.model import Script
from fake_server.server.control import serialize
from fake_server.server.state import memory
from fake_server.wire import patterns

pytestmark = pytest.mark.security("memory")
WORD = "x" * 1000


@pytest.mark.parametrize("pattern", [r"\w{{40}}{}", "^small{}$"], ids=["large", "small"])
def test_compiled_patterns_of_scripts_are_kept_within_a_bound(pattern: str) -> None:
    """Scripts may bring thousands, and each may take 10 MB."""
    cache = patterns._OF_SCRIPTS
    for number in range(30 if "w" in pattern else 3000):
        patterns.search(pattern.format(number), "small", ours=True)
        assert cache._held <= cache._most
    assert cache._held == sum(max(steps, 50) for _, steps in cache._compiled.values())
    assert cache._compiled


def test_a_list_of_requests_is_bounded_and_says_what_it_leaves_out(
    fake: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serialize, "LISTED", 10_000)
    for number in range(8):
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": WORD * 2}], "seed": number}
        httpx2.post(f"{fake.base_url}/chat/completions", json=body)
    listed = httpx2.get(f"{fake.root}/__fake__/requests").json()
    seeds = [request["body"]["seed"] for request in listed["requests"]]
    assert seeds == list(range(8))[-len(seeds) :]
    assert 0 < len(seeds) < 8
    assert (listed["matching"], listed["left_out"]) == (8, 8 - len(seeds))


@pytest.mark.parametrize("item", ["[],", "0,", '{"a":1},', '"",'])
def test_a_body_of_countless_values_is_listed_as_text(fake: FakeServer, item: str) -> None:
    text = f'{{"model":"gpt-4o","messages":[{item * 250_000}0]}}'
    httpx2.post(f"{fake.base_url}/chat/completions", content=text, headers={"content-type": "application/json"})
    (request,) = httpx2.get(f"{fake.root}/__fake__/requests").json()["requests"]
    assert request["body"] == text


def test_many_scripts_are_listed_one_comparison_each(fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.script(*({"reply": {"text": "a"}} for _ in range(300)))
    compared = 0
    equal = Script.__eq__

    def count(script: Script, other: object) -> bool:
        nonlocal compared
        compared += 1
        return equal(script, other)

    monkeypatch.setattr(Script, "__eq__", count)
    assert len(httpx2.get(f"{fake.root}/__fake__/scripts").json()["scripts"]) == 300
    assert compared < 300


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("scripts", {"when": {"messages": {"last": {"contains": WORD}}}, "reply": {"text": "a"}}),
        ("faults", {"fault": "error", "message": WORD}),
    ],
)
def test_lists_of_scripts_and_faults_are_bounded_too(
    fake: FakeServer, monkeypatch: pytest.MonkeyPatch, name: str, item: dict[str, object]
) -> None:
    monkeypatch.setattr(serialize, "LISTED", 10_000)
    httpx2.post(f"{fake.root}/__fake__/{name}", json=[item] * 3)
    assert "left_out" not in httpx2.get(f"{fake.root}/__fake__/{name}").json()
    httpx2.post(f"{fake.root}/__fake__/{name}", json=[item] * 20)
    listed = httpx2.get(f"{fake.root}/__fake__/{name}").json()
    assert 0 < len(listed[name]) < 10
    assert listed["left_out"] >= 23 - len(listed[name])


@pytest.mark.parametrize("name", ["requests", "scripts", "faults"])
def test_a_list_counts_in_flight_and_leaves_out_what_has_no_room(
    fake: FakeServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    fake.script({"reply": {"text": "a"}})
    fake.fault("error", message="x")
    budget = fake.settings.spaces.budget
    assert httpx2.get(f"{fake.root}/__fake__/{name}").status_code == 200
    monkeypatch.setattr(memory, "MOST_IN_FLIGHT", 0)
    monkeypatch.setattr(memory, "LARGEST_ALONE", 0)
    httpx2.get(f"{fake.base_url}/models")
    listed = httpx2.get(f"{fake.root}/__fake__/{name}").json()
    assert not listed[name]
    assert listed["left_out"] >= 1
    assert budget.kinds[memory.IN_FLIGHT] == 0
