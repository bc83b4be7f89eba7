"""Faults in a request's header `x-fake-fault: cut;after_events=3;ending=rst, split;every=5`.

It is a list of tokens with parameters as RFC 9651 (structured fields) writes it; yes and no may be written
`true` and `false` too, beside RFC 9651's `?1` and `?0`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import http_sf

from fake_server.faults import CATALOGUE, Fault, FaultError, parse
from fake_server.faults.base import HEADER

_SAID = {"true": True, "false": False}
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
        return parse({"fault": str(name), **_plain(str(name), parameters)})
    except FaultError as error:
        raise FaultError(f"{HEADER}: {error}") from None


def _plain(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a fault as values of JSON."""
    known = CATALOGUE[name].model_fields.items() if name in CATALOGUE else ()
    yes_or_no = {field.alias or member for member, field in known if field.annotation is bool}
    return {key: _value(value, key in yes_or_no) for key, value in parameters.items()}


def _value(value: Any, yes_or_no: bool) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, http_sf.Token):
        return _SAID.get(str(value), str(value)) if yes_or_no else str(value)
    return value
