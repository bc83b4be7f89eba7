"""Secrets cannot be written: what is recorded is cleaned in memory before anything touches the disk.

A secret is replaced by a dummy of the same length: the prefix that tells its kind stays, then follow
`REDACTED` and as many `x` as it takes (`sk-REDACTEDxxxxxxx`), or only `x` where it is shorter than that.
"""

from fake_server.relay.redact.body import clean_text, replace_known
from fake_server.relay.redact.exchange import Redacted, Unreadable, redact
from fake_server.relay.redact.fields import known_values
from fake_server.relay.redact.scan import Leak, scan, scan_text

__all__ = [
    "Leak",
    "Redacted",
    "Unreadable",
    "clean_text",
    "known_values",
    "redact",
    "replace_known",
    "scan",
    "scan_text",
]
