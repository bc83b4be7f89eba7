"""Names whose value is secret: of header fields, JSON members and parameters."""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LONGEST = 200
"""Characters of a name that are examined."""
_SECRET = re.compile(
    r"""(?:^|_)(?:
    passwords? | passwd | pwd | passphrase | passcode | secrets? | apikeys? | authorization | authentication
    | credentials? | connection_string | token_value
    | sig(?:nature)?_v[0-9] | (?: amz | goog | oauth | hmac ) _signature
    | code_verifier | (?: client | saml ) _assertion | saml_? (?: response | request )
    | (?: device | auth(?:orization)? ) _code | oauth_verifier | cf_clearance
    # unlike cache_key, idempotency-key and foreign_key:
    | (?: api | access | secret | private | account | signing | subscription | master | virtual | encryption
        | functions | app | auth | client | session | shared | service | admin | openai | anthropic | azure
        | license | webhook | ssh | gateway | server | deploy
      )_keys?
    # unlike max_token, next_page_token and eos_token:
    | (?: access | auth | bearer | refresh | id | session | api | security | oauth | personal | secret | app | bot
        | csrf | xsrf | jwt | hf | huggingface | hub | github | gitlab | slack | deploy | device | vault | client
      )_tokens?
    | (?: private | login | registration | webhook | sas | delegation | identity | invite | reset | verification )_token
    )$""",
    re.VERBOSE,
)
"""How a name ends that has a secret value anywhere: `db_password`, `clientSecret`."""
_SECRET_PARAMETER = re.compile(
    r"(?:^|_)(?:key|token|sig|signature|sign|hmac|auth|sas|jwt|session|sid|pwd|pass|otp|assertion|ticket|credential)$"
    r"|^(?:code|session_id|session_state)$"
)
"""Names that mean a secret in a URL or a form, but may mean something else in a body."""
_SECRET_FIELD = re.compile(r"(?:^|_)(?:auth|token|jwt|signature|cookie(?:_2)?|assertion|dpop|session|keys?)$")
_HARMLESS = re.compile(
    r"(?:^|_)(?:idempotency|cache|surrogate|ratelimit|partition|public|socket|page|next|continuation|sort)_"
)
"""Words before `key` or `token` that make a header field harmless; any other key may open something."""
_OWNERS = frozenset({"openai-organization", "openai-project"})


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a member of this name holds a credential: `api_key`, `clientSecret`, `OPENAI_API_KEY`."""
    return _SECRET.search(split_words(name[:_LONGEST])) is not None


@lru_cache(maxsize=4096)
def is_secret_parameter(name: str) -> bool:
    """Whether a parameter of a URL or a form holds a credential."""
    return is_secret_name(name) or _SECRET_PARAMETER.search(split_words(name[:_LONGEST])) is not None


@lru_cache(maxsize=4096)
def is_secret_field(name: str) -> bool:
    """Whether a header field of this name holds a credential."""
    words = split_words(name[:_LONGEST])
    named = _SECRET_FIELD.search(words) and not _HARMLESS.search(words)
    return is_secret_name(name) or name.lower() in _OWNERS or bool(named)


@lru_cache(maxsize=4096)
def split_words(name: str) -> str:
    """`xApiKey`, `X-API-Key` and `x_api_key` as `x_api_key`."""
    return "_".join(_WORD.findall(name)).lower()
