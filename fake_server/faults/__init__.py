"""The faults by name: small ones that compose. A fault changes a Delivery and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from fake_server.faults import between, edits, events, leaving, replies, requests, values
from fake_server.faults.base import Fault, NotPossible
from fake_server.wire.text import did_you_mean

__all__ = ["CATALOGUE", "AnyFault", "Fault", "FaultError", "NotPossible", "describe_error", "parse"]

_KINDS: tuple[type[Fault], ...] = (
    *(replies.Error, replies.InsufficientQuota, replies.Quota, replies.HtmlError, replies.Instead),
    *(requests.Misread, leaving.Close, leaving.SlowHead),
    *(edits.Empty, edits.Header, edits.WrongLength, edits.DoubleFraming, edits.BrokenGzip, edits.Compress),
    *(leaving.Cut, leaving.NoLastChunk, leaving.Stall, leaving.Slow, leaving.Split, leaving.SplitUtf8, leaving.Merge),
    *(events.DropEvent, events.DoubleEvent, events.TruncatedEvent, events.NoDone, events.DoubleDone, events.LateDone),
    *(events.AfterDone, events.ErrorEvent),
    *(edits.Garbage, edits.Bom, edits.InvalidUtf8),
    *(events.LineEnds, events.NoSpace, events.Comments),
    *(values.Json, values.DropEvents, values.RepeatEvents, values.InsertEvent, values.Rewrite),
    *(between.CrossTalk, between.OneSlot, between.Slots, between.Preflight, between.NoCors),
)
"""Every kind of fault, in the order of FAULTS.md, schemas and messages."""

CATALOGUE: dict[str, type[Fault]] = {kind.model_fields["fault"].default: kind for kind in _KINDS}
"""Every kind of fault by name."""

if TYPE_CHECKING:
    AnyFault: TypeAlias = Fault
else:
    AnyFault = Annotated[reduce(or_, _KINDS), Field(discriminator="fault")]
    """Any fault; its name says which."""

_ADAPTER: TypeAdapter[Fault] = TypeAdapter(AnyFault, config=ConfigDict(defer_build=True))


class FaultError(ValueError):
    """A fault that cannot be parsed; the message says what is wrong and what to write instead."""


def parse(item: Mapping[str, Any]) -> Fault:
    """Parse a fault written as `{fault: NAME, …}`. Raises FaultError."""
    try:
        return _ADAPTER.validate_python(dict(item))
    except ValidationError as error:
        raise FaultError(describe_error(error.errors(include_url=False)[0])) from None


def describe_error(detail: Any) -> str:
    """Describe one of pydantic's errors about a fault in one line."""
    kind, loc, value = detail["type"], [str(part) for part in detail["loc"]], detail["input"]
    if kind == "union_tag_not_found":
        return "the key 'fault' is missing: it names the fault, as in {fault: cut, after_events: 2}"
    if kind == "union_tag_invalid":
        return f"there is no fault {detail['ctx']['tag']!r}: {_hint(detail['ctx']['tag'], list(CATALOGUE))}"
    if not loc and kind in ("model_attributes_type", "dict_type", "model_type"):
        return f"a fault is a mapping: write {{fault: {value if isinstance(value, str) else 'NAME'}}}"
    name, key = loc[0] if loc else "fault", loc[-1] if loc else ""
    fields = CATALOGUE[name].model_fields if name in CATALOGUE else {}
    known = [field for field in fields if field != "fault"]
    if kind == "extra_forbidden":
        return f"the fault {name!r} has no {key!r}: {_hint(key, known)}"
    message = str(detail["msg"]).replace("Input should", "it must").replace("String should", "it must")
    message = message.replace("a valid dictionary", "a mapping")
    where = f"the fault {name!r}" + (f", {key}" if key != name else "")
    return f"{where}: {message}, not {value!r}" if not isinstance(value, Mapping) else f"{where}: {message}"


def _hint(key: str, known: list[str]) -> str:
    return did_you_mean(key, known, f"known here: {', '.join(known)}")
