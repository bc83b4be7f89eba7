"""The times of HTTP fields (RFC 9110 section 5.6.7)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def parse_http_date(value: str | None) -> datetime | None:
    """The time of a field in UTC, in any of the forms that HTTP and mail know; None where it is none."""
    try:
        time = parsedate_to_datetime(value or "")
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None
