"""A key that is planted, and whether a text shows it."""

from __future__ import annotations

from fake_server.relay.redact.known import encoded_forms
from fake_server.relay.redact.patterns import skip_prefix

KEY = "zq81-Planted-0123456789-bcdfg"
"""A key without a mark: it is known because the run sends it."""


def readable(secret: str, text: str) -> list[str]:
    """The parts of a secret that stand in a text, in any letter case, also encoded."""
    rest = secret[skip_prefix(secret) :].removeprefix("https://me:").removesuffix("@host/v1")
    rest = rest.removeprefix("eyJhbGciOiJIUzI1NiJ9.")
    small, spelt = text.lower().replace("redacted", ""), {rest: 10}
    spelt |= dict.fromkeys(encoded_forms(rest), 16)
    spelt |= {"".join(f"%{ord(char):02x}" for char in rest): 24, "".join(f"\\u{ord(char):04x}" for char in rest): 48}
    parts = (form[at : at + size].lower() for form, size in spelt.items() for at in range(max(1, len(form) - size + 1)))
    return [part for part in parts if part in small]
