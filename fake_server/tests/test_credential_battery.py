"""Each form of credential in each place: nothing of it can be read in the recording, however its parts are joined."""

from __future__ import annotations

import pytest

from fake_server.relay.redact import known_values, redact, scan
from fake_server.relay.redact.patterns import skip_prefix
from fake_server.tests.all_readings import leaks, readings
from fake_server.tests.credential_forms import CREDENTIALS, SPACED
from fake_server.tests.credential_places import PLACES, exchanges

FORMS = sorted((form for form in CREDENTIALS if form not in SPACED), key=lambda form: len(CREDENTIALS[form]))[:84]
"""The shortest: the time depends on their length, and nothing else does."""


@pytest.mark.security("credentials in written files")
@pytest.mark.parametrize("form", FORMS)
def test_nothing_of_a_credential_can_be_read(form: str) -> None:
    key = CREDENTIALS[form]
    secret = key[skip_prefix(key) :].removeprefix("eyJhbGciOiJIUzI1NiJ9.")
    for place, planted in exchanges(key):
        clean = redact(planted).exchange
        assert not leaks(readings(clean), secret), place
        if FORMS.index(form) % 4 == 0:
            assert scan(clean, known_values(planted)) == [], place


def test_there_are_enough_samples() -> None:
    assert len(FORMS) >= 83
    assert PLACES >= 59
