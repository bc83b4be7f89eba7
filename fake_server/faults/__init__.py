"""The faults by name: small ones that compose. A fault changes a Delivery and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias, get_args

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from fake_server.faults.base import Fault, NotPossible
from fake_server.faults.between import CrossTalk, NoCors, OneSlot, Preflight
from fake_server.faults.edits import Bom, BrokenGzip, Empty, Garbage, Header, InvalidUtf8, WrongLength
from fake_server.faults.events import (
    AfterDone,
    Comments,
    DoubleDone,
    DoubleEvent,
    DropEvent,
    ErrorEvent,
    LateDone,
    LineEnds,
    NoDone,
    NoSpace,
    TruncatedEvent,
)
from fake_server.faults.leaving import Close, Cut, Merge, NoLastChunk, Slow, SlowHead, Split, SplitUtf8, Stall
from fake_server.faults.replies import Error, HtmlError, Instead, InsufficientQuota, Quota
from fake_server.faults.requests import Misread
from fake_server.faults.values import DropEvents, InsertEvent, Json, RepeatEvents, Rewrite
from fake_server.faults.wording import describe_error

__all__ = ["CATALOGUE", "AnyFault", "Fault", "FaultError", "NotPossible", "parse", "problem"]

AnyFault: TypeAlias = Annotated[
    Error
    | InsufficientQuota
    | Quota
    | HtmlError
    | Instead
    | Misread
    | Close
    | SlowHead
    | Empty
    | Header
    | WrongLength
    | BrokenGzip
    | Cut
    | NoLastChunk
    | Stall
    | Slow
    | Split
    | SplitUtf8
    | Merge
    | DropEvent
    | DoubleEvent
    | TruncatedEvent
    | NoDone
    | DoubleDone
    | LateDone
    | AfterDone
    | ErrorEvent
    | Garbage
    | Bom
    | InvalidUtf8
    | LineEnds
    | NoSpace
    | Comments
    | Json
    | DropEvents
    | RepeatEvents
    | InsertEvent
    | Rewrite
    | CrossTalk
    | OneSlot
    | Preflight
    | NoCors,
    Field(discriminator="fault"),
]
"""Any fault; its name says which."""

CATALOGUE: dict[str, type[Fault]] = {
    kind.model_fields["fault"].default: kind for kind in get_args(get_args(AnyFault)[0])
}
"""Every kind of fault by name."""

_ADAPTER: TypeAdapter[Fault] = TypeAdapter(AnyFault, config=ConfigDict(defer_build=True))


class FaultError(ValueError):
    """A fault that cannot be parsed; the message says what is wrong and what to write instead."""


def parse(item: Mapping[str, Any]) -> Fault:
    """Parse a fault written as `{fault: NAME, …}`. Raises FaultError."""
    try:
        return _ADAPTER.validate_python(dict(item))
    except ValidationError as error:
        raise FaultError(problem(error)) from None


def problem(error: ValidationError) -> str:
    """Describe the first error of a fault."""
    return describe_error(error.errors(include_url=False)[0], CATALOGUE)
