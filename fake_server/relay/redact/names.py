"""Names whose value is secret: of header fields, JSON members and parameters."""

from __future__ import annotations

import re
from functools import lru_cache

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_ALWAYS = frozenset(
    {
        "password",
        "passwd",
        "pwd",
        "passphrase",
        "secret",
        "secrets",
        "apikey",
        "apikeys",
        "authorization",
        "authentication",
        "credential",
        "credentials",
    }
)
"""A name that ends with one of these words has a secret value: `db_password`, `clientSecret`."""
_KEYS = frozenset(
    {
        "api",
        "access",
        "secret",
        "private",
        "account",
        "signing",
        "subscription",
        "master",
        "virtual",
        "encryption",
        "functions",
        "app",
        "auth",
        "client",
        "session",
        "shared",
        "service",
        "admin",
        "openai",
        "anthropic",
        "azure",
    }
)
"""Words before `key` that make it secret, unlike `cache_key`, `idempotency-key` and `foreign_key`."""
_TOKENS = frozenset(
    {
        "access",
        "auth",
        "bearer",
        "refresh",
        "id",
        "session",
        "api",
        "security",
        "oauth",
        "personal",
        "secret",
        "app",
        "bot",
        "csrf",
        "xsrf",
        "jwt",
        "hf",
        "huggingface",
        "hub",
        "github",
        "gitlab",
        "slack",
        "deploy",
        "device",
        "vault",
        "client",
    }
)
"""Words before `token` that make it secret, unlike `max_token`, `next_page_token` and `eos_token`."""
_PARAMETERS = frozenset({"key", "token", "sig", "signature", "auth", "sas", "jwt", "session", "sid", "pwd"})
"""Names that mean a secret in a URL or a form, but may mean something else in a body."""
_LONGEST = 200
"""Characters of a name that are examined."""
_FIELDS = frozenset(
    {"auth", "token", "jwt", "signature", "cookie", "cookie2", "assertion", "dpop", "session", "key", "keys"}
)
_OTHER_KEYS = frozenset({"idempotency", "cache", "surrogate", "ratelimit", "partition", "public", "socket"})
"""Words before `key` that make a header field harmless; any other key may open something."""
_OWNERS = frozenset({"openai-organization", "openai-project"})


def is_secret_name(name: str) -> bool:
    """Whether a member of this name holds a credential: `api_key`, `clientSecret`, `OPENAI_API_KEY`."""
    return _names_a_secret(name[:_LONGEST])


@lru_cache(maxsize=4096)
def _names_a_secret(name: str) -> bool:
    words = _words(name)
    if not words:
        return False
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    return (
        last in _ALWAYS
        or (last in ("key", "keys") and before in _KEYS)
        or (last in ("token", "tokens") and before in _TOKENS)
        or words[-2:] in (["connection", "string"], ["token", "value"])
    )


def is_secret_parameter(name: str) -> bool:
    """Whether a parameter of a URL or a form holds a credential."""
    words = _words(name)
    return is_secret_name(name) or (
        bool(words) and (words[-1] in _PARAMETERS or words in (["code"], ["session", "id"]))
    )


def is_secret_field(name: str) -> bool:
    """Whether a header field of this name holds a credential."""
    words = _words(name)
    if is_secret_name(name) or name.lower() in _OWNERS:
        return True
    return bool(words) and words[-1] in _FIELDS and _OTHER_KEYS.isdisjoint(words[:-1])


def _words(name: str) -> list[str]:
    """`xApiKey`, `X-API-Key` and `x_api_key` as x, api, key."""
    return [word.lower() for word in _WORDS.findall(name[:_LONGEST])]
