"""Removes secrets from recordings, in memory, before anything is written to disk.

A secret is replaced by a dummy of the same length: the prefix that identifies its kind stays, followed by
`REDACTED` and as many `x` as needed (`sk-REDACTEDxxxxxxx`), or by `x` alone if it is shorter than that.
The length stays because sizes of writes, chunks and Content-Length are part of what is recorded.
"""

from fake_server.relay.redact.body import clean_text, mask_text, replace_known
from fake_server.relay.redact.clock import OutOfTime, redacting_until
from fake_server.relay.redact.dummies import holds_dummy
from fake_server.relay.redact.excerpts import excerpt, excerpt_end, excerpts_without, mask_excerpt, shorten_masked
from fake_server.relay.redact.exchange import Redacted, Unreadable, redact, redact_found
from fake_server.relay.redact.fields import Secrets, find_secrets, known_values
from fake_server.relay.redact.kept import NOTHING, Kept
from fake_server.relay.redact.scan import scan, scan_text

__all__ = [
    "NOTHING",
    "Kept",
    "OutOfTime",
    "Redacted",
    "Secrets",
    "Unreadable",
    "clean_text",
    "excerpt",
    "excerpt_end",
    "excerpts_without",
    "find_secrets",
    "holds_dummy",
    "known_values",
    "mask_excerpt",
    "mask_text",
    "redact",
    "redact_found",
    "redacting_until",
    "replace_known",
    "scan",
    "scan_text",
    "shorten_masked",
]
