"""Faults in a request's header `x-fake-fault: cut;after_events=3;ending=rst, split;every=5`.

It is a list of tokens with parameters as RFC 9651 (structured fields) writes it; yes and no may be written
`true` and `false` too, beside RFC 9651's `?1` and `?0`.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import http_sf

from fake_server.faults import CATALOGUE, Fault, FaultError, parse
from fake_server.faults.base import HEADER
from fake_server.wire.budget import spend

_BOOLEANS = {"true": True, "false": False}
_EXAMPLE = 'cut;after_events=2;ending=rst, error;status=429;message="slow"'


def read(value: str, where: str = HEADER) -> list[Fault]:
    """The faults a header names; messages begin with `where`. Raises FaultError."""
    try:
        items: Any = http_sf.parse(value.encode("latin-1"), tltype="list")
    except (http_sf.StructuredFieldError, UnicodeEncodeError) as error:
        raise FaultError(f"{where}: {error}; write it like {where}: {_EXAMPLE}") from None
    faults = []
    for name, parameters in items:
        spend(5, f"the faults of {where}")
        faults.append(_fault(name, parameters, where))
    return faults


def parameters_of(kind: type[Fault]) -> list[tuple[str, str]]:
    """The parameters of a fault that can be written here, each with a value as it is written.

    Null, lists and mappings cannot be written.
    """
    found = []
    properties: dict[str, Any] = kind.model_json_schema()["properties"]
    for name, schema in properties.items():
        types = {part.get("type") for part in (schema, *schema.get("anyOf", ()))}
        if name in ("fault", "probability") or types.isdisjoint(("integer", "number", "string", "boolean")):
            continue
        usual = schema.get("default")
        value = "" if usual is None else json.dumps(usual)
        if isinstance(usual, str):
            value = "" if not usual.isascii() or not usual.isprintable() or '"' in usual else f'"{usual}"'
        least = [part["minimum"] for part in (schema, *schema.get("anyOf", ())) if "minimum" in part]
        if not value and least:
            value = str(max(3, int(least[0])))
        found.append((name, value or '"text"'))
    return found


def _fault(name: Any, parameters: dict[str, Any], where: str) -> Fault:
    if not isinstance(name, http_sf.Token):
        raise FaultError(f"{where}: {name!r} is not the name of a fault; write it like {where}: {_EXAMPLE}")
    known = CATALOGUE[str(name)].model_fields.items() if str(name) in CATALOGUE else ()
    booleans = {field.alias or member for member, field in known if field.annotation is bool}
    try:
        return parse({"fault": str(name), **{key: _value(at, key in booleans) for key, at in parameters.items()}})
    except FaultError as error:
        raise FaultError(f"{where}: {error}") from None


def _value(value: Any, boolean: bool) -> Any:
    """The value of a parameter as JSON has it."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, http_sf.Token):
        return _BOOLEANS.get(str(value), str(value)) if boolean else str(value)
    return value
