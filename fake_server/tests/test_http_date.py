"""The times of HTTP fields are read in one place."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fake_server.wire.http_date import parse_http_date

TIME = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 10:49:37 +0200",
    ],
)
def test_every_form_of_a_date(value: str) -> None:
    assert parse_http_date(value) == TIME


@pytest.mark.parametrize("value", [None, "", "soon", "12", "2026-11-29T21:38:14Z", "99, 99 Nov 1994 08:49:37 GMT"])
def test_what_is_no_date(value: str | None) -> None:
    assert parse_http_date(value) is None
