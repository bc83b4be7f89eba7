"""What `contract doctor` says of a reply, a certificate and a list of names."""

from __future__ import annotations

from collections.abc import Iterator

from contract_tests.rules.engine.view import View
from fake_server.relay.redact import excerpt
from fake_server.wire.text import format_count

MOST_NAMES = 5
"""Addresses or models that a step lists."""
BUFFERED = 1.0
"""Seconds after which a stream that comes at once may have been held back: a quick one fits into one write."""


def describe_reply(view: View, stream: bool) -> Iterator[str]:
    exchange = view.exchange
    yield f"status {view.status}, {excerpt(exchange.media_type or 'no media type', 60)}, {len(view.body):,} bytes"
    yield f"first byte after {exchange.head_pause:.3f} s"
    if stream and view.form == "events":
        pauses = sum(write.pause for write in exchange.writes[1:])
        events, writes = format_count(len(view.payloads), "event"), format_count(len(exchange.writes), "write")
        yield f"{events} in {writes} over {pauses:.3f} s"
        if len(exchange.writes) == 1 and len(view.payloads) > 1 and exchange.head_pause > BUFFERED:
            yield "all at once: it may be buffered on its way"
        if not any(payload.done for payload in view.payloads):
            yield "without [DONE]"


def describe_tls(tls: object) -> str:
    """The version and the certificate of a TLS connection."""
    version = getattr(tls, "version", lambda: None)() or "TLS"
    certificate: dict[str, object] = getattr(tls, "getpeercert", dict)() or {}
    ends = certificate.get("notAfter", "")
    return f"{version}, the certificate is trusted" + (f" and valid until {excerpt(str(ends), 40)}" if ends else "")


def some(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return ", ".join(excerpt(name, 60) for name in names[:MOST_NAMES]) + more
