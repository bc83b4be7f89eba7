"""Who may ask for what: the server's key, and pages of other origins, which may not control it.

A request without the key, and one from a page into a space that does not exist, is answered outside all spaces:
no space is made, evicted or changed for it.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from fake_server.access import is_from_foreign_page
from fake_server.api import errors
from fake_server.api.reply import ErrorReply

OPEN_PATHS = frozenset({"/", "/health", "/docs", "/openapi.json", "/metrics"})
"""Paths that need no key."""


@dataclass(frozen=True)
class Admission:
    """Whether a request has the server's key, whether a page of another origin asks, and what it is refused with."""

    has_key: bool
    from_page: bool
    refusal: ErrorReply | None


USUAL = Admission(True, False, None)
OF_PAGES = frozenset({"origin", "sec-fetch-site", "referer"})
"""Fields by which browsers say that a page asks."""


def admit(key: str | None, method: str, path: str, fields: Mapping[str, str], space: str, controls: bool) -> Admission:
    """Decide about one request into this space; `key` is the server's, None where it asks for none."""
    problem = None if key is None else _problem_of_key(key, fields, space)
    from_page = is_from_foreign_page(method, fields)
    if problem is None and not from_page:
        return USUAL
    needs_key = method != "OPTIONS" and path.removeprefix("/v1") not in OPEN_PATHS
    refusal = errors.foreign_page(path) if controls and from_page else problem if needs_key else None
    return Admission(problem is None, from_page, refusal)


def _problem_of_key(key: str, fields: Mapping[str, str], space: str) -> ErrorReply | None:
    """The 401 of a request without the server's key; None where it has it."""
    scheme, _, sent = fields.get("authorization", "").partition(" ")
    sent = sent.strip()
    if scheme.lower() != "bearer" or not sent:
        return errors.missing_key()
    given = sent.removesuffix(f"@{space}").encode("latin-1")
    return None if hmac.compare_digest(given, key.encode()) else errors.wrong_key(sent)
