"""What is wrong with a fault as it is written, for people to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_server.faults.base import Fault
from fake_server.wire.text import did_you_mean


def describe_error(detail: Any, catalogue: Mapping[str, type[Fault]]) -> str:
    """Describe one of pydantic's errors in one line."""
    kind, loc, value = detail["type"], [str(part) for part in detail["loc"]], detail["input"]
    if kind == "union_tag_not_found":
        return "the key 'fault' is missing: it names the fault, as in {fault: cut, after_events: 2}"
    if kind == "union_tag_invalid":
        return f"there is no fault {detail['ctx']['tag']!r}: {_hint(detail['ctx']['tag'], list(catalogue))}"
    if not loc and kind in ("model_attributes_type", "dict_type", "model_type"):
        return f"a fault is a mapping: write {{fault: {value if isinstance(value, str) else 'NAME'}}}"
    name, key = loc[0] if loc else "fault", loc[-1] if loc else ""
    fields = catalogue[name].model_fields if name in catalogue else {}
    known = [field for field in fields if field != "fault"]
    if kind == "extra_forbidden":
        return f"the fault {name!r} has no {key!r}: {_hint(key, known)}"
    message = str(detail["msg"]).replace("Input should", "it must").replace("String should", "it must")
    message = message.replace("a valid dictionary", "a mapping")
    where = f"the fault {name!r}" + (f", {key}" if key != name else "")
    return f"{where}: {message}, not {value!r}" if not isinstance(value, Mapping) else f"{where}: {message}"


def _hint(key: str, known: list[str]) -> str:
    return did_you_mean(key, known, f"known here: {', '.join(known)}")
