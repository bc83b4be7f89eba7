"""Which requests are OpenAI's: method and path, below the prefix of a gateway or another provider.

Paths of other APIs look alike: `/v1beta/models/NAME:generateContent` is Gemini's, `/v1/messages/batches`
Anthropic's, `/static/files/logo.png` a website's.
"""

from __future__ import annotations

import re

from contract_tests.recordings.importing.entry import host_of

_POSTED = frozenset((
    *("chat/completions", "completions", "embeddings", "moderations"),
    *("images/generations", "images/edits", "images/variations"),
    *("audio/speech", "audio/transcriptions", "audio/translations"),
))  # fmt: skip
"""Asked by POST, below any prefix."""
_NOUNS = frozenset((
    *("assistants", "audio", "batches", "chat", "chatkit", "containers", "content_provenance_checks"),
    *("conversations", "evals", "files", "fine_tuning", "images", "models", "moderations", "realtime"),
    *("responses", "skills", "threads", "uploads", "vector_stores", "videos"),
))  # fmt: skip
"""Words that others use too: they count at the root and below a version or the like."""
_BASE = re.compile(r"v\d+|openai|openapi|api|inference|serving-endpoints")
_OTHERS = frozenset((("fim", "completions"), ("agents", "completions"), ("chat", "moderations"), ("api", "embeddings")))
"""Mistral's and Ollama's, though they end like OpenAI's."""
_VERB = re.compile(r"[^/]+:[a-z]+[A-Z]\w*|[^/]+:(?:predict|generate|embed)\w*")
"""What Google asks of a model. A colon alone does not tell: `ft:gpt-4o-mini:org::id` is a model."""
_OWN_APIS = {
    "api.anthropic.com": "chat/completions",
    "generativelanguage.googleapis.com": "/openai/",
    "aiplatform.googleapis.com": "/openapi/",
    "api.cohere.com": "/compatibility/",
    "api.cohere.ai": "/compatibility/",
}
"""Hosts whose own API has OpenAI's words too (`/v1/models`), and what is in the paths that speak as OpenAI."""


def is_openai(method: str, path: str, host: str = "") -> bool:
    """Whether a request is one of the OpenAI API; `path` without its query."""
    if any(host.partition(":")[0].endswith(name) and part not in path for name, part in _OWN_APIS.items()):
        return False
    segments = path.strip("/").split("/")
    return any(_begins(method, segments, number) for number in range(len(segments)))


def _begins(method: str, segments: list[str], number: int) -> bool:
    """Whether the path of an operation begins at this segment."""
    before, name, rest = segments[number - 1] if number else "", segments[number], segments[number:]
    if method == "POST" and "/".join(rest) in _POSTED and (before, name) not in _OTHERS:
        return True
    deployed = number > 1 and segments[number - 2] == "deployments"
    based = not before or deployed or _BASE.fullmatch(before) is not None
    return name in _NOUNS and based and _has_form(method, rest)


def _has_form(method: str, rest: list[str]) -> bool:
    """Whether what follows a prefix is an operation on what its first word names."""
    if rest[0] == "models":
        return method in ("GET", "HEAD", "DELETE") and len(rest) <= 2 and not _VERB.fullmatch(rest[-1])
    if rest[0] == "chat":
        return len(rest) > 1 and rest[1] == "completions"
    return len(rest) > 1 or rest[0] not in ("audio", "images")


def reason_to_skip(method: str, target: str, endpoint: str | None, url: str = "") -> str:
    """Why an entry is not an exchange with an OpenAI API (or with `endpoint`), '' if it is.

    `url` is what the file says of the host.
    """
    path = target.partition("?")[0].rstrip("/")
    if method in ("OPTIONS", "CONNECT"):
        return f"{method} asks nothing of the API"
    if endpoint is not None:
        return "" if path.endswith(f"/{endpoint.strip('/')}") else f"not an exchange with /{endpoint.strip('/')}"
    return "" if is_openai(method, path, host_of(url)) else "not an endpoint of the OpenAI API"
