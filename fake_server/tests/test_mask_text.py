"""What a person is shown holds no credential: neither one with a known form nor a key of this run."""

from __future__ import annotations

import base64
import json
import re
import time
from urllib.parse import quote

import pytest

from fake_server.relay.redact import excerpt, excerpts_without, mask_excerpt, mask_text, shorten_masked
from fake_server.tests.credential_forms import CREDENTIALS
from fake_server.tests.harmless_values import VALUES
from fake_server.tests.planted_secrets import KEY, PLAIN


@pytest.mark.parametrize(
    "text",
    [
        f"no such key: {PLAIN}",
        f"no such key: {PLAIN.upper()}",
        f"https://x/v1?code={PLAIN}&a=1",
        f"https://me:{PLAIN}@x/v1",
        json.dumps({"a": json.dumps({"b": PLAIN})}),
        quote(f"key={PLAIN}", safe="").replace("Z", "%5A"),
        "".join(f"\\u{ord(char):04x}" for char in PLAIN),
        base64.b64encode(f"the key {PLAIN} is wrong".encode()).decode(),
        PLAIN.encode().hex(),
        f"two lines\r\nX-API-Key: {PLAIN}\r\n",
        f"größer {PLAIN}",
    ],
)
@pytest.mark.security("credentials in output")
def test_a_known_key_is_not_shown(text: str) -> None:
    masked = mask_text(text, [PLAIN])
    assert len(masked) == len(text)
    assert PLAIN.lower() not in masked.lower()
    assert base64.b64encode(PLAIN.encode())[:20].decode() not in masked
    assert PLAIN.encode().hex() not in masked
    assert mask_text(masked, [PLAIN]) == masked


@pytest.mark.parametrize("text", [f"quotes {KEY}", f"?code={PLAIN}", f"access_token={PLAIN}", f"X-Api-Key: {PLAIN}"])
@pytest.mark.security("credentials in output")
def test_a_credential_nobody_named_is_not_shown(text: str) -> None:
    masked = mask_text(text, ())
    assert KEY[8:] not in masked
    assert PLAIN not in masked


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("sk-1234", "Incorrect API key provided: sk-1234."),
        ("sk-1234", '{"seen":"sk-1234"}'),
        ("abc1", "the token abc1 is unknown"),
        ("test", "Incorrect API key provided: test."),
        ("test", "Authorization: Bearer test"),
        ("test", "https://x/v1?api_key=test&latest=1"),
        ("test", '{"api_key": "test"}'),
        ("1234", "key 1234 is unknown"),
        ("x", "?key=x"),
    ],
)
@pytest.mark.security("credentials in output")
def test_a_short_key_is_not_shown_where_a_key_stands(key: str, text: str) -> None:
    masked = mask_text(text, [key])
    assert key not in masked.replace("latest", "").replace("Auth", "") or set(key) == {"x"}
    assert len(masked) == len(text)


@pytest.mark.parametrize("key", ["test", "EMPTY", "1234", "a", "no-key-needed", "", "sk-"])
def test_a_short_word_stays_where_no_key_stands(key: str) -> None:
    text = "the latest test is EMPTY after 1234 requests: a list, no-key-needed"
    assert mask_text(text, [key]) == text


@pytest.mark.parametrize(
    "form", [form for form in CREDENTIALS if re.match(r"(?!scauth)[a-z_]{3,}[-_]\{|hf_|r8_", form)]
)
@pytest.mark.security("credentials in output")
def test_the_start_of_a_credential_that_was_cut_is_not_shown(form: str) -> None:
    mark, credential = form.partition("{")[0], CREDENTIALS[form]
    for size in (10, 14, 20):
        start = credential[: len(mark) + size]
        for text in (f"not a header name: {start!r}", f"it says {start}…", f"it says {start}...", f"ends in {start}"):
            if any(map(str.isdigit, start)):
                assert start[len(mark) :] not in mask_excerpt(text)


