"""What the user says is no secret stays; the real key never does; a reply changed inside its answer says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fake_server.relay.redact import Kept, redact
from fake_server.relay.saving import Saved, save_recording
from fake_server.replay.matching import RecordingMatcher
from fake_server.tests.planted_secrets import KEY, call, exchange, stream
from fake_server.wire.exchange import Exchange, Headers
from fake_server.wire.fixture import Fixture, load

SENT: Headers = (("Authorization", f"Bearer {KEY}"),)
WORD = "mellon"


def calls(arguments: str) -> bytes:
    function = {"name": "unlock", "arguments": arguments}
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c", "type": "function", "function": function}],
    }
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}).encode()


def unlock(word: str = WORD, name: str = "password", asked: bytes = b"{}", **more: Any) -> Exchange:
    return exchange(calls(json.dumps({name: word})), asked=asked, request=SENT, **more)


def save(planted: Exchange, folder: Path, **options: Any) -> tuple[Saved, Fixture]:
    saved = save_recording(Fixture(planted), folder / "one.yaml", **options)
    return saved, load(saved.path)


STREAM = stream(call('{"pass'), call(f'word":"{WORD[:3]}'), call(f'{WORD[3:]}"}}'), b"[DONE]", request=SENT)


@pytest.mark.parametrize("planted", [unlock(), STREAM, unlock(asked=b'{"password": "mellon"}')])
@pytest.mark.parametrize("options", [{"keep": [WORD]}, {"keep_names": ["password"]}, {"keep_names": ["Password"]}])
def test_what_is_named_stays(planted: Exchange, options: dict[str, Any], tmp_path: Path) -> None:
    saved, loaded = save(planted, tmp_path, **options)
    assert loaded.exchange.payload == planted.payload
    assert loaded.exchange.request.body == planted.request.body
    assert (saved.answer, loaded.notes) == ((), "")
    assert KEY not in str(loaded)


@pytest.mark.parametrize("word", ['two "words"', "Größe 8", "sk-no-secret-of-anybody-0123456789", "a/b+c=d 100%"])
def test_a_kept_value_stays_however_it_is_written(word: str, tmp_path: Path) -> None:
    planted = unlock(word, headers=(("X-Session-Token", word.encode("ascii", "ignore").decode()),))
    _, loaded = save(planted, tmp_path, keep=[word, word.encode("ascii", "ignore").decode()])
    assert loaded.exchange == planted.but(request=loaded.exchange.request)


@pytest.mark.parametrize("planted", [unlock(), STREAM])
@pytest.mark.parametrize("options", [{}, {"keep": ["friend"]}, {"keep_names": ["secret"]}])
def test_a_reply_changed_inside_its_answer_says_so(planted: Exchange, options: dict[str, Any], tmp_path: Path) -> None:
    saved, loaded = save(planted, tmp_path, **options)
    [path] = saved.answer
    assert path.endswith(".tool_calls[0].function.arguments.password")
    assert f"Redacted inside the answer ({path}): a client that acts on it takes another course" in loaded.notes
    assert WORD.encode() not in loaded.exchange.payload


@pytest.mark.parametrize(
    ("planted", "answer"),
    [
        (exchange(b'{"error":{"message":"Incorrect API key provided: %s"}}' % KEY.encode()).but(status=401), ()),
        (exchange(b"{}", headers=(("Set-Cookie", "a=0123456789abcdef0123"),)), ()),
        (exchange(b"the key is " + KEY.encode(), kind="text/plain"), ("the body",)),
    ],
)
def test_only_a_successful_reply_has_an_answer(planted: Exchange, answer: tuple[str, ...], tmp_path: Path) -> None:
    assert save(planted, tmp_path)[0].answer == answer


@pytest.mark.parametrize("kept", [Kept.of([KEY]), Kept.of([KEY[8:]]), Kept.of([], ["api_key", "authorization", "key"])])
@pytest.mark.parametrize("request_", [SENT, (("api-key", KEY),), (), (("Cookie", f"key={KEY}"),)])
def test_the_real_key_is_never_kept(kept: Kept, request_: Headers) -> None:
    body = json.dumps({"api_key": KEY, "message": f"no such key {KEY}"}).encode()
    planted = exchange(body, asked=body, target=f"/v1/models?key={KEY}", request=request_)
    assert KEY[8:] not in str(redact(planted, [KEY], kept).exchange)
    assert KEY[8:] not in str(redact(planted, (), kept).exchange)


def test_a_short_key_is_not_kept_either() -> None:
    """`mellon` is too common to be searched for everywhere, but where a key stands it is the key."""
    planted = exchange(calls('{"password":"mellon"}'), request=(("Authorization", "Bearer mellon"),))
    for kept in (Kept.of([WORD]), Kept.of([], ["password"])):
        assert WORD not in str(redact(planted, (), kept).exchange)


def test_a_kept_name_keeps_nothing_that_looks_like_a_key() -> None:
    planted = unlock("sk-ant-0123456789abcdef0123456789")
    assert b"0123456789abcdef" not in redact(planted, (), Kept.of([], ["password"])).exchange.payload


def test_a_request_with_a_kept_value_and_a_secret_finds_its_recording(tmp_path: Path) -> None:
    """The recording holds the one and a dummy for the other; another value is another request."""

    def asked(word: str) -> bytes:
        texts = [json.dumps({"password": word}), f"the key is {KEY}"]
        return json.dumps({"messages": [{"role": "user", "content": text} for text in texts]}).encode()

    planted = unlock(asked=asked(WORD))
    _, loaded = save(planted, tmp_path, keep=[WORD])
    assert WORD.encode() in loaded.exchange.request.body
    assert KEY.encode() not in loaded.exchange.request.body
    matcher = RecordingMatcher([loaded.exchange])
    assert matcher.answer(planted.request) is loaded.exchange
    assert matcher.answer(exchange(asked=asked("friend")).request).status == 404
