"""Faults in a request's header `x-fake-fault: cut;after_events=3;ending=rst, split;every=5`.

It is a list of tokens with parameters as RFC 9651 (structured fields) writes it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import http_sf

from fake_server.faults import Fault, FaultError, parse
from fake_server.faults.base import HEADER

_EXAMPLE = f'write it like {HEADER}: cut;after_events=2;ending=rst, error;status=429;message="slow"'


def read(value: str) -> list[Fault]:
    """The faults a header names. Raises FaultError."""
    try:
        items: Any = http_sf.parse(value.encode("latin-1"), tltype="list")
    except http_sf.StructuredFieldError as error:
        raise FaultError(f"{HEADER}: {error}; {_EXAMPLE}") from None
    return [_fault(*item) for item in items]


def _fault(name: Any, parameters: dict[str, Any]) -> Fault:
    if not isinstance(name, http_sf.Token):
        raise FaultError(f"{HEADER}: {name!r} is not the name of a fault; {_EXAMPLE}")
    try:
        return parse({"fault": str(name), **{key: _plain(value) for key, value in parameters.items()}})
    except FaultError as error:
        raise FaultError(f"{HEADER}: {error}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, http_sf.Token) else value