@pytest.mark.parametrize("kind", VALUES)
def test_a_harmless_value_is_shown(kind: str) -> None:
    value = VALUES[kind]
    for text in (f"the field {value[:40]!r}", f"it says {value}", f"it says {value[:50]}…", f"id: {value[:33]}"):
        assert mask_excerpt(text) == text


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize("colour", ["\x1b[31m", "\\x1b[1;31m", "\\u001b[0m", "\\033[m", "�[32m"], ids=range(5))
def test_a_credential_in_colour_is_masked_and_the_colour_stays(colour: str) -> None:
    masked = mask_excerpt(f"a {colour}{CREDENTIALS['ghp_{A36}']}{colour} b")
    assert masked.replace("x", "") == f"a {colour}ghp_REDACTED{colour} b".replace("x", "")


def test_what_is_quoted_is_masked_before_it_is_cut() -> None:
    text = f"{'x' * 40} {KEY} and more"
    for limit in range(40, 40 + len(KEY)):
        assert KEY[12:16] not in excerpt(text, limit)
        assert KEY[12:16] not in shorten_masked(text, limit)
    encoded = f"{'x' * 40} {base64.b64encode(PLAIN.encode()).decode()} and more"
    with excerpts_without(lambda: [PLAIN]):
        assert "x" * 41 not in excerpt(encoded, 41)
        assert base64.b64encode(PLAIN.encode()).decode()[:12] not in excerpt(encoded, 56)
        assert excerpt("abc", 2) == "ab"
    assert excerpt(encoded, 56).endswith(base64.b64encode(PLAIN.encode()).decode()[:15])


@pytest.mark.security("hostile targets")
@pytest.mark.parametrize("piece", ["sk-abcdefg ", "\x1b[31ma", "Bearer x9-y8-z7 ", "zq81-Pla ", "ghp_abc123'"])
def test_masking_takes_time_in_proportion(piece: str) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        began = time.process_time()
        mask_excerpt(text, ["zq81-Planted-0123456789"])
        return time.process_time() - began

    seconds(20_000)
    assert seconds(160_000) < 20 * seconds(40_000) + 1


@pytest.mark.parametrize(
    "text",
    [
        '-H "Authorization: Bearer $OPENAI_API_KEY" \\\n -d \'{"model":"gpt-4o-mini","messages":[{"role":"user"}]}\'',
        '{"header": "Authorization: Bearer $OPENAI_API_KEY", "model": "gpt-4o-mini-2024-07-18", "role": "user"}',
        '["OPENAI_API_KEY", "gpt-4o-mini", "Write", "a", "poem"]',
        'export OPENAI_API_KEY="<your key>"; curl "$URL" -d \'{"model": "GPT-4o-mini-2024"}\'',
    ],
)
def test_a_text_that_stands_for_a_key_hides_nothing_beside_it(text: str) -> None:
    assert mask_text(text, []) == text


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize("start", [3, 6, 9, 13])
@pytest.mark.parametrize("stop", [None, -1, -4])
@pytest.mark.parametrize("text", ["no such key: ***{}", '{{"hint": "{}"}}', "{}", "x{}x", "…{}…"])
def test_a_known_key_that_was_cut_in_front_is_masked(start: int, stop: int | None, text: str) -> None:
    for key in ("kdpZq8Xv7Tn4Lw2Rb9Kd3Hf6Jm1Pc", "sk-proj-R7kq93LmZx0TtVb2NcYw8Ha5_Qe1"):
        part = key[start:stop]
        for written in (part, part.upper()):
            masked = mask_excerpt(text.format(written), (key,))
            assert not any(written[at : at + 8] in masked for at in range(len(written) - 7))


def test_words_that_a_known_key_is_made_of_are_not_masked() -> None:
    key = "my-company-production-deployment-key1"
    for text in ("production-deployment of a company", "key1", "deployment-keys", "a production-deployment-key"):
        assert mask_excerpt(text, (key,)) == text
