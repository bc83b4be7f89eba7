"""Header fields as people may see them: values that are made for credentials are replaced."""

from __future__ import annotations

import re

from fake_server.relay.redact.body import mask_text
from fake_server.relay.redact.names import is_secret_field

REDACTED = "<redacted>"
_SECRET = re.compile(r"authorization|api-?key|token|secret|password|cookie|subscription-key")


def shown_value(name: str, value: str) -> str:
    """The value of a field with this name in lower case, or `<redacted>`."""
    return REDACTED if _SECRET.search(name) or is_secret_field(name) else mask_text(value, ())
