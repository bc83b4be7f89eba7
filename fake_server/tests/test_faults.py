"""Faults by script, control, header and chance; quotas; what cannot be read or cannot happen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest

from contract_tests.lab.pages import faults_page
from contract_tests.lab.pages.faults_page import page
from fake_server import FakeServer, faults
from fake_server.faults import CATALOGUE, FaultError
from fake_server.faults.active import ActiveFaults
from fake_server.faults.header import read
from fake_server.faults.replies import Buckets, Quota
from fake_server.scripts.book import ScriptError, parse


@pytest.fixture(scope="module")
def server() -> Iterator[FakeServer]:
    with FakeServer([], seed=1, plain=True) as fake:
        yield fake


@pytest.fixture
def fake(server: FakeServer) -> FakeServer:
    server.reset()
    return server


def chat(fake: FakeServer, text: str = "hi", **headers: str) -> httpx2.Response:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.post(f"{fake.base_url}/chat/completions", json=body, headers=told)


def test_a_header_breaks_one_request(fake: FakeServer) -> None:
    assert chat(fake, x_fake_fault="error;status=503, header;name=x-more;value=yes").headers["x-more"] == "yes"
    assert fake.requests[-1].faults == ("error", "header")
    assert chat(fake).status_code == 200
    models = httpx2.get(f"{fake.base_url}/models", headers={"x-fake-fault": "error;status=500"})
    assert models.status_code == 500


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("cutt", "there is no fault 'cutt': did you mean 'cut'?"),
        ("cut;after_event=3", "the fault 'cut' has no 'after_event': did you mean 'after_events'?"),
        ("cut;after_events=x", "the fault 'cut', after_events: it must be a valid integer, not 'x'"),
        ("cut;ending=late", "the fault 'cut', ending: it must be 'fin' or 'rst', not 'late'"),
        (
            "cut;after_events=2;after_bytes=1",
            "the fault 'cut': after_bytes and after_events exclude each other",
        ),
        ("cut;", "Trailing delimiter at position 4; write it like x-fake-fault: cut;after_events=2"),
        ("3", "3 is not the name of a fault; write it like"),
        ("error;status=200", "the fault 'error', status: it must be greater than or equal to 400, not 200"),
    ],
)
def test_a_header_that_cannot_be_read_is_refused_in_words(fake: FakeServer, value: str, message: str) -> None:
    answer = chat(fake, x_fake_fault=value)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "x-fake-fault")
    assert message in answer.json()["error"]["message"]


def test_a_script_breaks_its_own_reply(fake: FakeServer) -> None:
    fake.script({"reply": {"text": "hello", "faults": [{"fault": "empty-body"}]}})
    assert chat(fake).content == b""
    fake.script({"reply": {"faults": [{"fault": "header", "name": "x-more", "value": "y"}]}})
    assert chat(fake).headers["x-more"] == "y"
    assert chat(fake).json()["choices"][0]["message"]["content"].startswith("Hello")


def test_a_bad_fault_in_a_script_is_told_with_its_place() -> None:
    wrong = [{"name": "a", "reply": {"text": "x", "faults": [{"fault": "cut"}, {"fault": "cut", "at": 3}]}}]
    with pytest.raises(ScriptError) as raised:
        parse(wrong, "s.yaml")
    assert str(raised.value) == (
        "s.yaml[0]: reply.faults.1: the fault 'cut' has no 'at': "
        "known here: probability, after_bytes, after_events, after_seconds, of, ending"
    )


def test_the_first_so_many_fail(fake: FakeServer) -> None:
    fake.fault("error", status=503, times=2)
    assert [chat(fake).status_code for _ in range(4)] == [503, 503, 200, 200]


def test_only_those_asked_for_fail(fake: FakeServer) -> None:
    fake.fault("error", when={"messages": {"last": {"contains": "storm"}}})
    assert [chat(fake, text).status_code for text in ("storm", "calm")] == [500, 200]


def test_an_error_uses_no_script_up(fake: FakeServer) -> None:
    fake.reply("once")
    fake.fault("error", times=1)
    assert chat(fake).status_code == 500
    assert chat(fake).json()["choices"][0]["message"]["content"] == "once"


def test_chance_is_repeated_by_the_seed() -> None:
    def run(seed: int) -> list[int]:
        with FakeServer([], seed=seed) as fake:
            fake.fault("error", probability=0.5)
            return [chat(fake).status_code for _ in range(20)]

    first = run(5)
    assert first == run(5) != run(6)
    assert {200, 500} == set(first)


def test_the_control_lists_adds_and_lifts(fake: FakeServer) -> None:
    control = f"{fake.url}/__fake__/faults"
    added = httpx2.post(control, json=[{"fault": "error", "times": 3}, {"fault": "bom"}])
    first, second = added.json()["added"]
    chat(fake)
    assert httpx2.get(control).json()["faults"][0] == {
        "name": first,
        "fault": "error",
        "times": 3,
        "struck": 1,
    }
    assert httpx2.delete(f"{control}/{second}").json() == {"removed": 1}
    assert httpx2.delete(f"{control}/{second}").status_code == 404
    assert httpx2.delete(control).json() == {"removed": 1}
    wrong = httpx2.post(control, json={"fault": "cut", "when": {"modell": "x"}})
    assert "unknown key 'modell' in when" in wrong.json()["error"]["message"]
    assert httpx2.post(control, json={"after": 1}).json()["error"]["message"].startswith("the key 'fault' is")


def test_what_a_reply_cannot_have_is_noted(fake: FakeServer) -> None:
    fake.fault("no-done")
    assert chat(fake).status_code == 200
    assert fake.requests[-1].faults == ("no-done: not possible, the reply is no event stream",)


@pytest.mark.parametrize("name", ["Date", "content-length", "transfer-encoding", "connection"])
def test_framing_fields_cannot_be_changed(fake: FakeServer, name: str) -> None:
    untouched = [field.lower() for field, _ in chat(fake).headers.multi_items()]
    for value in (None, "1"):
        fake.reset()
        fake.fault("header", name=name, value=value)
        assert [field.lower() for field, _ in chat(fake).headers.multi_items()] == untouched
        note = f"header: not possible, the server adds {name.lower()} itself, after the faults"
        assert fake.requests[-1].faults == (note,)


def test_a_reply_of_a_fault_is_framed_once(fake: FakeServer) -> None:
    fake.fault("reply", text="hello", headers={"Content-Length": "7", "transfer-encoding": "chunked", "X-More": "y"})
    reply = chat(fake)
    assert (reply.text, reply.headers["x-more"]) == ("hello", "y")
    assert reply.headers.get_list("content-length") == ["5"]
    assert "transfer-encoding" not in reply.headers


@pytest.mark.parametrize("name", ["X-Request-Id", "openai-version", "openai-processing-ms"])
def test_headers_of_every_reply_can_be_changed_and_left_out(fake: FakeServer, name: str) -> None:
    fake.fault("header", name=name, value="odd", times=1)
    assert chat(fake).headers.get_list(name) == ["odd"]
    fake.fault("header", name=name, value=None, times=1)
    assert chat(fake).headers.get_list(name) == []
    assert len(chat(fake).headers.get_list(name)) == 1


def test_a_fault_that_is_no_mapping_is_refused_in_words() -> None:
    for wrong, message in (("shout", "write {fault: shout}"), (3, "write {fault: NAME}")):
        with pytest.raises(ScriptError) as raised:
            parse([{"name": "a", "reply": {"text": "x", "faults": [wrong]}}], "s.yaml")
        assert str(raised.value) == f"s.yaml[0]: reply.faults.0: a fault is a mapping: {message}"


def test_the_page_of_faults_needs_a_section_for_each_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults_page, "_TITLES", dict.fromkeys(set(faults_page._TITLES) - {"edits"}))
    with pytest.raises(
        ValueError, match=r"^no section for faults in edits: add a title to _TITLES in faults_page\.py$"
    ):
        page()


def test_a_quota_tells_what_is_left_and_refills() -> None:
    now = [0.0]
    buckets = Buckets(Quota(requests=2, tokens=100, per=10.0), lambda: now[0])
    assert buckets.refuse() is None
    buckets.spend(30)
    assert buckets.headers() == {
        "x-ratelimit-limit-requests": "2",
        "x-ratelimit-remaining-requests": "1",
        "x-ratelimit-reset-requests": "5s",
        "x-ratelimit-limit-tokens": "100",
        "x-ratelimit-remaining-tokens": "70",
        "x-ratelimit-reset-tokens": "3s",
    }
    assert buckets.refuse() is None
    refused = buckets.refuse()
    assert refused is not None
    fields = dict(refused.headers)
    assert (refused.status, fields["retry-after"], fields["retry-after-ms"]) == (429, "5", "5000")
    assert b"Please try again in 5s." in b"".join(write.data for write in refused.writes)
    now[0] = 5.0
    assert buckets.refuse() is None
    buckets.spend(500)
    now[0] = 10.0
    refused = buckets.refuse()
    assert refused is not None
    assert b"Rate limit reached for tokens" in b"".join(write.data for write in refused.writes)


def test_a_quota_over_http(fake: FakeServer) -> None:
    fake.fault("quota", requests=2, per=600.0)
    answers = [chat(fake) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert [one.headers["x-ratelimit-remaining-requests"] for one in answers] == ["1", "0", "0"]
    assert 200 < int(answers[2].headers["retry-after"]) <= 300
    with (
        openai.OpenAI(base_url=fake.base_url, api_key="any", max_retries=0) as client,
        pytest.raises(openai.RateLimitError, match="limit 2 in 600 s"),
    ):
        client.models.list()


def test_the_official_sdk_meets_the_faults(fake: FakeServer) -> None:
    def stream(fault: str) -> str:
        with openai.OpenAI(base_url=fake.base_url, api_key="any", max_retries=0) as client:
            chunks = client.chat.completions.create(
                model="gpt-4o",
                messages=[{"role": "user", "content": "Repeat after me: one twö three"}],
                stream=True,
                extra_headers={"x-fake-fault": fault},
            )
            return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)

    whole_text = stream("merge")
    assert "three" in whole_text
    harmless = ("split;every=1", "split-utf8", "comments", "no-space", "line-ends", "double-done", "no-done")
    for fault in harmless:
        assert stream(fault) == whole_text, fault
    for fault, kind in (
        ("cut;after_events=3", Exception),
        ("error-event;after_events=2", openai.APIError),
        ("error;status=429", openai.RateLimitError),
        ("error;status=503", openai.InternalServerError),
        ("close", openai.APIConnectionError),
        ("close;ending=rst", openai.APIConnectionError),
    ):
        with pytest.raises(kind):
            stream(fault)


def test_reading_a_header_gives_faults() -> None:
    first, second = read('cut;after_seconds=1.5;ending=rst, error;message="a b"')
    assert first.to_dict() == {"fault": "cut", "after_seconds": 1.5, "ending": "rst"}
    assert second.to_dict() == {"fault": "error", "message": "a b"}
    assert read("") == []


def test_there_is_a_bound_on_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fake_server.faults.active.MOST", 1)
    some = ActiveFaults()
    some.add({"fault": "bom"})
    with pytest.raises(FaultError, match="at most 1 faults are in force"):
        some.add({"fault": "bom"})


def test_parameters_have_bounds() -> None:
    wrong: list[dict[str, Any]] = [
        {"fault": "comments", "count": 10**9},
        {"fault": "stall", "seconds": 10**9},
        {"fault": "cut", "probability": 2},
        {"fault": "header", "name": "a b"},
    ]
    for item in wrong:
        with pytest.raises(FaultError):
            faults.parse(item)


def test_the_page_of_faults_has_them_all() -> None:
    assert all(f"| `{name}` |" in page() for name in CATALOGUE)
