"""Shrinking real recordings of other servers, raw replies, and anything at all."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contract_tests.recordings.reading import read
from contract_tests.rules import RULES, judge
from contract_tests.rules.judged import Judged
from contract_tests.shrinking.shrink import shrink, shrink_judged
from contract_tests.tests.shared import SHARED, needs_recordings
from fake_server.wire import fixture
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.exchange import Ending, Exchange, Framing, Request, Write
from fake_server.wire.proof import differences

ASKED = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Write."}],"stream":true}'


# -- real recordings of other servers


@cache
def _of(provider: str) -> list[Exchange]:
    return [recording.exchange for recording in read(SHARED / "recordings" / f"{provider}.jsonl")]


ALSO = {
    "groq": {"chat.stream.other-model", "chat.stream.same-id"},
    "databricks": {"chat.stream.other-model"},
    "together": {"chat.stream.finish-alone"},
    "huggingface": {"formats.refusal-member"},
    **{name: {"formats.refusal-member", "logprobs.member"} for name in ("mistral", "ollama")},
}
"""What stays beside the rule: faults of every reply of this provider, which leaving bytes out does not mend."""


@pytest.mark.slow
@needs_recordings
@pytest.mark.parametrize(
    ("provider", "rule"),
    [
        ("mistral", "tools.type"),
        ("mistral", "usage.adds-up"),
        ("groq", "chat.stream.role-first"),
        ("together", "chat.stream.finishes-once"),
        ("openrouter", "chat.stream.finishes-once"),
        ("azure", "chat.stream.delta"),
        ("ollama", "tools.choice-kept"),
        ("huggingface", "formats.no-thinking"),
        ("databricks", "tools.arguments-json"),
        ("vllm", "formats.no-control-tokens"),
    ],
)
def test_a_recorded_fault_becomes_a_small_fixture(provider: str, rule: str, tmp_path: Path) -> None:
    whole = next(one for one in _of(provider) if rule in judge(one).ids())

    done = shrink_judged(Judged(whole), RULES[rule], seconds=120)

    assert judge(done.after).ids() == {rule} | ALSO.get(provider, set())
    fixture.save(fixture.Fixture(done.after, rule, (rule,)), tmp_path / "small.yaml")
    assert len((tmp_path / "small.yaml").read_text().splitlines()) < 40
    assert len(done.after.payload) < 800
    assert judge(fixture.load(tmp_path / "small.yaml").exchange).ids() == judge(done.after).ids()


# -- replies whose raw bytes were kept


def captured(raw: bytes) -> Exchange:
    reply = ReplyCapture(Request("POST", "/v1/chat/completions", (), ASKED), keep_raw=True)
    reply.feed(raw)
    reply.eof()
    return reply.exchange


STREAM = b"""HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nx-request-id: a\r\nX-Noise: 1\r\n\
Transfer-Encoding: chunked\r\n\r\n"""


def test_raw_bytes_go_where_the_fault_is_another() -> None:
    body = b'data: {"error":7}\n\n'
    whole = captured(STREAM + b"%04X\r\n%s\r\n0\r\n\r\n" % (len(body), body))
    assert whole.raw
    rule = next(name for name in sorted(judge(whole).ids()) if name.startswith("errors."))

    after = shrink_judged(Judged(whole), RULES[rule]).after

    assert not after.raw
    assert differences(after) == []


def test_raw_bytes_stay_where_they_are_the_fault() -> None:
    whole = captured(STREAM + b"zz\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
    assert "http.framing" in judge(whole).ids()

    after = shrink_judged(Judged(whole), RULES["http.framing"]).after

    assert b"zz" in b"".join(write.data for write in after.raw)
    assert "X-Noise" not in str(after.headers)
    assert differences(after) == []


# -- anything at all

BODIES = st.binary(max_size=80) | st.lists(
    st.sampled_from(
        [
            *(b'data: {"choices":[{"delta":{"content":"a"}}]}', b"data: [DONE]", b": c", b"event: x"),
            *(
                b'{"error":{"message":"no"}}',
                b"\n",
                b"\n\n",
                b"\r\n\r\n",
                b"<html>",
                b"\xff",
                b"\xef\xbb\xbf",
            ),
            *(b'{"id":1,', b"[1,2,]", b'"\\ud83d\\ude00', b"null"),
        ]
    ),
    max_size=6,
).map(b"".join)
FIELDS = st.lists(
    st.sampled_from(
        [
            ("Content-Type", "application/json"),
            ("Content-Type", "text/event-stream"),
            ("Content-Encoding", "gzip"),
            ("Content-Length", "7"),
            ("X-Any", "\u00e9"),
        ]
    ),
    max_size=3,
).map(tuple)
EXCHANGES = st.builds(
    Exchange,
    st.builds(
        Request,
        st.sampled_from(["GET", "POST", "HEAD"]),
        st.sampled_from(["/v1/chat/completions", "/v1/models", "/x?y=1"]),
        st.none() | FIELDS,
        BODIES | st.just(ASKED),
    ),
    st.none() | st.sampled_from([200, 204, 302, 400, 401, 500]),
    FIELDS,
    st.lists(st.builds(Write, BODIES, st.sampled_from([0.0, 1.5])), max_size=3).map(tuple),
    st.sampled_from(list(Ending)),
    st.none() | st.sampled_from(list(Framing)),
    problem=st.sampled_from(["", "something"]),
    trailers=FIELDS,
    informational=st.just(()) | st.just(((103, (("Link", "x"),)),)),
    raw=st.just(()) | BODIES.map(lambda body: (Write(body),)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EXCHANGES)
def test_any_exchange_can_be_shrunk(exchange: Exchange) -> None:
    before = judge(exchange).ids()
    for name in sorted(before)[:2]:
        done = shrink_judged(Judged(exchange), RULES[name], seconds=120, max_calls=400)

        after = judge(done.after).ids()
        assert name in after
        assert after <= before


@settings(max_examples=60, deadline=None)
@given(EXCHANGES)
@example(
    Exchange(
        Request("HEAD", "/v1/chat/completions", None, b""),
        400,
        (),
        (Write(b"\x00"),),
        Ending.MALFORMED,
        raw=(Write(b""),),
    )
)
def test_where_everything_may_go_nothing_is_left(exchange: Exchange) -> None:
    after = shrink(exchange, lambda candidate: True, seconds=120).after

    assert len(after.payload) <= len(exchange.payload)
    assert not after.raw
    if exchange.ending is not Ending.OVERSIZED:
        assert len(after.writes) <= 1
