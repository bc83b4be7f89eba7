"""Environment variables that are secret or could lead a run or a child process astray; an environment without them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from fake_server.relay.redact.names import is_secret_name
from fake_server.relay.redact.patterns import is_distinctive

_FOLDERS = ("PWD", "OLDPWD")
"""A shell's folders, whose names only look like those of passwords."""
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC")


def keys_of_environment() -> tuple[str, ...]:
    """The values of variables like OPENAI_API_KEY, HF_TOKEN and AWS_SECRET_ACCESS_KEY, which no report may show."""
    named = {name: value.strip() for name, value in os.environ.items() if is_secret_name(name) and name not in _FOLDERS}
    keys = [value for name, value in named.items() if name.upper().endswith("API_KEY") or is_distinctive(value)]
    return tuple(dict.fromkeys(filter(None, keys)))


def is_trap(name: str) -> bool:
    """Whether a variable tells an SDK or HTTP client where to connect, through what, or whom to trust."""
    upper = name.upper()
    return upper.startswith("OPENAI_") or upper.endswith("_PROXY") or upper in _CERTIFICATES


@contextmanager
def clean_environment() -> Iterator[None]:
    """While entered, `OPENAI_*`, proxy and certificate variables are gone, and what is set goes again."""
    removed = {name: os.environ.pop(name) for name in list(os.environ) if is_trap(name)}
    try:
        yield
    finally:
        for name in [name for name in os.environ if is_trap(name)]:
            del os.environ[name]
        os.environ.update(removed)


def child_environment() -> dict[str, str]:
    """The environment for a Python child: without traps, and without settings of Python but its path."""
    return {
        name: value
        for name, value in os.environ.items()
        if not is_trap(name) and (name == "PYTHONPATH" or not name.upper().startswith(("PYTHON", "COV_")))
    }
