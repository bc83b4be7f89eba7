"""No file is named by a secret, no word about a recording holds one; names that tell where secrets stand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fake_server.relay.redact.names import is_secret_field, is_secret_name
from fake_server.relay.saving import SaveError, recording_name, save_recording
from fake_server.tests.planted_secrets import PLACES, PLAIN, SECRETS
from fake_server.tests.secrets_on_disk import texts_in
from fake_server.wire.fixture import Fixture, load


@pytest.mark.parametrize("part", ["title", "notes", "source"])
def test_known_secrets_are_taken_out_of_the_words(part: str, tmp_path: Path) -> None:
    words: dict[str, Any] = {part: f"seen at https://x/{PLAIN}/v1"}
    kept = save_recording(Fixture(PLACES["authorization in capitals"], **words), tmp_path / "one.yaml")
    assert getattr(load(kept.path), part) == f"seen at https://x/{'REDACTED'.ljust(len(PLAIN), 'x')}/v1"


@pytest.mark.security("credentials in written files")
@pytest.mark.parametrize("told", [PLAIN, PLAIN.lower(), PLAIN.encode().hex()])
def test_a_file_is_not_named_by_a_secret(told: str, tmp_path: Path) -> None:
    planted = PLACES["authorization in capitals"].but(label=f"case {told}")
    asked = planted.but(label="", request=replace(planted.request, target=f"/v1/{told}/models"))
    for one in (planted, asked):
        assert told not in recording_name(one)
        save_recording(Fixture(one), tmp_path / f"{recording_name(one)}.yaml")
    assert not [text for text in texts_in(tmp_path) for secret in SECRETS if secret in text]
    with pytest.raises(SaveError, match="credential") as refused:
        save_recording(Fixture(planted), tmp_path / f"{told}.yaml")
    assert PLAIN not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("api_key", True), ("OPENAI_API_KEY", True), ("clientSecret", True), ("x-api-key", True),
        ("refresh_token", True), ("hf_token", True), ("password", True), ("aws_secret_access_key", True),
        ("max_tokens", False), ("prompt_tokens", False), ("token", False), ("tokens", False), ("key", False),
        ("next_page_token", False), ("eos_token", False), ("prompt_cache_key", False),
        ("idempotency-key", False),
        ("x-ratelimit-key", False), ("encrypted_content", False), ("signature", False),
    ],
)  # fmt: skip
def test_names_that_say_that_a_value_is_secret(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("x-litellm-key", True), ("key", True), ("X-Upstream-Keys", True), ("dpop", True), ("Cookie2", True),
        ("idempotency-key", False), ("x-cache-key", False), ("Surrogate-Key", False),
        ("Sec-WebSocket-Key", False), ("x-ratelimit-limit-tokens", False), ("x-ratelimit-reset-tokens", False),
    ],
)  # fmt: skip
def test_fields_that_are_made_for_credentials(name: str, secret: bool) -> None:
    assert is_secret_field(name) is secret
