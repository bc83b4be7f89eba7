"""Every form of credential that has a mark is known by it; what only looks like one stays."""

from __future__ import annotations

import json

import pytest

from fake_server.relay.redact import mask_text, redact, scan
from fake_server.relay.redact.patterns import skip_prefix
from fake_server.tests.credential_forms import CREDENTIALS
from fake_server.tests.harmless_values import VALUES, places, stream
from fake_server.tests.planted_secrets import exchange

TEXTS = (  # one a line
    "Incorrect API key provided: {}.",
    "{}",
    '{{"a":"{}"}}',
    "see https://x/v1?q={}&a=1",
    "then {} and more",
    "('{}',)",
)


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize("form", CREDENTIALS)
def test_a_credential_is_known_by_its_form(form: str) -> None:
    credential = CREDENTIALS[form]
    rest = credential[skip_prefix(credential) :].removesuffix("@host/v1").removeprefix("eyJhbGciOiJIUzI1NiJ9.")
    masked = mask_text("\n".join(text.format(credential) for text in TEXTS), ())
    assert mask_text(masked, ()) == masked
    for line, text in zip(masked.splitlines(), TEXTS, strict=True):
        assert rest[:12] not in line.replace("REDACTED", ""), text
        assert rest[-10:] not in line, text


@pytest.mark.parametrize("kind", VALUES)
def test_a_harmless_value_survives(kind: str) -> None:
    everywhere = places(VALUES[kind])
    for body in (json.dumps(everywhere).encode(), stream(VALUES[kind])):
        planted = exchange(body)
        clean = redact(planted).exchange
        if clean != planted:
            after = json.loads(clean.payload)
            assert [place for place in everywhere if after[place] != everywhere[place]] == []
        assert scan(planted) == []


def test_there_are_enough_samples() -> None:
    assert len(CREDENTIALS) >= 83
    assert len(VALUES) * (len(places("a")) + 1) >= 940


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("?code=abc1&x=1", "x=1"),
        ("/callback?code=SECRET&state=open", "state=open"),
        ("https://x/?X-Amz-Signature=abcdef12&X-Amz-Date=20240718", "X-Amz-Date=20240718"),
        ("?access_token=a1&page=2", "page=2"),
        ("a=1&client_secret=abcd&grant_type=client_credentials", "grant_type=client_credentials"),
        ("?sig=abcd&se=2024", "se=2024"),
        ("?code_verifier=abcd1234&code_challenge_method=S256", "code_challenge_method=S256"),
        ("?SAMLResponse=PHNhbWw%2B&RelayState=home", "RelayState=home"),
        ("?api_key=y&model=gpt-4o", "model=gpt-4o"),
        ("?pass=hunter2&user=me", "user=me"),
        ("?state=Zq81opaqueValue77of&page=2", "page=2"),
    ],
)
@pytest.mark.security("credentials in output")
def test_a_parameter_made_for_a_credential_is_masked(text: str, stays: str) -> None:
    masked = mask_text(text, ())
    assert masked.endswith(stays)
    value = text.partition("=")[2].partition("&")[0] if not text.startswith(("a=", "/", "https")) else None
    assert masked != text
    assert value is None or f"={value}" not in masked


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-1234.",
        "the api key 'abc123' is unknown",
        "api_key=ab12",
        "no access token: t0ken",
    ],
)
@pytest.mark.security("credentials in output")
def test_a_short_key_that_an_error_quotes_is_masked(text: str) -> None:
    assert not any(key in mask_text(text, ()) for key in ("1234", "abc123", "ab12", "t0ken"))


def test_words_about_keys_stay() -> None:
    text = json.dumps(
        ["the api key was not found", "an API key is a key", "?state=open", "?q=token", "auth token given"]
    )
    assert mask_text(text, ()) == text
