"""What a credential looks like, and which header fields, parameters and members hold one.

Every expression is linear in the length of its text, because targets choose the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fake_server.redact.dummy import is_dummy

_PREFIXED = {
    r"sk-(?:proj-|ant-|or-v1-|svcacct-|admin-)?": r"[A-Za-z0-9_-]{16,}",
    r"sess-|ek_|sk_live_|sk_test_|rk_live_": r"[A-Za-z0-9_-]{16,}",
    r"org-": r"[A-Za-z0-9]{20,}",
    r"proj_": r"[A-Za-z0-9]{16,}",
    r"gsk_|csk-|fw_|tgp_v1_|nvapi-|glpat-|lsv2_pt_|pcsk_": r"[A-Za-z0-9_-]{20,}",
    r"xai-|pplx-": r"[A-Za-z0-9]{40,}",
    r"hf_|r8_": r"[A-Za-z0-9]{30,}",
    r"AIza": r"[A-Za-z0-9_-]{35,}",
    r"ya29\.": r"[A-Za-z0-9_-]{20,}",
    r"AKIA|ASIA": r"[A-Z0-9]{16}",
    r"gh[pousr]_|github_pat_": r"[A-Za-z0-9_]{22,}",
    r"xox[abprs]-": r"[A-Za-z0-9-]{10,}",
    r"[Bb]earer[ +]": r"[A-Za-z0-9._~+/=-]{16,}",
    r"[Bb]asic[ +]": r"[A-Za-z0-9+/=]{16,}",
    r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----": r"[A-Za-z0-9+/=\s\\]{16,}",
    r"eyJ[A-Za-z0-9_-]{10,2000}\.eyJ": r"[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
}
_USER = r"://[A-Za-z0-9._~%-]{1,64}:"
_PASSWORD = r"[^\s/@\"'\\]{4,200}(?=@)"
_CREDENTIAL = re.compile(
    "|".join(
        [
            *(rf"(?<![A-Za-z0-9])(?:{prefix})(?:{rest})" for prefix, rest in _PREFIXED.items()),
            _USER + _PASSWORD,
        ]
    )
)
_PREFIX = re.compile("|".join(f"(?:{prefix})" for prefix in [*_PREFIXED, _USER]))
_SECRET_WORDS = (
    r"(?:api|access|secret|private|client|auth|session|subscription|refresh|id|app|master|virtual)"
    r"[-_]?(?:key|token|secret)|password|passwd|secret|authorization|credentials?|connection[-_]?string"
)
_MEMBER = re.compile(
    rf'"(?:x-)?(?:{_SECRET_WORDS})"[ \t\r\n]{{0,20}}:[ \t\r\n]{{0,20}}"([^"\\]{{4,}})"', re.I
)
_PARAMETER = re.compile(
    rf"(?<![A-Za-z0-9])(?:{_SECRET_WORDS}|key|token|sig|signature|code)=([^&\s\"'\\<>;]{{4,}})", re.I
)
_FIELD = re.compile(
    r"authorization|cookie|api-?key|subscription-key|secret|password|signature|credential|"
    r"openai-organization|openai-project|(?:auth|access|security|session|csrf|xsrf|id|x)-token$",
    re.I,
)

Span = tuple[int, int]
"""The characters from the first on and before the second."""


def credentials(text: str) -> Iterator[Span]:
    """What looks like a credential by its own form, without the prefix that tells it."""
    for match in _CREDENTIAL.finditer(text):
        start = after_prefix(text, match.start(), match.end())
        if not is_dummy(text[start : match.end()]):
            yield start, match.end()


def named(text: str) -> Iterator[Span]:
    """Values of members and parameters whose name says that they are secret."""
    for pattern in (_MEMBER, _PARAMETER):
        for match in pattern.finditer(text):
            start = after_prefix(text, match.start(1), match.end(1))
            if not is_dummy(text[start : match.end(1)]):
                yield start, match.end(1)


def suspicious(text: str) -> Iterator[Span]:
    """What looks like a credential by its form or its name."""
    yield from credentials(text)
    yield from named(text)


def is_secret_field(name: str) -> bool:
    """Whether a header field of this name holds a credential."""
    return _FIELD.search(name) is not None


def after_prefix(text: str, start: int = 0, stop: int | None = None) -> int:
    """Where the secret part of a credential begins: after `Bearer `, `sk-proj-`, `org-`, or at its start."""
    stop = len(text) if stop is None else stop
    while (match := _PREFIX.match(text, start, stop)) and match.end() < stop:
        start = match.end()
    return start
