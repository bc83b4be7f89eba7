"""A key that several items spell is found in any joining, and what is recorded goes on to agree with itself."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from fake_server.relay.redact import known_values, redact, scan
from fake_server.relay.redact.patterns import skip_prefix
from fake_server.relay.saving import SaveError, save_recording
from fake_server.tests.all_readings import leaks, readings
from fake_server.tests.credential_forms import CREDENTIALS
from fake_server.tests.credential_places import EVENTS, MEMBERS, cut, halves, legacy, token
from fake_server.tests.planted_secrets import PLAIN, SENT, exchange, stream
from fake_server.wire.exchange import Exchange
from fake_server.wire.fixture import Fixture, load

Parsed = dict[str, Any]


def chat(key: str, size: int = 3) -> Parsed:
    """A reply that repeats the key, with log probabilities."""
    tokens = ["it", " is", " ", *cut(key, size), "."]
    content = [token(piece, piece, "no") for piece in tokens]
    return {"choices": [{"index": 0, "message": {"content": "".join(tokens)}, "logprobs": {"content": content}}]}


SPELLED: dict[str, Any] = {
    **{name: place(PLAIN) for name, place in MEMBERS.items()},
    "log probabilities": chat(PLAIN),
    "log probabilities of one character": chat(PLAIN, 1),
    "two members": dict(zip("ab", halves(PLAIN), strict=True)),
    "two members with a number between": {"a": halves(PLAIN)[0], "n": 7, "b": halves(PLAIN)[1]},
    "a name and its value": dict([halves(PLAIN)]),
    "names of objects": [{piece: -0.5} for piece in cut(PLAIN, 4)],
    "spaces between": " ".join(PLAIN),
    "lines": "\n".join(cut(PLAIN, 6)),
    "a list of Python": str(list(PLAIN)),
    "bytes in words": " ".join(f"{code:02x}" for code in PLAIN.encode()),
    "bytes of C": ", ".join(f"0x{code:02X}" for code in PLAIN.encode()),
    "binary": " ".join(f"{code:08b}" for code in PLAIN.encode()),
    "octal": "".join(f"\\{code:03o}" for code in PLAIN.encode()),
    "code points": " ".join(f"U+{code:04X}" for code in PLAIN.encode()),
    "codes of its base64": [[ord(char) for char in piece] for piece in cut(MEMBERS["base64"](PLAIN), 5)],  # type: ignore[arg-type]
    "pieces with empty strings": [part for piece in cut(PLAIN, 3) for part in (piece, "")],
    "three deep": [[[piece] for piece in cut(half, 4)] for half in halves(PLAIN)],
    "in capitals": cut(PLAIN.upper(), 5),
    "messages": {"messages": [{"role": "user", "content": [{"text": piece}]} for piece in cut(PLAIN, 9)]},
    "embedding": {"data": [{"embedding": [float(code) for code in PLAIN.encode()], "index": 0}]},
}
READ_BY_FEW = {"in capitals", "binary", "octal", "names of objects", "code points", "codes of its base64"}
"""What the reader of these tests does not read, but the second decoder does."""


def planted(value: Any) -> Exchange:
    return exchange(json.dumps(value).encode(), request=SENT)


@pytest.mark.security("credentials in written files")
@pytest.mark.parametrize("place", SPELLED)
def test_a_known_key_is_found_however_it_is_spelled(place: str) -> None:
    before = planted(SPELLED[place])
    assert leaks(readings(before), PLAIN) or place in READ_BY_FEW
    clean = redact(before).exchange
    assert not leaks(readings(clean).lower(), PLAIN.lower())
    assert len(clean.payload) == len(before.payload)
    after = json.loads(clean.payload)
    assert _shape(after) == _shape(SPELLED[place]) or place == "escapes of a log"  # several characters became one


def _shape(value: Any) -> Any:
    """A value without the letters of its strings and the digits of its numbers."""
    match value:
        case dict():
            return [_shape(member) for member in value.values()]
        case list():
            return [_shape(item) for item in value]
        case str():
            return len(value)
    return type(value)


@pytest.mark.security("credentials in written files")
@pytest.mark.parametrize("place", SPELLED)
def test_the_second_decoder_finds_it_as_well(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = planted(SPELLED[place])
    known = known_values(before)
    assert [leak for leak in scan(before, known) if "response body" in leak.where]
    assert scan(redact(before).exchange, known) == []


def test_a_refusal_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fake_server.relay.redact.body.spelled_edits", lambda *_: ())
    with pytest.raises(
        SaveError, match=r"response body, over the items of choices\.\*\.logprobs\.content\.\*\.token: Zq8"
    ):
        save_recording(Fixture(planted(chat(PLAIN))), tmp_path / "one.yaml")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.security("credentials in written files")
@pytest.mark.parametrize("size", [1, 2, 3, 7, 40])
def test_text_tokens_and_bytes_agree(size: int, tmp_path: Path) -> None:
    saved = save_recording(Fixture(planted(chat(PLAIN, size))), tmp_path / "one.yaml")
    [choice] = json.loads(load(saved.path).exchange.payload)["choices"]
    content = choice["logprobs"]["content"]
    assert "".join(entry["token"] for entry in content) == choice["message"]["content"] != f"it is {PLAIN}."
    for entry in content:
        for alternative in (entry, *entry["top_logprobs"]):
            assert bytes(alternative["bytes"]).decode() == alternative["token"]
        assert entry["top_logprobs"][0]["token"] == entry["token"]
        assert entry["top_logprobs"][1]["token"] == "no"
    assert "choices[0].message.content" in saved.answer


@pytest.mark.security("credentials in written files")
def test_tokens_of_a_completion_agree() -> None:
    clean = redact(planted({"choices": [{"text": f"it is {PLAIN}", "logprobs": legacy(PLAIN)}]})).exchange
    [choice] = json.loads(clean.payload)["choices"]
    logprobs = choice["logprobs"]
    assert "".join(logprobs["tokens"]) == choice["text"] != f"it is {PLAIN}"
    for piece, offset, ranks in zip(
        *(logprobs[name] for name in ("tokens", "text_offset", "top_logprobs")), strict=True
    ):
        assert choice["text"].startswith(piece, offset)
        assert list(ranks) == [piece, "no"]


@pytest.mark.security("credentials in written files")
@pytest.mark.parametrize("place", EVENTS)
@pytest.mark.parametrize("sent", [True, False])
def test_a_key_in_a_stream_is_found(place: str, sent: bool) -> None:
    key = PLAIN if sent else "sk-proj-R7kq93LmZx0TtVb2NcYw8Ha5Qe1R7kq93"
    before = stream(*EVENTS[place](key), b"[DONE]", request=SENT if sent else ())
    clean = redact(before).exchange
    assert not leaks(readings(clean), key.removeprefix("sk-proj-"))
    assert scan(clean, known_values(before)) == []
    for event in clean.payload.split(b"\n\n")[:-2]:
        for choice in json.loads(event.removeprefix(b"data: ")).get("choices", ()):
            for entry in choice.get("logprobs", {}).get("content", ()):
                assert choice["delta"]["content"] == entry["token"] == bytes(entry["bytes"]).decode()


@pytest.mark.security("credentials in written files")
@pytest.mark.parametrize("size", [5, 12, 20])
def test_a_key_in_several_fields_is_found(size: int) -> None:
    fields = tuple((f"X-Part-{number}", piece) for number, piece in enumerate(cut(PLAIN, size)))
    before = exchange(headers=fields, request=SENT)
    clean = redact(before).exchange
    assert not leaks(readings(clean), PLAIN)
    assert [leak for leak in scan(before, known_values(before)) if "joined" in leak.where]
    assert scan(clean, known_values(before)) == []
    assert [len(value) for _, value in clean.headers] == [len(value) for _, value in before.headers]


def test_a_key_of_six_characters_is_found_in_tokens() -> None:
    before = exchange(json.dumps(chat("sk-123", 2)).encode(), request=(("Authorization", "Bearer sk-123"),))
    content = json.loads(redact(before).exchange.payload)["choices"][0]["message"]["content"]
    assert content == "it is sk-XXX."


@pytest.mark.security("credentials in written files")
@pytest.mark.parametrize("form", ["pplx-{A48}", "hf_{A34}", "lin_api_{A40}", "sk-{A48}", "ghp_{A36}"])
def test_copies_side_by_side_do_not_hide_each_other(form: str) -> None:
    """The first copy seems to end in the mark of the second."""
    key = CREDENTIALS[form]
    error = {
        "message": f"no such key: {key}. Go on.",
        "type": key,
        "param": 5,
        "code": {"a": key},
        "tokens": cut(key, 5),
    }
    clean = redact(exchange(json.dumps({"error": error, "again": [key, key]}).encode())).exchange
    assert not leaks(readings(clean), key[skip_prefix(key) :])
    assert scan(clean) == []


@pytest.mark.parametrize(
    "value",
    [
        {"packages": ["sk-learn", "scikit_learn_2024", "risk-", "model-of-a-task"]},
        {"words": ["desk-", "top-publishing", "is", "a-word-of-1985"]},
        {"rows": [[f"a{number}", number, 1.5] for number in range(200)]},
        {"vector": [number / 7 for number in range(-50, 50)], "bytes": list(range(32, 127))},
        {
            "content": [
                token(word) for word in ["a", "sk-fake", "key", ",", "is", "no", "key", "of", "2024", "at", "all"]
            ]
        },
        {"prefix": "sk-", "id": "chatcmpl-B7oTreePoem"},
        {"ids": [f"call_{number:024x}" for number in range(40)]},
    ],
)
def test_items_that_spell_nothing_stay(value: Any) -> None:
    before = exchange(json.dumps(value).encode())
    assert redact(before).exchange == before
    assert scan(before) == []


@pytest.mark.parametrize("word", [" key", " money", "They", "ey", "e"])
@pytest.mark.parametrize("padding", ["J6SgwWvOD4", "JhbnK2x", "yJ0qPm3Wd"])
def test_a_word_before_padding_is_no_token(word: str, padding: str) -> None:
    """`key` before padding that begins with J reads like the head of a signed token."""
    chunk = {"id": "chatcmpl-6xqCwABvkLadx5xjN7lOurVqamQc5", "object": "chat.completion.chunk", "model": "gpt-4o-mini"}
    chunks = [
        {**chunk, "choices": [{"index": 0, "delta": {"content": text}}], "obfuscation": filler}
        for text, filler in ((word, padding), (".", "nC0vAfkvEqgum5"), ("", "88nC0vAfkvEq"))
    ]
    before = stream(*chunks)
    assert redact(before).exchange == before
    assert scan(before) == []


@pytest.mark.security("work of one request")
@pytest.mark.parametrize(
    "part",
    [
        '["a",',
        '{"a":"b"},',
        "65, ",
        "73 6b ",
        '{"a":',
        '["s","k","-"],',
        '"\\u0041",',
        '{"token":"ab","bytes":[65,66]},',
    ],
)
def test_items_take_time_in_proportion(part: str) -> None:
    def seconds(size: int) -> float:
        before = exchange(f"[{part * (size // len(part))}".encode(), request=SENT)
        started = time.process_time()
        scan(redact(before).exchange, [PLAIN])
        return time.process_time() - started

    small = max(seconds(10_000), 0.02)
    assert seconds(40_000) < 16 * small  # in proportion it is 4
